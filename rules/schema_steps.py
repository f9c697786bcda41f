"""The steps of a plan, and how people agree to what they say."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from rules.schema_fields import (
    Block,
    Duration,
    Events,
    Expression,
    Id,
    ImpactWord,
    Period,
    Receivers,
    Refs,
    wrong,
)


class ApproveBlock(Block):
    need: Literal["one", "two"]
    """How many different people must agree."""
    within: Period = 30 * 60_000
    """How long it waits for them."""
    otherwise: Literal["skip", "post"] = "skip"
    """What happens without an answer in time."""


class VetoBlock(Block):
    """``approve: veto 5m``, taken apart."""

    need: Literal["veto"]
    """It is said at the end of the time, unless someone objects."""
    within: Period
    """How long people can object."""


def _approve(value: Any) -> Any:
    """The short forms as maps; ``none`` is None."""
    if not isinstance(value, str):
        if isinstance(value, dict) and value.get("need") == "veto":
            raise wrong("veto has no map form", "write `approve: veto 5m`")
        return value
    words = value.split()
    if words == ["none"]:
        return {"need": "none"}
    if words in (["one"], ["two"]):
        return {"need": words[0]}
    if len(words) == 2 and words[0] == "veto":
        return {"need": "veto", "within": words[1]}
    if words == ["veto"]:
        raise wrong("veto needs a time", "write `approve: veto 5m`")
    remedy = "write none, one, two, veto 5m, or { need: one, within: 30m, otherwise: skip }"
    raise wrong(f"{value!r} is no way to approve", remedy)


def _approve_kind(value: Any) -> str:
    need = value.get("need") if isinstance(value, dict) else getattr(value, "need", "one")
    return f"<{need}>" if need in ("veto", "none") else "<people>"


class NoApproval(Block):
    """``approve: none`` (so that a step can undo a default)."""

    need: Literal["none"]
    """Nobody is asked."""


_APPROVE_SCHEMA = {
    "anyOf": [
        {"enum": ["none", "one", "two"]},
        {"type": "string", "pattern": r"^veto \S+$"},
        ApproveBlock.model_json_schema(),
    ]
}

Approval = Annotated[
    Annotated[VetoBlock, Tag("<veto>")]
    | Annotated[NoApproval, Tag("<none>")]
    | Annotated[ApproveBlock, Tag("<people>")],
    Discriminator(_approve_kind),
    BeforeValidator(_approve),
    WithJsonSchema(_APPROVE_SCHEMA),
]


class SetBlock(Block):
    impact: ImpactWord | None = None
    """Raises the impact to this."""
    plan: str | None = None
    """Moves the incident to this plan."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.impact is None and self.plan is None:
            raise wrong("sets nothing", "add impact or plan")
        return self


class StepDefaults(Block):
    """``defaults.step``: what steps share; all but ``if`` and ``limit`` for those that say something."""

    to: Receivers | None = None
    """Channel ids, and `told`: every public channel that was told about this incident; else the plan's."""
    condition: Expression | None = Field(default=None, alias="if")
    """CEL over the facts of `tocsin rules vars`; without it the step always acts."""
    approve: Approval | None = None
    """Who must agree before it goes out: none, veto 5m, one, two, or a map."""
    promise: Period | None = None
    """The next update comes within that time; `next_update` in the text."""
    limit: Annotated[int, Field(ge=0)] | None = None
    """At most that often in one incident; beyond it the plan's `ask` is asked."""


class StepBlock(StepDefaults):
    id: Id
    """Its name in the journal, in tests and in commands."""
    after: Duration | None = None
    """How long the incident has been open since its plan began; with `on`, how long after the event."""
    every: Period | None = None
    """How long after the last update that counts, and again after each round."""
    on: Events | None = None
    """The event, or events, at which it acts once each."""
    say: str | None = None
    """The text that it says."""
    ask: str | None = None
    """The person or channel that it asks."""
    set: SetBlock | None = None
    """What it sets."""
    then: Literal["draft_postmortem"] | None = None
    """What is begun when it has spoken."""
    was: Refs = Field(default_factory=list)
    """Earlier ids: what they have done counts for this step."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        when = [key for key in ("after", "every", "on") if getattr(self, key) is not None]
        if when not in (["after"], ["every"], ["on"], ["after", "on"]):
            found = " and ".join(when)
            message = f"has {found} at once" if when else "says not when"
            raise wrong(message, "write one of after, every, on (on may add after)")
        does = [key for key in ("say", "ask", "set") if getattr(self, key) is not None]
        if len(does) != 1:
            message = f"has {' and '.join(does)} at once" if does else "does nothing"
            raise wrong(message, "write one of say, ask, set")
        if does != ["say"]:
            for key in ("to", "approve", "promise", "then"):
                if getattr(self, key) is not None:
                    raise wrong(f"has {key}, which belongs to a step with say", f"remove {key}")
        return self


class PlanBlock(Block):
    """``steps`` stay raw here: each is checked by itself, so that one bad step hides no other error."""

    to: Refs = Field(default_factory=list)
    """Channels of the steps that do not name any."""
    ask: str = ""
    """Whom it asks where no step says whom."""
    shadow: bool = False
    """Decides and records everything, says nothing in public."""
    steps: list[Any]
    """What is said, asked and set, in order."""
