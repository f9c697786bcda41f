"""Plays one scenario to its end and beyond, and keeps an eye on what does not happen."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.clock import Instant, Span
from daemon.lab.play import LoadRules, Player, Trouble
from daemon.lab.scenario import Scenario
from daemon.lab.story import KeptBack
from daemon.lab.timeline import Row, Timeline
from daemon.lab.why import ahead, kept_back
from daemon.lab.world import World


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of it; ``coming`` is what each incident would do next if nothing came in any more."""

    scenario: Scenario
    span: Span
    world: World
    timeline: Timeline
    rows: list[Row]
    troubles: tuple[Trouble, ...]
    coming: list[tuple[str, str, Instant]]  # incident, step, when


class _Watch:
    """Notes each step whose time has come and whose ``if`` is false, once."""

    def __init__(self) -> None:
        self._noted: set[tuple[int, str, str]] = set()

    def __call__(self, world: World) -> None:
        now = world.clock.now()
        for state in world.states():
            if state.phase != "open":
                continue
            for plan, step in kept_back(state, world.rules_of(state), now):
                mark = (state.id, plan.id, step.id)
                if mark in self._noted or step.condition is None:
                    continue
                self._noted.add(mark)
                due = now - (state.open_for(now) - step.after)
                event = KeptBack(due, state.id, plan.id, step.id, step.condition.source)
                world.story.events.append(event)


async def simulate(scenario: Scenario, load: LoadRules, span: Span) -> Simulation:
    """Play a scenario for so long."""
    player = Player(scenario, load)
    player.seen.append(_Watch())
    world = await player.play(span)
    timeline = Timeline(world, scenario.start)
    coming = [
        (f"INC-{state.number}", step, at) for state in world.states() for step, at in _next(world, state.id)
    ]
    return Simulation(scenario, span, world, timeline, timeline.rows(), tuple(player.troubles), coming)


def _next(world: World, group: int) -> list[tuple[str, Instant]]:
    """The next instant at which an incident's steps would act."""
    state = next(one for one in world.states() if one.id == group)
    found: list[tuple[str, Instant]] = []
    for step, at in ahead(state, world.rules_of(state), world.due(group)):
        if found and at != found[0][1]:
            break
        found.append((step, at))
    return found
