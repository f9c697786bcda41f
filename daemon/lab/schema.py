"""Test files and scenarios as data: one model per block; the rule language's page says what they mean."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from daemon.core.clock import Instant, from_datetime
from daemon.core.words import ComponentStatus, Status
from rules.schema_fields import Block, Count, Duration, ImpactWord, Period, Words, did_you_mean, wrong

MOST_COMBINATIONS = 100_000  # alerts that one `vary` may make
TIMES = re.compile(r"(.+)\*([1-9][0-9]{0,4})")
ACTS = (
    "ack", "update", "title", "status", "impact", "components", "plan", "approve", "veto", "take_over",
    "hand_back", "resolve", "retract", "open",
)  # fmt: skip
WITH_UPDATE = frozenset({"update", "title", "status", "impact", "components", "plan"})
LATER = {
    "merge_into": "merging incidents is not part of this version",
    "rules": "moving an incident to other rules is not part of this version",
}


def _instant(value: Any) -> Instant:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise wrong(f"{value!r} is not an instant", 'write it like "2027-01-04T10:00:00Z"')
    return from_datetime(moment)


def _status(value: Any) -> Status:
    words = [word.name for word in Status]
    if not isinstance(value, str) or value not in words:
        raise wrong(f"{value!r} is not a status", did_you_mean(str(value), words))
    return Status[value]


def _component_status(value: Any) -> str:
    words = [word.value for word in ComponentStatus]
    if value not in words:
        raise wrong(f"{value!r} is not a component's status", did_you_mean(str(value), words))
    return str(value)


def _steps(value: Any) -> Any:
    """``holding*3`` is three in a row."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise wrong("is no list of steps", "write [ first, holding*3 ], or [] for none")
    steps: list[str] = []
    for one in value:
        times = TIMES.fullmatch(one)
        steps += [times.group(1).strip()] * int(times.group(2)) if times else [one]
    return steps


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _pattern(value: Any) -> Any:
    try:
        re.compile(value)
    except (TypeError, re.error) as error:
        raise wrong(f"is not a regular expression: {error}", "correct it") from error
    return value


def _list_or_map(value: Any) -> str:
    return "<map>" if isinstance(value, dict) else "<list>"


At = Annotated[Instant, BeforeValidator(_instant)]
StatusWord = Annotated[Status, BeforeValidator(_status)]
ComponentWord = Annotated[str, BeforeValidator(_component_status)]
Steps = Annotated[list[str], BeforeValidator(_steps)]
Texts = Annotated[list[Words], BeforeValidator(_texts)]
Pattern = Annotated[str, BeforeValidator(_pattern)]
Labels = dict[str, str]


class AgainBlock(Block):
    every: Period
    until: Duration


class AlertBlock(Block):
    """One alert, once or again and again, or many that differ in some labels."""

    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    fires: Duration
    resolves: Duration | None = None
    again: AgainBlock | None = None
    vary: dict[str, list[str] | Count] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.resolves is not None and self.resolves <= self.fires:
            raise wrong("resolves before it fires", "write a later `resolves`")
        if self.again is not None:
            if self.resolves is None:
                raise wrong("cannot fire again: it never resolves", "add resolves")
            if self.again.every <= self.resolves - self.fires:
                raise wrong("fires again before it has resolved", "write a longer `every`")
        many = 1
        for name, values in self.vary.items():
            many *= values if isinstance(values, int) else max(len(values), 1)
            if name in self.labels:
                raise wrong(f"has {name} in labels and in vary", "keep one of them")
        if many > MOST_COMBINATIONS:
            raise wrong(f"makes {many} alerts; at most {MOST_COMBINATIONS} are played", "vary less")
        return self


class WhichBlock(Block):
    route: str = ""
    labels: Labels = Field(default_factory=dict)


class ComponentsBlock(Block):
    add: list[str] = Field(default_factory=list)
    remove: list[str] = Field(default_factory=list)


class PersonBlock(Block):
    """One act of a person."""

    at: Duration
    who: Words = "someone"
    incident: WhichBlock | None = None
    refused: bool = False
    ack: Literal[True] | None = None
    update: Words | None = None
    title: Words | None = None
    status: StatusWord | None = None
    impact: ImpactWord | None = None
    components: ComponentsBlock | None = None
    to: list[str] = Field(default_factory=list)
    promise: Duration | None = None
    plan: str | None = None
    approve: str | None = None
    veto: str | None = None
    take_over: Literal[True] | None = None
    hand_back: Literal[True] | None = None
    resolve: Literal[True] | Words | None = None
    retract: Literal[True] | Words | None = None
    open: Words | None = None
    merge_into: Any = None
    rules: Any = None

    @property
    def acts(self) -> list[str]:
        return [name for name in ACTS if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        for name, why in LATER.items():
            if getattr(self, name) is not None:
                raise wrong(f"{name}: {why}", "leave it out")
        acts = set(self.acts)
        if not acts:
            raise wrong("does nothing", f"add one of {', '.join(ACTS)}")
        alone = acts - WITH_UPDATE - {"open"}
        if len(alone) > 1 or (alone and acts & {"open"}):
            raise wrong(f"does several things at once: {', '.join(sorted(acts))}", "write one act for each")
        allowed = {"resolve": {"update"}}.get(next(iter(alone), ""), set())
        if alone and acts - alone - allowed:
            rest = ", ".join(sorted(acts - alone - allowed))
            raise wrong(f"{next(iter(alone))} does not go together with {rest}", "write two acts")
        return self


class TurnBlock(Block):
    """``{ at: 90m, x: down }``."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Literal["down", "up", "unknown", "rejected"]]
    at: Duration

    @property
    def turns(self) -> dict[str, Any]:
        return self.__pydantic_extra__ or {}

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.turns:
            raise wrong("names no channel", "write { at: 90m, x: down }")
        return self


class DaemonBlock(Block):
    down: Duration
    up: Duration

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.up <= self.down:
            raise wrong("is up before it is down", "write a later `up`")
        return self


class ReloadBlock(Block):
    at: Duration
    rule_files: Annotated[list[Words], Field(min_length=1)]


class PauseBlock(Block):
    at: Duration
    until: Duration | None = None


class PromisesBlock(Block):
    kept: int | None = None
    broken: int | None = None


class NextBlock(Block):
    step: str
    at: Duration | None = None


class WordsBlock(Block):
    step: str
    on: str
    equals: str | None = None
    contains: Texts = Field(default_factory=list)
    lacks: Texts = Field(default_factory=list)
    matches: Pattern | None = None
    max_length: Count | None = None
    gate: Any = None

    @model_validator(mode="after")
    def _no_gate(self) -> Self:
        if self.gate is not None:
            raise wrong("gate: the wording gate is not part of this version", "leave gate out")
        return self


class ExpectBlock(Block):
    at: Duration
    incident: WhichBlock | None = None
    incidents: Annotated[int, Field(ge=0)] | None = None
    status: StatusWord | None = None
    impact: ImpactWord | None = None
    plan: str | None = None
    components: dict[str, ComponentWord] | None = None
    told: list[str] | None = None
    posts: dict[str, Steps] = Field(default_factory=dict)
    new_posts: dict[str, Steps] = Field(default_factory=dict)
    waiting: list[str] | None = None
    queued: dict[str, Steps] = Field(default_factory=dict)
    asked: dict[str, Steps] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)
    promises: PromisesBlock | None = None
    longest_silence: Duration | None = None
    next: NextBlock | None = None
    texts: list[WordsBlock] = Field(default_factory=list)


OneOrMore = Discriminator(_list_or_map)
Daemon = Annotated[
    Annotated[DaemonBlock, Tag("<map>")] | Annotated[list[DaemonBlock], Tag("<list>")], OneOrMore
]
Reload = Annotated[
    Annotated[ReloadBlock, Tag("<map>")] | Annotated[list[ReloadBlock], Tag("<list>")], OneOrMore
]
Pause = Annotated[Annotated[PauseBlock, Tag("<map>")] | Annotated[list[PauseBlock], Tag("<list>")], OneOrMore]


class TestKeys(Block):
    """What a test, a scenario and ``defaults`` have in common."""

    start_timestamp: At | None = None
    tags: list[Words] = Field(default_factory=list)
    strict: bool = False
    only: bool = False
    alerts: list[AlertBlock] = Field(default_factory=list)
    people: list[PersonBlock] = Field(default_factory=list)
    channels: list[TurnBlock] = Field(default_factory=list)
    daemon: Daemon = Field(default_factory=list)
    reload: Reload = Field(default_factory=list)
    pause: Pause = Field(default_factory=list)
    maintenance: Any = None
    expect: list[ExpectBlock] = Field(default_factory=list)

    @model_validator(mode="after")
    def _no_maintenance(self) -> Self:
        if self.maintenance is not None:
            raise wrong("maintenance: announced maintenances are not part of this version", "leave it out")
        return self


class TestBlock(TestKeys):
    name: Words


class TestFileBlock(Block):
    rule_files: list[Words] = Field(default_factory=list)
    defaults: TestKeys = TestKeys()
    tests: list[TestBlock]


class ScenarioBlock(TestKeys):
    """A test without ``expect``, by itself in its file."""

    name: Words = "scenario"
    rule_files: list[Words] = Field(default_factory=list)
