"""Names in a scenario that nothing in its rules has: found before anything is played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from daemon.lab.scenario import Act, Expect, Path, Scenario, Which
from daemon.lab.scenario_file import ScenarioFile
from rules.errors import Problem
from rules.model import RuleSet
from rules.schema_fields import did_you_mean

PERSON = "person"
QUESTIONS = (
    "approval", "taken_over", "stale", "still_firing", "nothing said", "approval ran out", "rule failed",
    "take_over_ending", "retract", "held", "unknown", "dead", "channel down",
)  # fmt: skip
"""Reasons of questions that no step asks."""


class References:
    """The names that some rule set of a scenario has."""

    def __init__(self, file: ScenarioFile, rules: Sequence[RuleSet]) -> None:
        self._file = file
        self._known = {
            "channel": _all(one.channels for one in rules),
            "plan": _all(one.plans for one in rules),
            "component": _all(one.components for one in rules),
            "route": _all([route.id for route in one.routes] for one in rules),
            "step": _all([step.id for plan in one.plans.values() for step in plan.steps] for one in rules),
        }
        self._known["post"] = [*self._known["step"], PERSON]
        self._known["question"] = [*self._known["step"], *QUESTIONS]
        people = _all(one.people for one in rules)
        self._known["person or channel"] = [*people, *self._known["channel"]]

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """Each name that is not known, with its place."""
        for turn in scenario.turns:
            yield from self._look("channel", [turn.channel], turn.place, at_key=True)
        for act in scenario.acts:
            yield from self._of_act(act)
        for expect in scenario.expects:
            yield from self._of_expect(expect)

    def _of_act(self, act: Act) -> Iterator[Problem]:
        place = act.place
        yield from self._of_which(act.incident, place)
        yield from self._look("channel", act.to, (*place, "to"))
        yield from self._look("component", act.add, (*place, "components", "add"))
        yield from self._look("component", act.remove, (*place, "components", "remove"))
        if act.plan:
            yield from self._look("plan", [act.plan], (*place, "plan"))
        if act.step:
            yield from self._look("step", [act.step], (*place, act.act))

    def _of_which(self, which: Which | None, place: Path) -> Iterator[Problem]:
        if which is not None and which.route:
            yield from self._look("route", [which.route], (*place, "incident", "route"))

    def _of_expect(self, expect: Expect) -> Iterator[Problem]:
        place = expect.place
        yield from self._of_which(expect.incident, place)
        if expect.plan is not None:
            yield from self._look("plan", [expect.plan], (*place, "plan"))
        for name in ("posts", "new_posts", "queued"):
            for channel, steps in getattr(expect, name).items():
                yield from self._look("channel", [channel], (*place, name, channel), at_key=True)
                kind = "question" if name == "queued" else "post"
                known = [step for step in steps if step != PERSON]
                yield from self._look(kind, known, (*place, name, channel))
        for whom, steps in expect.asked.items():
            yield from self._look("person or channel", [whom], (*place, "asked", whom), at_key=True)
            yield from self._look("question", steps, (*place, "asked", whom))
        for step in expect.skipped:
            yield from self._look("step", [step], (*place, "skipped", step), at_key=True)
        yield from self._look("component", expect.components or (), (*place, "components"))
        yield from self._look("channel", expect.told or (), (*place, "told"))
        yield from self._look("step", expect.waiting or (), (*place, "waiting"))
        if expect.next is not None:
            yield from self._look("step", [expect.next.step], (*place, "next", "step"))
        for words in expect.texts:
            yield from self._look("post", [words.step], (*words.place, "step"))
            yield from self._look("channel", [words.on], (*words.place, "on"))

    def _look(
        self, kind: str, names: Iterable[str], place: Path, *, at_key: bool = False
    ) -> Iterator[Problem]:
        known = self._known[kind]
        for number, name in enumerate(names):
            if name in known:
                continue
            item = (*place, number)
            precise = item if not at_key and item in self._file.document.places else place
            remedy = did_you_mean(name, known) if known else "leave it out"
            noun = {"post": "step", "question": "step or question"}.get(kind, kind)
            yield self._file.problem(precise, f"no {noun} is called {name!r}", remedy, at_key=at_key)


def _all(names: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for some in names for name in some))
