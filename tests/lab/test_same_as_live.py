"""The live daemon, `simulate` and `test` say exactly the same at the same times."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daemon.core import journal as j
from daemon.core.clock import HOUR, SECOND, FakeClock, Instant
from daemon.lab.playing import in_order
from daemon.lab.scenario import START
from daemon.lab.scenario_file import read_file
from daemon.lab.shelf import RuleShelf
from daemon.lab.simulating import Simulation, simulate
from daemon.lab.story import Told
from daemon.lab.testing import Result, read_suite, run
from daemon.lab.timeline import data_of
from daemon.storage.codec import encode_entry
from rules import durations
from rules.errors import LoadError
from rules.load import load_sources
from rules.model import Site
from tests.faults.simulation.ground import SqliteGround, make_template
from tests.lab.histories import ALERTS, Happening, histories, packs
from tests.lab.live import Live

SPAN = 3 * HOUR
CASES = int(os.environ.get("TOCSIN_PROPERTY_CASES", "60")) // 4
quick = settings(
    max_examples=max(CASES, 5),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
Entry = tuple[Instant, int, str, bytes]


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """An empty database of the newest schema."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        yield asyncio.run(make_template(Path(folder) / "template.db"))


async def live_under(
    template: Path, folder: Path, rules: list[str], story: list[Happening], stride: int
) -> Live:
    """Play a history on the live daemon."""
    ground = SqliteGround(folder, template)
    live = await Live.open(folder, ground, rules[0], START, stride)
    loaded = 0
    for one in story:
        await live.until(START + one.at)
        match one.kind:
            case "fire":
                await live.fire(one.what, ALERTS[one.what])
            case "clear":
                await live.clear(one.what)
            case "act":
                await live.act(*one.what)
            case "mood":
                live.channel(*one.what)
            case "pause" if live.running:
                await live.pause(one.what)
            case "reload" if live.running and loaded + 1 < len(rules):
                loaded += 1
                await live.reload(rules[loaded])
                live.note("reload", at=live.at(), rule_files=[f"{loaded}/rules.yaml"])
            case "away":
                await (live.down() if live.running else live.up())
            case _:
                pass
        if live.running:
            await live.turn()
    if not live.running:
        await live.until(START + SPAN - SECOND)
        await live.up()
        await live.turn()
    await live.until(START + SPAN)
    await live.turn()
    live.finish()
    await live.house.close()
    await ground.close()
    return live


def told(entries: list[tuple[Instant, int, j.Entry]]) -> list[Entry]:
    """What was journalled, but for the repeats of the monitor; at one instant in any order."""
    kept = (one for one in entries if not isinstance(one[2], j.Heard))
    return sorted((at, group, entry.kind, encode_entry(entry)) for at, group, entry in kept)


def in_lab(done: Simulation) -> list[tuple[Instant, int, j.Entry]]:
    """The same of a simulation."""
    return [(one.at, one.group, one.entry) for one in done.world.story.events if isinstance(one, Told)]


def write_files(folder: Path, rules: list[str], document: dict[str, Any]) -> Path:
    """A test file and the rule files that it names."""
    for number, text in enumerate(rules):
        (folder / str(number)).mkdir(exist_ok=True)
        (folder / str(number) / "rules.yaml").write_text(text, encoding="utf-8")
    file = folder / "history.yaml"
    whole = {"rule_files": ["0/rules.yaml"], "tests": [{"name": "history", **document}]}
    file.write_text(json.dumps(whole), encoding="utf-8")
    return file


def simulated(file: Path) -> Simulation:
    shelf = RuleShelf(Site())
    read = read_file(file)
    (scenario,) = read.scenarios
    return asyncio.run(
        simulate(scenario, lambda names: shelf.load([read.folder / one for one in names]), SPAN)
    )


def result_of(file: Path) -> Result:
    (result,) = run(
        read_suite([file], RuleShelf(Site())),
        lambda suite, chosen: in_order(suite, chosen, FakeClock().monotonic),
    ).results
    return result


def expectations(live: Live) -> list[dict[str, Any]]:
    """A test that says what the live daemon said: every post so far, at some instants."""
    looks = [SPAN // 4, SPAN // 2, SPAN]
    return [
        {
            "at": durations.show(at),
            "posts": {
                channel: [step for when, name, step, _ in sorted(live.posts, key=lambda one: one[0])
                          if name == channel and when <= START + at]
                for channel in ("page", "mail", "x", "ops")
            },
        }
        for at in looks
    ]  # fmt: skip


@given(st.lists(packs, min_size=1, max_size=2), histories(span=SPAN), st.sampled_from([20, 45]))
@quick
def test_live_simulate_and_test_are_the_same(
    template: Path, rules: list[str], story: list[Happening], stride: int
) -> None:
    """Every entry and post at its instant; and a test of it fails as soon as one post is another."""
    try:
        for text in rules:
            load_sources([("rules.yaml", text)], site=Site(), configured=None)
    except LoadError:
        assume(False)
    with tempfile.TemporaryDirectory(prefix="tocsin-", dir=_memory()) as name:
        folder = Path(name)
        live = asyncio.run(live_under(template, folder, rules, story, stride * SECOND))
        file = write_files(folder, rules, live.document)
        done = simulated(file)
        assert [one.message for one in done.troubles] == []
        assert told(in_lab(done)) == told(live.entries)
        posts = [
            (one.at, one.channel, one.step, one.text)
            for posts in done.world.story.posts.values()
            for one in posts
        ]
        assert sorted(posts) == sorted(live.posts)
        _says_the_same(done, live)
        _tests_the_same(folder, rules, live)


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _says_the_same(done: Simulation, live: Live) -> None:
    """The lines of the timeline are those of the journal."""
    lines = data_of(done.rows, done.timeline, START)
    for kind, entry in (("said", j.Said), ("asked", j.Asked), ("waits", j.Waiting)):
        shown = sorted((one["at"], "\n".join(one["texts"].values())) for one in lines if one["kind"] == kind)
        known = sorted(
            ((at - START) / 1000, one.text if isinstance(one, j.Asked) else "\n".join(one.posts.values()))
            for at, _, one in live.entries
            if isinstance(one, entry)
        )
        assert shown == known


def _tests_the_same(folder: Path, rules: list[str], live: Live) -> None:
    """A test that expects what was live passes, and fails for one post more."""
    document = {**live.document, "expect": expectations(live)}
    result = result_of(write_files(folder, rules, document))
    assert (result.outcome.differences, result.outcome.troubles) == ((), ())
    wrong = deepcopy(document)
    wrong["expect"][-1]["posts"]["page"].append("first")
    result = result_of(write_files(folder, rules, wrong))
    assert [one.what for one in result.outcome.differences] == ["posts on page"]
