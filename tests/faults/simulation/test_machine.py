"""Hypothesis drives a world: acts in any order, shrunk to the few that break an invariant (goal G5)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND
from tests.faults.figures import record, size
from tests.faults.simulation.ground import SqliteGround, make_template
from tests.faults.simulation.home import CHANNELS
from tests.faults.simulation.people import ACTS, People
from tests.faults.simulation.provider import Mood
from tests.faults.simulation.rules import VERSIONS
from tests.faults.simulation.world import World

T = TypeVar("T")

STEPS = size("STATEFUL_STEPS", here=2_000, ci=5_000)
PER_EXAMPLE = 50

SERVICES = st.sampled_from(["checkout", "search", "billing"])
SEVERITIES = st.sampled_from(["critical", "page", "warning"])
WHO = st.sampled_from(["ana", "bo"])
INCIDENTS = st.integers(1, 3)
PLACES = st.integers(1, 40)
JUMPS = st.sampled_from([MINUTE, 7 * MINUTE, HOUR, DAY])


class Machine(RuleBasedStateMachine):
    """One history of one daemon.  Each rule is one act; the world comes to rest before the next."""

    template: Path
    folder: Path
    total: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.home = tempfile.TemporaryDirectory(dir=self.folder)
        place = Path(self.home.name)
        ground = SqliteGround(place, self.template)
        self.world = self.go(World.open(place, ground))
        self.people = People(self.world)

    def go(self, act: Awaitable[T]) -> T:
        """Do one thing to its end."""

        async def whole() -> T:
            return await act

        return self.runner.run(whole())

    @rule(service=SERVICES, severity=SEVERITIES)
    def fires(self, service: str, severity: str) -> None:
        self.go(self.world.report([self.world.monitor.fire(service, severity, self.world.clock.now())]))

    @rule(truncated=st.booleans())
    def repeats(self, truncated: bool) -> None:
        """Everything that fires, again; cut short, as Alertmanager does with max_alerts."""
        self.go(self.world.report(self.world.monitor.firing(), int(truncated)))

    @precondition(lambda self: self.world.monitor.firing())
    @rule(data=st.data(), truncated=st.booleans())
    def clears(self, data: st.DataObject, truncated: bool) -> None:
        monitor = self.world.monitor
        name = data.draw(st.sampled_from([alert.fingerprint for alert in monitor.firing()]), "alert")
        self.go(self.world.report([monitor.clear(name, self.world.clock.now())], int(truncated)))

    @precondition(lambda self: self.world.monitor.bodies)
    @rule(age=st.integers(0, 5))
    def comes_late(self, age: int) -> None:
        """A body of before, once more."""
        bodies = self.world.monitor.bodies
        body = bodies[-1 - age % len(bodies)]
        self.go(self.world.report(body.alerts, body.truncated))

    @rule(number=INCIDENTS, act=st.sampled_from(ACTS), who=WHO)
    def acts(self, number: int, act: str, who: str) -> None:
        self.go(self.people.act(number, act, who))

    @rule(who=WHO, component=st.sampled_from(["checkout", "search"]))
    def opens(self, who: str, component: str) -> None:
        self.go(self.people.open(who, component))

    @rule(who=WHO, minutes=st.integers(5, 90))
    def pauses(self, who: str, minutes: int) -> None:
        self.go(self.people.pause(who, minutes))

    @rule(who=WHO)
    def resumes(self, who: str) -> None:
        self.go(self.people.resume(who))

    @rule(drop=st.booleans())
    def settles_held(self, drop: bool) -> None:
        self.go(self.people.settle_held(drop=drop))

    @rule()
    def replays_dead(self) -> None:
        self.go(self.people.replay_dead())

    @rule(
        channel=st.sampled_from(sorted(CHANNELS)),
        moods=st.lists(st.sampled_from(Mood), min_size=1, max_size=3),
    )
    def has_moods(self, channel: str, moods: list[Mood]) -> None:
        """What the next calls of a channel meet."""
        self.world.providers[channel].moods[:] = moods

    @rule(
        channel=st.sampled_from(sorted(CHANNELS)),
        mood=st.sampled_from([Mood.fine, Mood.unreachable, Mood.revoked]),
    )
    def turns(self, channel: str, mood: Mood) -> None:
        """A channel is down, or well again, until further notice."""
        self.world.providers[channel].mood = mood

    @rule(unreadable=st.booleans())
    def hides_its_list(self, unreadable: bool) -> None:
        self.world.providers["x"].unreadable = unreadable

    @rule(minutes=st.sampled_from([0.3, 1, 2, 6, 16, 31, 150]))
    def time_passes(self, minutes: float) -> None:
        self.go(self.world.forward(int(minutes * MINUTE)))

    @rule(places=PLACES)
    def dies_at(self, places: int) -> None:
        """At the so-manieth call of store or channel from here."""
        self.world.fuse.arm(places)

    @rule(seconds=st.sampled_from([0, 10, 90, 3_600]))
    def dies(self, seconds: int) -> None:
        self.go(self.world.crash(seconds * SECOND))

    @rule(how=st.sampled_from(["begin", "commit"]), seconds=st.sampled_from([1, 20, 200]))
    def refuses(self, how: str, seconds: int) -> None:
        """The database takes nothing for a while."""
        self.world.refuse(how, seconds * SECOND)

    @rule(span=st.one_of(JUMPS, st.just(-50 * SECOND)))
    def clock_jumps(self, span: int) -> None:
        self.go(self.world.jump(span))

    @rule(span=JUMPS)
    def sleeps(self, span: int) -> None:
        self.go(self.world.suspend(span))

    @rule(version=st.integers(0, len(VERSIONS) - 1))
    def reloads(self, version: int) -> None:
        self.go(self.world.reload(version))

    @rule()
    def is_inspected(self) -> None:
        self.go(self.world.inspect())

    def teardown(self) -> None:
        """Faults off: everything comes to an end, and what is stored is right."""
        try:
            self.go(self._end())
        finally:
            self.go(self.world.close())
            self.runner.close()
            self.home.cleanup()

    async def _end(self) -> None:
        world = self.world
        await world.mend()
        await world.inspect()
        await self.people.see_to_the_end()
        for name, value in world.figures().items():
            self.total[name] = self.total.get(name, 0) + value


@pytest.mark.slow
@pytest.mark.timeout(5_000)
def test_any_history_keeps_the_invariants(quick_folder: Path) -> None:
    """I1 to I15 after acts of monitor, people, providers and bad luck in any order."""
    Machine.folder = quick_folder
    Machine.template = asyncio.run(make_template(quick_folder / "template.db"))
    Machine.total = {}
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(STEPS // PER_EXAMPLE, 1),
            stateful_step_count=PER_EXAMPLE,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Machine.total["crashes"], "nothing ever died: the test proves nothing"
    record("stateful steps", steps=STEPS, **Machine.total)
