"""Plans and their steps: references resolved, what optional channels leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.core.words import Audience
from rules import schema_steps
from rules.build import refer, refuse_public
from rules.declared import Declared, Gathered
from rules.expression import CelCondition, ExpressionError, Vocabulary, compile_condition
from rules.model import Approve, ChannelRule, Person, Plan, Step
from rules.names import CATCH_ALL, TOLD
from rules.schema_fields import did_you_mean
from rules.texts import BUILT_IN
from rules.yaml_source import Document, Path

BAD_EXPRESSION, NOBODY = "R012", "R021"


@dataclass(frozen=True, slots=True)
class Names:
    """What steps may refer to."""

    channels: Mapping[str, ChannelRule]
    people: Mapping[str, Person]
    vocabulary: Vocabulary


def plans(gathered: Gathered, names: Names) -> dict[str, Plan]:
    return {key: _Plan(gathered, names, one).build() for key, one in gathered.plans.items()}


def built_in(channels: Mapping[str, ChannelRule]) -> Plan:
    """Where the built-in catch-all opens: colleagues are told, customers are not."""
    first = next(
        (one for one in channels.values() if one.audience is Audience.internal and one.configured), None
    )
    if first is None:
        return Plan(CATCH_ALL, ())
    to = (first.id,)
    tell = Step("tell", "after", say="internal_note", to=to, limit=1)
    end = Step("end", "on", on=("resolved",), say="internal_end", to=to)
    return Plan(CATCH_ALL, (tell, end), to, first.id)


def condition(
    gathered: Gathered, place: tuple[Document, Path], source: str, vocabulary: Vocabulary
) -> CelCondition | None:
    """A compiled ``if``; None with a note when it is wrong."""
    try:
        return compile_condition(source, vocabulary)
    except ExpressionError as error:
        gathered.add(place, str(error), error.remedy, code=BAD_EXPRESSION, offset=error.offset)
        return None


class _Plan:
    """Builds one plan."""

    def __init__(self, gathered: Gathered, names: Names, one: Declared[schema_steps.PlanBlock]) -> None:
        self.set = gathered
        self.names = names
        self.one = one
        self.id = one.id

    def build(self) -> Plan:
        to = self._channels(self.one, self.one.block.to)
        ask = self._ask(self.one, self.one.block.ask) if self.one.block.ask else ""
        steps = [self._step(step, to) for step in self.set.steps.get(self.id, [])]
        return Plan(self.id, tuple(step for step in steps if step), to, ask, self.one.block.shadow)

    def _step(self, one: Declared[schema_steps.StepBlock], plan_to: tuple[str, ...]) -> Step | None:
        block = one.block
        made = None
        if block.condition is not None and block.condition != "true":
            made = condition(self.set, one.at("if"), block.condition, self.names.vocabulary)
        to = self._receivers(one, plan_to) if block.say is not None else ()
        ask = self._ask(one, block.ask) if block.ask is not None else ""
        if block.set is not None and block.set.plan is not None:
            refer(self.set, one.at("set", "plan"), block.set.plan, self.set.known("plans"), "plan")
        if (block.say is not None and not to) or (block.ask is not None and not ask):
            return None
        if block.say is not None:
            known = [*self.set.known("texts"), *(name for name in BUILT_IN if name not in self.set.texts)]
            refer(self.set, one.at("say"), block.say, known, "text")
        return Step(
            id=one.id,
            when="every" if block.every is not None else "on" if block.on is not None else "after",
            after=block.after or 0,
            every=block.every or 0,
            on=tuple(block.on or ()),
            say=block.say or "",
            ask=ask,
            set_impact=block.set.impact if block.set is not None else None,
            set_plan=(block.set.plan or "") if block.set is not None else "",
            to=to,
            condition=made,
            approve=_approve(block),
            promise=block.promise,
            limit=1 if block.limit is None and block.on is None and block.every is None else block.limit,
            then=block.then or "",
            was=tuple(block.was),
        )

    def _receivers(self, one: Declared[schema_steps.StepBlock], plan_to: tuple[str, ...]) -> tuple[str, ...]:
        """The step's own channels, else the plan's; an empty answer leaves the step out.

        The notice is the channel's (rules.build): one for each that is missing, not one for each step.
        """
        subject = f"{self.id}/{one.id}"
        if one.block.to is None:
            if not plan_to and not self.one.block.to:
                remedy = "add to: [ ... ] here or to the plan"
                self.set.add(one.at(), "says something to nobody", remedy, code=NOBODY, subject=subject)
            return plan_to
        return self._channels(one, one.block.to)

    def _channels(
        self, one: Declared[schema_steps.PlanBlock] | Declared[schema_steps.StepBlock], to: list[str]
    ) -> tuple[str, ...]:
        """Those that are configured; unknown ones are noted."""
        kept = []
        for number, name in enumerate(to):
            if name == TOLD:
                kept.append(name)
                continue
            known = [*self.set.known("channels"), TOLD]
            if refer(self.set, one.at("to", number), name, known, "channel") and self._works(name):
                kept.append(name)
        return tuple(kept)

    def _works(self, name: str) -> bool:
        return name in self.names.channels and self.names.channels[name].configured

    def _ask(
        self, one: Declared[schema_steps.PlanBlock] | Declared[schema_steps.StepBlock], name: str
    ) -> str:
        """The person or channel that is asked; empty when it is left out (its channel's notice says so)."""
        place = one.at("ask")
        if name in self.names.people:
            return name
        if name in self.names.channels:
            refuse_public(self.set, place, self.names.channels[name])
            if self._works(name):
                return name
        elif name not in self.set.known("people") and name not in self.set.known("channels"):
            known = [*self.set.known("people"), *self.set.known("channels")]
            otherwise = f"there is {', '.join(known)}" if known else "declare one under people"
            remedy = did_you_mean(name, known, otherwise)
            self.set.add(place, f"there is no person or channel {name!r}", remedy, code="R010")
        return ""


def _approve(block: schema_steps.StepBlock) -> Approve | None:
    approve = block.approve
    if approve is None or isinstance(approve, schema_steps.NoApproval):
        return None
    if isinstance(approve, schema_steps.VetoBlock):
        return Approve("veto", approve.within, "post")
    return Approve(approve.need, approve.within, approve.otherwise)
