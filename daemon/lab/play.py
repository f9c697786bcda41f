"""Plays a scenario on a world, and looks where the scenario says.

At one instant: the daemon comes back, rules are loaded, channels turn, alerts
come in, then people act, then everything that is due; the daemon stops last.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from daemon.core.clock import MINUTE, Instant, Span
from daemon.core.errors import TocsinError
from daemon.lab.acting import perform
from daemon.lab.monitor import Monitor
from daemon.lab.scenario import Act, Expect, Path, Pause, Reload, Run, Scenario, Turn
from daemon.lab.story import Came
from daemon.lab.world import World
from rules import durations
from rules.model import RuleSet

LoadRules = Callable[[Sequence[str]], RuleSet]
"""Loads rule files by the names that a scenario has for them."""

Look = Callable[[World, Expect], None]
Do = Callable[[], Awaitable[None]]

REPEAT = 10 * MINUTE
"""How often the monitor repeats what fires, so that nobody takes it for dead."""

UP, RELOAD, TURN, ALERT, PAUSE, PERSON, DOWN = range(7)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the scenario could not happen as it says."""

    place: Path
    at: Span
    message: str


@dataclass
class _Instant:
    """What the scenario does at one instant."""

    fires: list[Run] = field(default_factory=list)
    resolves: list[Run] = field(default_factory=list)
    others: list[tuple[int, Do]] = field(default_factory=list)
    expects: list[Expect] = field(default_factory=list)


class Player:
    """``await play(until)`` once; then ``world`` and ``troubles`` say what came of it."""

    def __init__(self, scenario: Scenario, load: LoadRules, *, looks: Look | None = None) -> None:
        self.scenario = scenario
        self.troubles: list[Trouble] = []
        self.seen: list[Callable[[World], None]] = []  # called after each instant at which something was due
        self._load = load
        self._looks = looks
        self._monitor = Monitor()
        self._running = True
        self._repeated_at: Instant = scenario.start
        self.world: World

    async def play(self, until: Span | None = None) -> World:
        """From the start to the last thing of the scenario, or to ``until``."""
        scenario = self.scenario
        self.world = await World.open(self._load(scenario.rule_files), scenario.start)
        instants = self._instants()
        end = scenario.last if until is None else until
        for at in sorted({*instants, end}):
            if at > end:
                break
            await self._until(at)
            await self._at(instants.get(at) or _Instant())
        for error in self.world.faults:
            raise error
        return self.world

    def _instants(self) -> dict[Span, _Instant]:
        found: dict[Span, _Instant] = {}

        def at(span: Span) -> _Instant:
            return found.setdefault(span, _Instant())

        scenario = self.scenario
        for run in scenario.runs:
            at(run.fires).fires.append(run)
            if run.resolves is not None:
                at(run.resolves).resolves.append(run)
        for away in scenario.away:
            at(away.down).others.append((DOWN, self._stop))
            at(away.up).others.append((UP, self._resume))
        for reload in scenario.reloads:
            at(reload.at).others.append((RELOAD, lambda one=reload: self._reload(one)))  # type: ignore[misc]
        for turn in scenario.turns:
            at(turn.at).others.append((TURN, lambda one=turn: self._turn(one)))  # type: ignore[misc]
        for pause in scenario.pauses:
            at(pause.at).others.append((PAUSE, lambda one=pause: self._pause(one)))  # type: ignore[misc]
        for act in scenario.acts:
            at(act.at).others.append((PERSON, lambda one=act: self._act(one)))  # type: ignore[misc]
        for expect in scenario.expects:
            at(expect.at).expects.append(expect)
        return found

    async def _until(self, at: Span) -> None:
        """Time passes; a monitor whose alerts fire on repeats them."""
        world, instant = self.world, self.scenario.start + at
        while self._running and self._monitor.fires:
            again = self._repeated_at + REPEAT
            if again >= instant:
                break
            await world.until(again, self._look_around)
            await self._report(None)
            await world.settle()
        if self._running:
            await world.until(instant, self._look_around)
        else:
            world.clock.advance(instant - world.clock.now())

    async def _at(self, now: _Instant) -> None:
        for run in now.resolves:
            self._monitor.resolve(run, self.world.clock.now())
        for run in now.fires:
            self._monitor.fire(run, self.world.clock.now())
        actions = [*now.others]
        if now.fires or now.resolves:
            actions.append((ALERT, lambda: self._alerts(now.fires, now.resolves)))
        for _, act in sorted(actions, key=lambda one: one[0]):
            await act()
        if self._repeats_now:
            await self._report(None)
        if self._running:
            await self.world.settle()
            self._look_around()
        for expect in now.expects:
            if self._looks is not None:
                self._looks(self.world, expect)

    def _look_around(self) -> None:
        for seen in self.seen:
            seen(self.world)

    def _came(self, kind: str, text: str, what: str = "") -> None:
        self.world.story.events.append(Came(self.world.clock.now(), kind, text, what))

    def _wrong(self, place: Path, message: str) -> None:
        self.troubles.append(Trouble(place, self.world.clock.now() - self.scenario.start, message))

    async def _alerts(self, fires: list[Run], resolves: list[Run]) -> None:
        for word, runs in (("clears", resolves), ("fires", fires)):
            for run in runs:
                self._came("alert", f"alert {word}: {_labels(run)}", _labels(run))
        if self._running:
            await self._report([*resolves, *fires])

    @property
    def _repeats_now(self) -> bool:
        return self._running and self._monitor.fires and self._repeated_at + REPEAT <= self.world.clock.now()

    async def _report(self, runs: list[Run] | None) -> None:
        report = self._monitor.report(runs)
        if runs is None:
            self._repeated_at = self.world.clock.now()
        if report.alerts:
            await self.world.alerts.take_in(report)

    async def _stop(self) -> None:
        await self.world.settle()
        self._came("daemon", "the daemon stops")
        await self.world.stop()
        self._running = False

    async def _resume(self) -> None:
        self._came("daemon", "the daemon is back")
        await self.world.resume()
        self._running = True
        await self._report(None)

    async def _reload(self, reload: Reload) -> None:
        rules = self._load(reload.rule_files)
        self._came("rules", f"rules are loaded: {', '.join(reload.rule_files)}")
        self.world.take(rules)
        if self._running:
            await self.world.reload()

    async def _turn(self, turn: Turn) -> None:
        if turn.channel not in self.world.channels:
            known = ", ".join(self.world.channels) or "none"
            self._wrong(turn.place, f"no channel {turn.channel} takes posts here; there are: {known}")
            return
        words = {"down": "takes nothing any more", "up": "takes posts again"}
        said = words.get(turn.mood, f"will answer the next post with: {turn.mood}")
        self._came("channel", f"{turn.channel} {said}", turn.channel)
        self.world.turn(turn.channel, turn.mood)

    async def _pause(self, pause: Pause) -> None:
        until = None if pause.until is None else self.scenario.start + pause.until
        self._came("person", "all public automation is paused", "someone")
        try:
            await self.world.incidents.pause("someone", until)
        except TocsinError as error:
            self._wrong(pause.place, str(error))

    async def _act(self, act: Act) -> None:
        shown = _shown(act)
        if not self._running:
            self._refused(act, "the daemon is down then: nobody can act")
            return
        self._came("person", shown, act.who)
        try:
            await perform(self.world, act)
        except TocsinError as error:
            self._refused(act, str(error))
        else:
            if act.refused:
                self._wrong(act.place, "was accepted, and `refused: true` says that it is not")

    def _refused(self, act: Act, why: str) -> None:
        if act.refused:
            self._came("person", f"refused: {why}", act.who)
        else:
            self._wrong(act.place, f"{act.act} was refused: {why}")


def _labels(run: Run) -> str:
    return " ".join(f"{name}={value}" for name, value in run.labels.items())


def _shown(act: Act) -> str:
    """What a person does, in a few words."""
    parts = [act.act.replace("_", " ")]
    if act.step:
        parts.append(act.step)
    if act.status is not None:
        parts.append(f"status {act.status.name}")
    if act.impact is not None:
        parts.append(f"impact {act.impact.name}")
    parts += [f"+{name}" for name in act.add] + [f"-{name}" for name in act.remove]
    if act.plan:
        parts.append(f"plan {act.plan}")
    if act.promise is not None:
        parts.append(f"next update in {durations.show(act.promise)}")
    words = act.text or act.title or act.reason
    return " ".join(parts) + (f": {words}" if words else "")
