"""`tocsin rules test` and `simulate` as they are typed: what they print, write and return."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from daemon.cli.main import app
from daemon.lab.playing import PAYS
from tests.cli.terminal import environment
from tests.lab.files import OUTAGE, write
from tests.processes.waiting import until

TESTS = f"""
tests:
  - name: good
    tags: [ quick ]
    {OUTAGE}
    expect: [ {{ at: 1m, posts: {{ page: [ first ] }} }} ]
  - name: bad
    {OUTAGE}
    expect:
      - {{ at: 31m, posts: {{ page: [ first, clear ] }} }}
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and what was printed."""
    done = CliRunner().invoke(app, ["rules", *map(str, arguments)])
    return done.exit_code, re.sub(r"in [0-9.]+ s", "in 0 s", done.output)


def test_a_failure_is_understood_at_a_glance(tmp_path: Path) -> None:
    """The place, both lists line by line with times, and how to see more; exit 1."""
    file = write(tmp_path, TESTS)
    code, printed = run("test", file)
    assert code == 1
    assert printed.splitlines() == [
        "FAIL bad",
        f"  {file}:11:35: at 31m: posts on page",
        "      first    at 1m",
        "    - clear    expected",
        "    + holding  at 31m  not expected",
        f"  all of it: tocsin rules simulate {file} --test bad --for 31m",
        "",
        "1 passed, 1 failed in 0 s",
    ]


def test_tags_choose_and_a_good_run_is_one_line(tmp_path: Path) -> None:
    """Exit 0 and the counts."""
    assert run("test", write(tmp_path, TESTS), "--tags", "quick,other") == (
        0,
        "1 passed, 1 left out in 0 s\n",
    )


def test_a_file_that_is_wrong_is_exit_2(tmp_path: Path) -> None:
    """As everywhere: wrong use is not a failed test."""
    done = CliRunner().invoke(app, ["rules", "test", str(write(tmp_path, "tests: [ { nam: x } ]"))])
    assert done.exit_code == 2
    assert "did you mean name?" in done.stderr


def test_junit_is_what_ci_systems_read(tmp_path: Path) -> None:
    """One suite a file, one case a test, the difference as the failure's text."""
    code, _ = run("test", write(tmp_path, TESTS), "--junit", tmp_path / "out.xml")
    assert code == 1
    (suite,) = ET.parse(tmp_path / "out.xml").getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite
    assert [good.get("name"), good.get("line"), len(good)] == ["good", "4", 0]
    assert "- clear" in (bad[0].text or "")


def test_json_has_places_and_both_sides(tmp_path: Path) -> None:
    """For programs."""
    code, printed = run("test", write(tmp_path, TESTS), "--json")
    told = json.loads(printed)
    assert (code, told["passed"], [one["passed"] for one in told["tests"]]) == (1, False, [True, False])
    (difference,) = told["tests"][1]["differences"]
    assert (difference["expected"], difference["got"]) == (["first", "clear"], ["first", "holding"])


async def test_watch_runs_again_when_a_rule_changes(tmp_path: Path) -> None:
    """A change of the rules is seen, too; a mistake in between does not end it."""
    file = write(tmp_path, TESTS.split("  - name: bad", maxsplit=1)[0])
    printed = tmp_path / "printed"
    with printed.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "daemon", "rules", "test", str(file), "--watch", stdout=out,
            env=environment(PYTHONUNBUFFERED="1"),
        )  # fmt: skip
    try:
        await until(lambda: printed.read_text().count("waiting for a change") == 1, within=30)
        rules = tmp_path / "rules.yaml"
        rules.write_text(rules.read_text().replace("id: first,", "id: start,"), encoding="utf-8")
        await until(lambda: "no step is called 'first'" in printed.read_text(), within=30)
        rules.write_text(rules.read_text().replace("id: start,", "id: first,"), encoding="utf-8")
        await until(lambda: printed.read_text().count("1 passed") == 2, within=30)
    finally:
        process.terminate()
        await process.wait()


SCENARIO = """
name: an outage
alerts: [ { labels: { service: checkout, severity: page }, fires: 0m, resolves: 70m } ]
people: [ { at: 40m, who: ana, update: "We found it." } ]
"""


SOCIAL = ' public/social: after 1h, if "impact >= critical", approve veto 5m'


def test_simulate_tells_what_is_said_asked_and_not_done(tmp_path: Path) -> None:
    """Each line has its span, time of day, incident, and the step with its own words."""
    file = write(tmp_path, SCENARIO, name="scenario.yaml")
    code, printed = run("simulate", file, "--for", "2h")
    assert code == 0
    lines = [re.sub(" +", " ", line) for line in printed.splitlines()]
    assert lines[0] == "an outage: from 2027-01-04 10:00 UTC, 2h"
    for line in (
        "0s 10:00:00 alert fires: service=checkout severity=page",
        "1m 10:01:00 INC-1 opens as INC-1: impact major, plan public, about checkout",
        "1m 10:01:00 INC-1 says first on page, mail, ops; next update by 31m public/first: after 0s",
        "26m 10:26:00 INC-1 asks comms in ops: nag public/nag: every 25m",
        "40m 10:40:00 ana: update: We found it.",
        "40m 10:40:00 INC-1 says person (ana) on mail, ops, page",
        "1h1m 11:01:00 INC-1 social is due, but its `if` is false: impact >= critical" + SOCIAL,
        "1h25m 11:25:00 INC-1 status resolved",
    ):
        assert line in lines, printed


def test_simulate_prints_words_and_json(tmp_path: Path) -> None:
    """`--texts` has every text once with its channels; `--json` the same lines as data."""
    file = write(tmp_path, SCENARIO, name="scenario.yaml")
    _, printed = run("simulate", file, "--for", "30m", "--texts")
    assert "[page, mail, ops] We" in printed
    _, printed = run("simulate", file, "--for", "30m", "--json")
    told = json.loads(printed)
    said = [one for one in told["timeline"] if one["kind"] == "said"]
    assert [(one["at"], one["step"], sorted(one["texts"])) for one in said] == [
        (60.0, "first", ["mail", "ops", "page"])
    ]
    assert told["coming"] == [{"incident": "INC-1", "step": "holding", "at": 1860.0}]


def test_simulate_takes_a_test_of_a_file(tmp_path: Path) -> None:
    """The line that a failed test prints works; a name that is not there is named."""
    file = write(tmp_path, TESTS)
    code, printed = run("simulate", file, "--test", "bad", "--for", "31m")
    assert code == 0
    assert "says holding" in printed
    done = CliRunner().invoke(app, ["rules", "simulate", str(file), "--test", "baad"])
    assert (done.exit_code, "did you mean bad?" in done.stderr) == (2, True)
    done = CliRunner().invoke(app, ["rules", "simulate", str(file)])
    assert (done.exit_code, "name one with --test" in done.stderr) == (2, True)


def test_a_scenario_that_cannot_happen_is_exit_1(tmp_path: Path) -> None:
    """What was refused is told with its place, after the timeline."""
    file = write(tmp_path, "people: [ { at: 1m, ack: true } ]\n", name="scenario.yaml")
    code, printed = run("simulate", file, "--for", "5m")
    assert code == 1
    assert f"{file}:2:11: at 1m: ack was refused: there is no incident then" in printed


@pytest.mark.parametrize("span", ["6", "-1h", "soon"])
def test_a_span_that_is_none_is_told(tmp_path: Path, span: str) -> None:
    """`--for` is a duration as in rule files."""
    done = CliRunner().invoke(app, ["rules", "simulate", str(write(tmp_path, SCENARIO)), f"--for={span}"])
    assert (done.exit_code, "--for: " in done.stderr) == (2, True)


def test_the_page_stands_alone(tmp_path: Path) -> None:
    """No script, nothing from elsewhere, every channel a lane, and texts are data."""
    hostile = SCENARIO.replace("We found it.", "<script>alert(1)</script>")
    file = write(tmp_path, hostile, name="scenario.yaml")
    code, printed = run("simulate", file, "--html", tmp_path / "out.html")
    assert (code, printed) == (0, "")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|url\(|@import", page)
    assert "&lt;script&gt;alert(1)" in page
    for lane in ("page", "mail", "x", "ops", "alert", "INC-1", "questions", "not done"):
        assert f'<li><b title="{lane}">{lane}</b>' in page


def test_many_tests_are_played_side_by_side(tmp_path: Path) -> None:
    """In two processes as in one: the same results in the same order."""
    tests = "".join(
        f"  - {{ name: t{number}, {OUTAGE}, expect: [ {{ at: 1m, incidents: {number % 2} }} ] }}\n"
        for number in range(PAYS + 1)
    )
    file = write(tmp_path, f"tests:\n{tests}")
    one, two = (json.loads(run("test", file, "--json", "--jobs", jobs)[1]) for jobs in ("1", "2"))
    for told in (*one["tests"], *two["tests"]):
        del told["seconds"]
    assert one == two
    assert [told["passed"] for told in two["tests"]] == [number % 2 == 1 for number in range(PAYS + 1)]
