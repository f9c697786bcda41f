"""The rule language as data: one model per block of a rule file.

Field names are those of the language wherever Python allows.  Meaning lives in
the rule language's own page; here is what may be written.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from rules.schema_fields import (
    Block,
    Count,
    Day,
    Duration,
    Events,
    Expression,
    Id,
    ImpactWord,
    LabelName,
    LabelNames,
    MatcherText,
    Period,
    Receivers,
    Refs,
    Text,
    Words,
    wrong,
)
from rules.schema_windows import IntervalBlock

RESOLUTION_PARTS = Literal["confirmed", "cause", "prevention", "apology", "thanks"]


class ChannelBlock(Block):
    kind: Id
    audience: Literal["public", "internal"] = "public"
    optional: bool = False


class ComponentBlock(Block):
    id: Id
    name: Words
    group: str = ""
    matchers: list[MatcherText] = Field(default_factory=list)
    customers_cannot: str = ""
    description: str = ""
    depends_on: Refs = Field(default_factory=list)


class ImpactMap(Block):
    """``impact`` by the value of one label."""

    label: LabelName
    values: dict[str, ImpactWord]
    otherwise: ImpactWord = Field(alias="else")


def _word_or_map(value: Any) -> str:
    return "<map>" if isinstance(value, dict) else "<word>"


def _list_or_word(value: Any) -> str:
    return "<word>" if isinstance(value, str) else "<list>"


def _matched(value: Any) -> Any:
    if value != "matched":
        raise wrong(f"{value!r} is not a list of components", f"write [ {value} ], or matched")
    return value


AnyImpact = Annotated[
    Annotated[ImpactWord, Tag("<word>")] | Annotated[ImpactMap, Tag("<map>")], Discriminator(_word_or_map)
]
Components = Annotated[
    Annotated[Annotated[Literal["matched"], BeforeValidator(_matched)], Tag("<word>")]
    | Annotated[Refs, Tag("<list>")],
    Discriminator(_list_or_word),
]


class OpenDefaults(Block):
    components: Components | None = None
    impact: AnyImpact | None = None
    plan: str | None = None


class OpenBlock(Block):
    components: Components
    impact: AnyImpact
    plan: str


class RaiseBlock(Block):
    condition: Expression = Field(alias="if")
    impact: ImpactWord | None = None
    plan: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.impact is None and self.plan is None:
            raise wrong("raises nothing", "add impact or plan")
        return self


class RouteKeys(Block):
    """What a route and ``defaults.route`` have in common."""

    matchers: list[MatcherText] = Field(default_factory=list)
    go_on: bool = Field(default=False, alias="continue")
    group_by: LabelNames = Field(default_factory=list)
    hold_for: Duration = Field(default=0, alias="for")
    keep_firing_for: Duration = 0
    monitor_for: Duration = 0
    reopen_within: Duration = 30 * 60_000
    stale_after: Period = 5 * 3_600_000
    raises: list[RaiseBlock] = Field(default=[], alias="raise")


class RouteDefaults(RouteKeys):
    open: OpenDefaults = OpenDefaults()


class RouteBlock(RouteKeys):
    id: Id
    open: OpenBlock
    was: Refs = Field(default_factory=list)


class ApproveBlock(Block):
    need: Literal["one", "two"]
    within: Period = 30 * 60_000
    otherwise: Literal["skip", "post"] = "skip"


class VetoBlock(Block):
    """``approve: veto 5m``, taken apart."""

    need: Literal["veto"]
    within: Period


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


_APPROVE_SCHEMA = {
    "anyOf": [
        {"enum": ["none", "one", "two"]},
        {"type": "string", "pattern": r"^veto \S+$"},
        {
            "type": "object",
            "properties": {
                "need": {"enum": ["one", "two"]},
                "within": {"type": "string"},
                "otherwise": {"enum": ["skip", "post"]},
            },
            "required": ["need"],
            "additionalProperties": False,
        },
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
    plan: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.impact is None and self.plan is None:
            raise wrong("sets nothing", "add impact or plan")
        return self


class StepDefaults(Block):
    """``defaults.step``: what steps share; all but ``if`` and ``limit`` for those that say something."""

    to: Receivers | None = None
    condition: Expression | None = Field(default=None, alias="if")
    approve: Approval | None = None
    promise: Period | None = None
    limit: Annotated[int, Field(ge=0)] | None = None


class StepBlock(StepDefaults):
    id: Id
    after: Duration | None = None
    every: Period | None = None
    on: Events | None = None
    say: str | None = None
    ask: str | None = None
    set: SetBlock | None = None
    then: Literal["draft_postmortem"] | None = None
    was: Refs = Field(default_factory=list)

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
    ask: str = ""
    shadow: bool = False
    steps: list[Any]


class JargonBlock(Block):
    add: list[Words] = Field(default_factory=list)
    replace: dict[str, str] = Field(default_factory=dict)


class WordWaiver(Block):
    check: str
    text: str
    until: Day
    why: Words


class WordsBlock(Block):
    automatic_may_omit: list[RESOLUTION_PARTS] = Field(default=["cause", "prevention"])
    jargon: JargonBlock = JargonBlock()
    waive: list[WordWaiver] = Field(default_factory=list)


class PersonBlock(Block):
    channel: str
    mention: str = ""


class StormOpen(Block):
    impact: AnyImpact
    plan: str


class StormBlock(Block):
    groups: Count
    within: Period
    open: StormOpen


class FlappingBlock(Block):
    opened: Count
    within: Period
    plan: str


class LimitsBlock(Block):
    storm: StormBlock | None = None
    flapping: FlappingBlock | None = None
    posts_per_hour: dict[str, Count] = Field(default_factory=dict)
    take_over: Period = 60 * 60_000


class OverrunBlock(Block):
    after: Duration = 0
    open: StormOpen


class MaintenanceBlock(Block):
    overrun: OverrunBlock | None = None


class Waiver(Block):
    """A finding of ``rules check`` that is accepted until a day."""

    code: Annotated[str, Field(pattern=r"^R\d{3}$")]
    id: str
    until: Day
    why: Words


class DefaultsBlock(Block):
    route: RouteDefaults = RouteDefaults()
    step: StepDefaults = StepDefaults()


class RuleFile(Block):
    """A whole file; for the JSON Schema and the list of blocks (loading checks block by block)."""

    channels: dict[Id, ChannelBlock] = Field(default_factory=dict)
    components: list[ComponentBlock] = Field(default_factory=list)
    defaults: DefaultsBlock = DefaultsBlock()
    routes: list[RouteBlock] = Field(default_factory=list)
    plans: dict[Id, PlanBlock] = Field(default_factory=dict)
    texts: dict[Id, Text] = Field(default_factory=dict)
    words: WordsBlock = WordsBlock()
    windows: dict[Id, list[IntervalBlock]] = Field(default_factory=dict)
    people: dict[Id, PersonBlock] = Field(default_factory=dict)
    limits: LimitsBlock = LimitsBlock()
    maintenance: MaintenanceBlock = MaintenanceBlock()
    waive: list[Waiver] = Field(default_factory=list)
