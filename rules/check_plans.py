"""Findings about whole plans: silence, missing ends, plans that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.clock import MINUTE, Span
from daemon.core.words import Audience
from rules import durations
from rules.declared import Declared, Gathered
from rules.errors import Problem, Severity
from rules.model import Plan, RuleSet, Step
from rules.names import TOLD
from rules.schema_steps import StepBlock
from rules.texts import BUILT_IN

NO_END, SILENT, LATE, ENDS, UNUSED_TEXT = "R040", "R041", "R043", "R044", "R047"
NO_START, NOWHERE_FROM = "R057", "R056"

LONGEST_SILENCE: Span = 60 * MINUTE  # customers hear from us every 30 to 60 minutes


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    for key in gathered.plans:
        yield from _Plan(gathered, rules, rules.plans[key]).findings()
    yield from _unused_texts(gathered)
    yield from _unreached(gathered, rules)


def speaks_in_public(rules: RuleSet, step: Step) -> bool:
    return bool(step.say) and any(name == TOLD or _public(rules, name) for name in step.to)


def _public(rules: RuleSet, name: str) -> bool:
    return name in rules.channels and rules.channels[name].audience is Audience.public


def counts(rules: RuleSet, plan: Plan, step: Step) -> bool:
    """Whether its update counts: on a page, or in a plan without one on any of its channels."""
    if not step.say:
        return False
    pages = {name for name, channel in rules.channels.items() if channel.is_page}
    if any(pages & {*other.to, *plan.to} for other in plan.steps):
        return bool(pages & set(step.to)) or TOLD in step.to
    return TOLD in step.to or any(name in plan.to for name in step.to)


class _Plan:
    """The findings of one plan."""

    def __init__(self, gathered: Gathered, rules: RuleSet, plan: Plan) -> None:
        self.rules = rules
        self.plan = plan
        self.one = gathered.plans[plan.id]
        self.declared = {step.id: step for step in gathered.steps.get(plan.id, [])}
        self.public = [step for step in plan.steps if speaks_in_public(rules, step)]

    def findings(self) -> Iterator[Problem]:
        if self.public:
            yield from self._no_end()
            yield from self._no_start()
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
            step = min(endless, key=_longest)
            if _longest(step) > LONGEST_SILENCE:
                message = f"leaves customers without a word for {durations.show(_longest(step))}"
                yield self._about_step(step, "every", message, "write 60m or less", SILENT, "error")
        for step in self.public:
            if step.promise is not None and step.promise > LONGEST_SILENCE and self._counts(step):
                message = f"promises the next update in {durations.show(step.promise)}"
                yield self._about_step(step, "promise", message, "promise 60m or less", SILENT)

    def _counts(self, step: Step) -> bool:
        return counts(self.rules, self.plan, step)

    def _late(self) -> Iterator[Problem]:
        """Waits for people that end after the update they hold back was promised."""
        counting = [step for step in self.public if self._counts(step)]
        promises = [step.promise for step in counting if step.promise is not None]
        free = [step.every for step in counting if step.when == "every" and step.approve is None]
        for step in self.public:
            if step.approve is None:
                continue
            within = durations.show(step.approve.within)
            if step.promise is not None and step.approve.within >= step.promise:
                message = f"waits up to {within} for people, and the time that it promises is over then"
                yield self._about_step(step, "approve", message, "promise more, or wait for less", LATE)
            elif step.when == "every" and step in counting and promises:
                # Rounds count back from the promise by the shortest that nobody must agree to.
                room = min(free) if free else min(promises)
                if step.every + step.approve.within > room:
                    message = f"waits up to {within} for people, past the promised time"
                    remedy = f"let it begin earlier: `every` and the wait may take {durations.show(room)}"
                    yield self._about_step(step, "approve", message, remedy, LATE)

    def _no_start(self) -> Iterator[Problem]:
        """Before the first update no round is due."""
        first = any(step.when == "after" and self._counts(step) for step in self.public)
        if not first and any(step.when == "every" for step in self.plan.steps):
            message = "has rounds, which begin after a first update, and says none by itself"
            remedy = "add { id: first, after: 0s, say: investigating, promise: 30m }"
            yield self._about_plan(message, remedy, NO_START, "warning")

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


def _longest(step: Step) -> Span:
    """The time between two rounds, at worst."""
    return step.every + (step.approve.within if step.approve is not None else 0)


def _source(step: Step) -> str:
    return step.condition.source if step.condition is not None else "true"


def _unreached(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    """Plans that only a person can choose by name."""
    reached = {rules.first_public_plan(), *_plans_of_limits(gathered)}
    for route in rules.routes:
        reached |= {route.plan, *(line.plan for line in route.raises)}
    while more := {
        step.set_plan for name in reached & rules.plans.keys() for step in rules.plans[name].steps
    } - reached:  # fmt: skip
        reached |= more
    for key, one in gathered.plans.items():
        if key not in reached:
            document, path = one.at()
            message = f"no route, raise line or step leads to the plan {key}"
            remedy = "open it in a route, or remove it"
            yield document.problem(
                path, message, remedy, code=NOWHERE_FROM, at_key=True, severity="warning", subject=key
            )


def _plans_of_limits(gathered: Gathered) -> Iterator[str]:
    if gathered.limits is not None:
        block = gathered.limits.block
        if block.storm is not None:
            yield block.storm.open.plan
        if block.flapping is not None:
            yield block.flapping.plan
    if gathered.maintenance is not None and gathered.maintenance.block.overrun is not None:
        yield gathered.maintenance.block.overrun.open.plan


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
