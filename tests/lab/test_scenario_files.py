"""Everything wrong with a test file is told with file, line and column, before anything is played."""

# ruff: noqa: E501 - a line of a test file stays one line here

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core.errors import BadInput
from daemon.lab.scenario_file import read_text
from rules.errors import LoadError
from tests.lab.files import OUTAGE, run_file, run_text, suite_of, told, write

WRONG = [
    ("expects: []", "4:5", "expects: is not known here; did you mean expect?"),
    ("expect: [ { at: 1x } ]", "4:21", "at: '1x' is not a duration; write it like 30s, 5m, 1h30m or 1d"),
    ("expect: [ { status: resolved } ]", "4:15", "lacks the key at; add at"),
    ("expect: [ { at: 1m, status: resolvd } ]", "4:33", "'resolvd' is not a status; did you mean resolved?"),
    ("expect: [ { at: 1m, posts: { pgae: [ first ] } } ]", "4:34", "no channel is called 'pgae'; did you mean page?"),
    ("expect: [ { at: 1m, posts: { page: [ frist ] } } ]", "4:42", "no step is called 'frist'; did you mean first?"),
    ("expect: [ { at: 1m, posts: { page: first } } ]", "4:40", "is no list of steps; write [ first, holding*3 ]"),
    ("expect: [ { at: 1m, asked: { coms: [] } } ]", "4:34", "no person or channel is called 'coms'; did you mean comms?"),
    ("expect: [ { at: 1m, plan: publik } ]", "4:31", "no plan is called 'publik'; did you mean public?"),
    ("expect: [ { at: 1m, components: { checkout: broken } } ]", "4:49", "'broken' is not a component's status"),
    ("expect: [ { at: 1m, incident: { route: servces } } ]", "4:44", "no route is called 'servces'; did you mean services?"),
    ("expect: [ { at: 1m, texts: [ { step: first, on: page, gate: clean } ] } ]", "4:34", "gate: the wording gate is not"),
    ("channels: [ { at: 1m, x: dwn } ]", "4:30", "'dwn' is not possible here; did you mean down?"),
    ("channels: [ { at: 1m, xx: down } ]", "4:27", "no channel is called 'xx'; did you mean x?"),
    ("channels: [ { at: 1m } ]", "4:17", "names no channel; write { at: 90m, x: down }"),
    ("daemon: { down: 5m, up: 5m }", "4:13", "is up before it is down; write a later `up`"),
    ("people: [ { at: 1m } ]", "4:15", "does nothing; add one of ack, update"),
    ("people: [ { at: 1m, ack: true, take_over: true } ]", "4:15", "does several things at once: ack, take_over"),
    ("people: [ { at: 1m, merge_into: INC-1 } ]", "4:15", "merge_into: merging incidents is not part of this version"),
    ("people: [ { at: 1m, rules: current } ]", "4:15", "rules: moving an incident to other rules is not part"),
    ("people: [ { at: 1m, update: hello, to: [ pag ] } ]", "4:46", "no channel is called 'pag'; did you mean page?"),
    ("maintenance: [ { from: 1m } ]", "3:5", "maintenance: announced maintenances are not part of this version"),
    ('start_timestamp: "yesterday"', "4:22", "'yesterday' is not an instant; write it like"),
    ("alerts: [ { labels: { a: b }, fires: 5m, resolves: 5m } ]", "4:15", "resolves before it fires"),
    ("alerts: [ { labels: {}, fires: 0m, vary: { a: 1000, b: 1000 } } ]", "4:15", "makes 1000000 alerts"),
    ("alerts: [ { labels: {}, fires: 0m, again: { every: 1m, until: 5m } } ]", "4:15", "cannot fire again"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "place", "message"), WRONG, ids=[one[0][:40] for one in WRONG])
def test_a_mistake_is_told_with_its_place(tmp_path: Path, key: str, place: str, message: str) -> None:
    """One line with the place and what to write instead."""
    file = write(tmp_path, f"tests:\n  - name: one\n    {key}\n")
    with pytest.raises(LoadError) as error:
        suite_of(file)
    (problem,) = error.value.problems
    assert (f"{problem.line}:{problem.column}", problem.file) == (place, str(file)), problem
    assert message in str(problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [ { name: a, &x strict: true } ]", "has an anchor"),
        ("tests: [ { name: a, name: b } ]", "is there twice"),
        ("tests: [\n", "is not YAML"),
        ("name: a", "lacks the key tests"),
        ("just words", "is no map"),
    ],
)
def test_broken_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Nothing is half-loaded."""
    file = tmp_path / "a.test.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LoadError, match=message):
        suite_of(file)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """As for rule files."""
    with pytest.raises(LoadError, match="cannot be read: No such file or directory"):
        suite_of(tmp_path / "none.yaml")


def test_mistakes_in_all_files_come_together(tmp_path: Path) -> None:
    """One run names everything, in the rules as well."""
    first = write(tmp_path, "tests: [ { name: a, oops: 1 } ]")
    second = write(tmp_path, "tests: [ { name: b, oh: 1 } ]", name="b.test.yaml")
    with pytest.raises(LoadError) as error:
        suite_of(first, second)
    assert [Path(one.file).name for one in error.value.problems] == ["a.test.yaml", "b.test.yaml"]
    broken = write(tmp_path, "tests: [ { name: a } ]", rules="plans: 5")
    with pytest.raises(LoadError, match=r"rules\.yaml:1:8"):
        suite_of(broken)


def test_rules_must_be_named(tmp_path: Path) -> None:
    """A file without `rule_files` says what is missing."""
    file = tmp_path / "a.test.yaml"
    file.write_text("tests: [ { name: a } ]", encoding="utf-8")
    with pytest.raises(BadInput, match="names no rules: add rule_files"):
        suite_of(file)


async def test_defaults_fill_any_key(tmp_path: Path) -> None:
    """A test's own key wins; what comes from the defaults has its place there."""
    text = f"""
    defaults:
      {OUTAGE}
      start_timestamp: "2027-03-01T00:00:00Z"
      expect: [ {{ at: 1m, posts: {{ page: [ first ] }} }} ]
    tests:
      - name: taken over
      - name: its own
        alerts: []
      - name: its own expectation
        expect: [ {{ at: 1m, incidents: 1, texts: [ {{ step: first, on: page, contains: "00:31 UTC" }} ] }} ]
    """
    first, second, third = await run_text(tmp_path, text)
    assert (told(first), told(third)) == ([], [])
    assert [second.file.where(one.place) for one in second.outcome.differences] == [(6, 38)]


async def test_alerts_again_and_varied(tmp_path: Path) -> None:
    """`again` makes episodes of one alert, `vary` one alert for each combination."""
    text = "{ labels: { a: b }, fires: 1m, resolves: 2m, again: { every: 4m, until: 9m }, vary: { c: 2, d: [ x, y ] } }"
    scenario = read_text("a.yaml", f"alerts: [ {text} ]", tmp_path).scenarios[0]
    assert len(scenario.runs) == 8
    first = [
        (one.fires, one.resolves) for one in scenario.runs if one.labels == {"a": "b", "c": "1", "d": "x"}
    ]
    assert first == [(60_000, 120_000), (300_000, 360_000)]


async def test_tags_and_only_choose(tmp_path: Path) -> None:
    """`--tags` takes those that have one; `only` runs alone and makes the run fail."""
    file = write(tmp_path, "tests: [ { name: a, tags: [ x ] }, { name: b, tags: [ y, z ] }, { name: c } ]")
    assert [one.scenario.name for one in (await run_file(file, tags=("x", "z"))).results] == ["a", "b"]
    file = write(tmp_path, "tests: [ { name: a, only: true }, { name: b } ]")
    run = await run_file(file)
    assert [one.scenario.name for one in run.results] == ["a"]
    assert not run.passed
    assert run.left_out == 1
