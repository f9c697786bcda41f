"""Findings about single steps: those that can never act, and approvals that cannot come."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.words import Audience, Status
from rules import durations, possible
from rules.check_plans import counts, speaks_in_public
from rules.declared import Gathered
from rules.errors import Problem, Severity
from rules.expression import CelCondition
from rules.model import Plan, RuleSet, Step
from rules.texts import BUILT_IN

NEVER, ALWAYS, LEAKS, UNANSWERED, SLOWER = "R042", "R045", "R046", "R048", "R049"

OPEN = frozenset(Status) - {Status.resolved}
AT_EVENT = {
    "identified": frozenset({Status.identified}),
    "monitoring": frozenset({Status.monitoring}),
    "resolved": frozenset({Status.resolved}),
    "refired": OPEN - {Status.monitoring},
}
"""The status at an event; others come in any."""


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    for key in gathered.plans:
        yield from _Steps(gathered, rules, rules.plans[key]).findings()


def statuses(step: Step) -> frozenset[Status]:
    """What the status can be when the step looks at its ``if``."""
    if step.when != "on":
        return OPEN
    return frozenset().union(*(AT_EVENT.get(event, frozenset(Status)) for event in step.on))


class _Steps:
    """The steps of one plan."""

    def __init__(self, gathered: Gathered, rules: RuleSet, plan: Plan) -> None:
        self.rules = rules
        self.plan = plan
        self.declared = {step.id: step for step in gathered.steps.get(plan.id, [])}
        self.monitor_for = [route.monitor_for for route in rules.routes if route.plan == plan.id]

    def findings(self) -> Iterator[Problem]:
        for step in self.plan.steps:
            yield from self._never_or_always(step)
            yield from self._unanswered(step)
            yield from self._leaks(step)
        yield from self._slower()

    def _never_or_always(self, step: Step) -> Iterator[Problem]:
        if step.limit == 0:
            yield self._about(step, "limit", "can never act: its limit is 0", "remove it", NEVER, "error")
        if not isinstance(step.condition, CelCondition):
            return
        source, allowed = step.condition.source, statuses(step)
        answers = possible.answers(step.condition, allowed)
        if answers == {False}:
            when = "" if possible.answers(step.condition) == {False} else f" while {_words(allowed)}"
            message = f"can never act: {source} is never true{when}"
            yield self._about(step, "if", message, "correct the if", NEVER, "error")
        elif answers == {True}:
            yield self._about(step, "if", "has an if that is always true", "remove the if", ALWAYS)

    def _unanswered(self, step: Step) -> Iterator[Problem]:
        """Approvals that nobody is asked for, and windows that the incident's end always cuts off."""
        approve = step.approve
        if approve is None:
            return
        if not any(
            one.configured and one.audience is Audience.internal for one in self.rules.channels.values()
        ):
            lost = approve.need != "veto" and approve.otherwise == "skip"
            what = "is never approved" if lost else "cannot be vetoed"
            message = f"{what}: there is no internal channel on which people are asked"
            remedy = "declare (and configure) an internal channel, and name it in the plan's ask"
            yield self._about(step, "approve", message, remedy, UNANSWERED, "error" if lost else "warning")
        by_itself = approve.need == "veto" or approve.otherwise == "post"
        longest = max(self.monitor_for, default=None)
        waits = step.after + approve.within
        if by_itself and step.on == ("monitoring",) and longest is not None and waits >= longest:
            message = (
                f"is withdrawn before it goes out: it waits {durations.show(waits)},"
                f" and `monitoring` lasts {durations.show(longest)}"
            )
            yield self._about(step, "approve", message, "wait for less, or raise monitor_for", UNANSWERED)

    def _slower(self) -> Iterator[Problem]:
        """Rounds behind a faster one that always speaks: it restarts their clock each time."""
        sure = [
            step for step in self.plan.steps
            if step.when == "every" and step.condition is None and step.limit is None and step.approve is None
            and counts(self.rules, self.plan, step)
        ]  # fmt: skip
        if not sure:
            return
        fastest = min(sure, key=lambda step: step.every)
        for step in self.plan.steps:
            if step.when == "every" and step.every > fastest.every:
                message = (
                    f"is not reached while {fastest.id} speaks every {durations.show(fastest.every)}:"
                    " each update restarts its clock"
                )
                remedy = (
                    f"write {durations.show(fastest.every)} or less, or count updates: if: unattended >= 2"
                )
                yield self._about(step, "every", message, remedy, SLOWER)

    def _leaks(self, step: Step) -> Iterator[Problem]:
        if not speaks_in_public(self.rules, step):
            return
        if step.say in BUILT_IN and step.say.startswith(("internal_", "ask")):
            message = f"says the internal text {step.say} in public"
            yield self._about(step, "say", message, "choose a text for customers", LEAKS, "error")

    def _about(
        self, step: Step, key: str, message: str, remedy: str, code: str, severity: Severity = "warning"
    ) -> Problem:
        document, path = self.declared[step.id].at(key)
        subject = f"{self.plan.id}/{step.id}"
        return document.problem(path, message, remedy, code=code, severity=severity, subject=subject)


def _words(allowed: frozenset[Status]) -> str:
    return f"the status is {' or '.join(status.name for status in sorted(allowed))}"
