"""Findings about plans: silence, missing ends, steps that can do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from daemon.core.clock import MINUTE, Span
from daemon.core.words import Audience
from rules import durations
from rules.declared import Declared, Gathered
from rules.errors import Problem, Severity
from rules.expression import CelCondition
from rules.facts import IF_FACTS, IMPACT_WORDS, STATUS_WORDS
from rules.model import ConditionError, Plan, RuleSet, Step
from rules.names import TOLD
from rules.schema import StepBlock
from rules.texts import BUILT_IN

NO_END, SILENT, NEVER, LATE, ENDS, ALWAYS, LEAKS = "R040", "R041", "R042", "R043", "R044", "R045", "R046"
UNUSED_TEXT = "R047"

LONGEST_SILENCE: Span = 60 * MINUTE  # customers hear from us every 30 to 60 minutes
MOST_SWITCHES = 8  # facts of two values that are tried out in all combinations


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    for key in gathered.plans:
        yield from _Plan(gathered, rules, rules.plans[key]).findings()
    yield from _unused_texts(gathered)


def speaks_in_public(rules: RuleSet, step: Step) -> bool:
    return bool(step.say) and any(name == TOLD or _public(rules, name) for name in step.to)


def _public(rules: RuleSet, name: str) -> bool:
    return name in rules.channels and rules.channels[name].audience is Audience.public


class _Plan:
    """The findings of one plan."""

    def __init__(self, gathered: Gathered, rules: RuleSet, plan: Plan) -> None:
        self.rules = rules
        self.plan = plan
        self.one = gathered.plans[plan.id]
        self.declared = {step.id: step for step in gathered.steps.get(plan.id, [])}
        self.public = [step for step in plan.steps if speaks_in_public(rules, step)]
        self.pages = {name for name, channel in rules.channels.items() if channel.is_page}
        self.has_page = any(self.pages & {*step.to, *plan.to} for step in plan.steps)

    def findings(self) -> Iterator[Problem]:
        yield from self._never_or_always()
        yield from self._leaks()
        if self.public:
            yield from self._no_end()
            yield from self._silence()
            yield from self._late()

    def _no_end(self) -> Iterator[Problem]:
        ends = [
            step for step in self.public if "resolved" in step.on and step.limit != 0 and self._reaches(step)
        ]
        if not ends:
            message = "speaks in public and never says that it is over"
            remedy = "add { id: done, on: resolved, say: resolved, to: [ told ] }"
            yield self._about_plan(message, remedy, NO_END, "error")
        elif all(step.condition is not None for step in ends):
            message = f"says that it is over only if {_source(ends[0])}"
            yield self._about_step(ends[0], "if", message, "remove the if", NO_END)

    def _reaches(self, step: Step) -> bool:
        """Whether all who were told hear it."""
        said = {name for other in self.public for name in other.to if _public(self.rules, name)}
        return TOLD in step.to or said <= set(step.to)

    def _silence(self) -> Iterator[Problem]:
        """Updates that count, without a condition: the cadence that customers can rely on."""
        rounds = [
            step for step in self.public if step.when == "every" and self._counts(step) and step.limit != 0
        ]
        sure = [step for step in rounds if step.condition is None]
        endless = [step for step in sure if step.limit is None]
        if not rounds:
            asks = any(step.when == "every" and step.ask and step.limit is None for step in self.plan.steps)
            message = "only asks people" if asks else "is silent after its first update"
            remedy = "add { id: holding, every: 30m, say: holding, promise: 30m }"
            yield self._about_plan(
                f"{message}: no step speaks again by itself where it counts",
                remedy,
                SILENT,
                "warning" if asks else "error",
            )
        elif not sure:
            message = f"speaks again only if {_source(rounds[0])}"
            yield self._about_step(rounds[0], "if", message, "add a round without if", SILENT)
        elif not endless:
            message = f"is silent after {sure[0].limit} rounds"
            yield self._about_step(
                sure[0], "limit", message, "remove the limit, or add a round without one", ENDS
            )
        else:
            step = min(endless, key=lambda one: one.every)
            if step.every > LONGEST_SILENCE:
                message = f"leaves customers without a word for {durations.show(step.every)}"
                yield self._about_step(step, "every", message, "write 60m or less", SILENT, "error")
        for step in self.public:
            if step.promise is not None and step.promise > LONGEST_SILENCE and self._counts(step):
                message = f"promises the next update in {durations.show(step.promise)}"
                yield self._about_step(step, "promise", message, "promise 60m or less", SILENT)

    def _counts(self, step: Step) -> bool:
        """Whether its update counts: on a page, or in a plan without one on any of its channels."""
        if self.has_page:
            return bool(self.pages & set(step.to)) or TOLD in step.to
        return TOLD in step.to or any(name in self.plan.to for name in step.to)

    def _late(self) -> Iterator[Problem]:
        """A round falls due at the very instant that was promised, so every wait breaks the promise."""
        if not any(step.promise for step in self.plan.steps):
            return
        for step in self.public:
            if step.when == "every" and step.approve is not None and self._counts(step):
                message = (
                    f"waits up to {durations.show(step.approve.within)} for people, past the promised time"
                )
                remedy = (
                    "let people answer before: a step that asks some minutes earlier, and no approve here"
                )
                yield self._about_step(step, "approve", message, remedy, LATE)

    def _never_or_always(self) -> Iterator[Problem]:
        for step in self.plan.steps:
            if step.limit == 0:
                yield self._about_step(
                    step, "limit", "can never act: its limit is 0", "remove it", NEVER, "error"
                )
            if not isinstance(step.condition, CelCondition):
                continue
            answers = possible_answers(step.condition)
            if answers == {False}:
                message = f"can never act: {step.condition.source} is never true"
                yield self._about_step(step, "if", message, "correct the if", NEVER, "error")
            elif answers == {True}:
                yield self._about_step(step, "if", "has an if that is always true", "remove the if", ALWAYS)

    def _leaks(self) -> Iterator[Problem]:
        for step in self.public:
            if step.say in BUILT_IN and step.say.startswith(("internal_", "ask")):
                message = f"says the internal text {step.say} in public"
                yield self._about_step(step, "say", message, "choose a text for customers", LEAKS, "error")

    def _about_plan(self, message: str, remedy: str, code: str, severity: Severity) -> Problem:
        document, path = self.one.at()
        return document.problem(
            path, message, remedy, code=code, at_key=True, severity=severity, subject=self.plan.id
        )

    def _about_step(
        self, step: Step, key: str, message: str, remedy: str, code: str, severity: Severity = "warning"
    ) -> Problem:
        declared: Declared[StepBlock] = self.declared[step.id]
        document, path = declared.at(key)
        subject = f"{self.plan.id}/{step.id}"
        return document.problem(path, message, remedy, code=code, severity=severity, subject=subject)


def possible_answers(condition: CelCondition) -> set[bool]:
    """What an ``if`` over impact, status and switches can answer; both where other facts play a part."""
    switches = []
    for name in sorted(condition.names - {"impact", "status"}):
        if name in IF_FACTS and IF_FACTS[name].type != "bool":
            return {True, False}
        if name == "labels":
            return {True, False}
        switches.append(name)
    if len(switches) > MOST_SWITCHES:
        return {True, False}
    answers: set[bool] = set()
    for impact, status in product(IMPACT_WORDS.values(), STATUS_WORDS.values()):
        for values in product((False, True), repeat=len(switches)):
            facts = {"impact": impact, "status": status, **dict(zip(switches, values, strict=True))}
            try:
                answers.add(condition.holds(facts))
            except ConditionError:
                answers.add(False)
    return answers


def _source(step: Step) -> str:
    return step.condition.source if step.condition is not None else "true"


def _unused_texts(gathered: Gathered) -> Iterator[Problem]:
    said = {step.block.say for steps in gathered.steps.values() for step in steps}
    for key, one in gathered.texts.items():
        if key not in said and key not in BUILT_IN:
            document, path = one.at()
            message = f"no step says the text {key}"
            yield document.problem(
                path,
                message,
                "name it in a step's say, or remove it",
                code=UNUSED_TEXT,
                at_key=True,
                severity="warning",
                subject=key,
            )
