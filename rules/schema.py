"""The rule language as data: one model per block of a rule file.

Field names are those of the language wherever Python allows.  Meaning lives in
the rule language's own page; here is what may be written.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from rules.schema_fields import (
    Block,
    Count,
    Day,
    Duration,
    Expression,
    Id,
    ImpactWord,
    LabelName,
    LabelNames,
    MatcherText,
    Period,
    Refs,
    Text,
    Words,
    wrong,
)
from rules.schema_steps import PlanBlock, StepDefaults
from rules.schema_windows import IntervalBlock

RESOLUTION_PARTS = Literal["confirmed", "cause", "prevention", "apology", "thanks"]


class ChannelBlock(Block):
    kind: Id
    """Such as status_page, slack, email or x; the configuration must agree."""
    audience: Literal["public", "internal"] = "public"
    """public: customers read it; internal: colleagues do, and questions may go there."""
    optional: bool = False
    """Not configured is no error: the steps for it are left out, with a notice."""


class ComponentBlock(Block):
    id: Id
    """Its name in `open`, `if` and `depends_on`."""
    name: Words
    """As customers call it."""
    group: str = ""
    """Under which heading the page shows it."""
    matchers: list[MatcherText] = Field(default_factory=list)
    """Which alerts are about it, as in Alertmanager: all of them must fit."""
    customers_cannot: str = ""
    """Completes the sentence "customers cannot ..."."""
    description: str = ""
    """One sentence on the page."""
    depends_on: Refs = Field(default_factory=list)
    """Components whose outage takes this one along."""


class ImpactMap(Block):
    """``impact`` by the value of one label."""

    label: LabelName
    """The label whose value decides."""
    values: dict[str, ImpactWord]
    """Impact by value."""
    otherwise: ImpactWord = Field(alias="else")
    """Impact for every other value."""


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
    """Components of the incident, or `matched`."""
    impact: AnyImpact | None = None
    """Impact at the start."""
    plan: str | None = None
    """The plan that it follows."""


class OpenBlock(Block):
    components: Components
    """Components of the incident, or `matched`: those that the alerts are about.

    An alert about none goes to the next route.
    """
    impact: AnyImpact
    """Impact at the start: a word, or a map over one label."""
    plan: str
    """The plan that the incident follows."""


class RaiseBlock(Block):
    condition: Expression = Field(alias="if")
    """When it acts, as in a step."""
    impact: ImpactWord | None = None
    """The impact that it then has at least."""
    plan: str | None = None
    """The plan that it then follows."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.impact is None and self.plan is None:
            raise wrong("raises nothing", "add impact or plan")
        return self


class RouteKeys(Block):
    """What a route and ``defaults.route`` have in common."""

    matchers: list[MatcherText] = Field(default_factory=list)
    """Which alerts it takes, as in Alertmanager: all must fit, anchored; a missing label is empty."""
    go_on: bool = Field(default=False, alias="continue")
    """Later routes see the alert too, and have incidents of their own."""
    group_by: LabelNames = Field(default_factory=list)
    """One incident for each combination of these; `component` is the first component whose matchers fit."""
    hold_for: Duration = Field(default=0, alias="for")
    """At least one alert of the group must have fired all that time, else no incident exists."""
    keep_firing_for: Duration = 0
    """After the last alert clears, the group counts as firing that long."""
    monitor_for: Duration = 0
    """After that, the status is `monitoring` that long, then `resolved`; 0s: straight to `resolved`."""
    reopen_within: Duration = 30 * 60_000
    """Fires again within that time after `resolved`: the same incident."""
    stale_after: Period = 5 * 3_600_000
    """No word from the monitor that long while firing: a person is asked."""
    raises: list[RaiseBlock] = Field(default=[], alias="raise")
    """What raises impact or moves the plan while the incident is open."""


class RouteDefaults(RouteKeys):
    open: OpenDefaults = OpenDefaults()
    """What `open` of routes takes from here, key by key."""


class RouteBlock(RouteKeys):
    id: Id
    """Its name in reports and in the journal."""
    open: OpenBlock
    """What an incident of this route begins with."""
    was: Refs = Field(default_factory=list)
    """Earlier ids: open incidents of theirs belong to this route."""


class JargonBlock(Block):
    add: list[Words] = Field(default_factory=list)
    """Words that customers do not understand."""
    replace: dict[str, str] = Field(default_factory=dict)
    """What to say instead, by word."""


class WordWaiver(Block):
    check: str
    """The check of the wording gate."""
    text: str
    """The words that may stand."""
    until: Day
    """The last day."""
    why: Words
    """The reason."""


class WordsBlock(Block):
    automatic_may_omit: list[RESOLUTION_PARTS] = Field(default=["cause", "prevention"])
    """Parts of a resolution that an automatic text may leave out."""
    jargon: JargonBlock = JargonBlock()
    """Words for the jargon check."""
    waive: list[WordWaiver] = Field(default_factory=list)
    """Findings of the wording gate that are accepted until a day."""


class PersonBlock(Block):
    channel: str
    """The internal channel on which they are asked."""
    mention: str = ""
    """How the channel calls them."""


class StormOpen(Block):
    impact: AnyImpact
    """Impact at the start."""
    plan: str
    """The plan that it follows."""


class StormBlock(Block):
    groups: Count
    """So many groups at once are one incident."""
    within: Period
    """The time in which they come."""
    open: StormOpen
    """What that incident begins with."""


class FlappingBlock(Block):
    opened: Count
    """A group that opened so often is flapping."""
    within: Period
    """The time in which it did."""
    plan: str
    """The plan that it opens on then; a person is asked."""


class LimitsBlock(Block):
    storm: StormBlock | None = None
    """Many groups at once become one incident."""
    flapping: FlappingBlock | None = None
    """Groups that come and go ask a person."""
    posts_per_hour: dict[str, Count] = Field(default_factory=dict)
    """The most automatic posts an hour by channel, over all incidents."""
    take_over: Period = 60 * 60_000
    """A take over ends without an act of that person after this time."""


class OverrunBlock(Block):
    after: Duration = 0
    """How long after the announced end."""
    open: StormOpen
    """What the incident begins with."""


class MaintenanceBlock(Block):
    overrun: OverrunBlock | None = None
    """A maintenance that goes on past its end opens an incident."""


class Waiver(Block):
    """A finding of ``rules check`` that is accepted until a day."""

    code: Annotated[str, Field(pattern=r"^R\d{3}$")]
    """The finding's code, such as R041."""
    id: str
    """What the finding is about: route, plan, plan/step, text or channel."""
    until: Day
    """The last day on which it holds."""
    why: Words
    """The reason."""


class DefaultsBlock(Block):
    route: RouteDefaults = RouteDefaults()
    """For routes of this file that lack a key."""
    step: StepDefaults = StepDefaults()
    """For steps of this file that lack a key."""


class RuleFile(Block):
    """A whole file; for the JSON Schema and the list of blocks (loading checks block by block)."""

    channels: dict[Id, ChannelBlock] = Field(default_factory=dict)
    """The channels that these rules expect, by id; addresses and secrets live in the configuration."""
    components: list[ComponentBlock] = Field(default_factory=list)
    """The parts of the service as customers know them."""
    defaults: DefaultsBlock = DefaultsBlock()
    """For this file only: what a route or step takes where it lacks a key."""
    routes: list[RouteBlock] = Field(default_factory=list)
    """Which alerts open which incident; the first that fits takes the alert."""
    plans: dict[Id, PlanBlock] = Field(default_factory=dict)
    """What is said when, by id."""
    texts: dict[Id, Text] = Field(default_factory=dict)
    """The words, as Jinja2 templates: one for all, or by channel id, kind, audience and `default`."""
    words: WordsBlock = WordsBlock()
    """Settings of the wording gate."""
    windows: dict[Id, list[IntervalBlock]] = Field(default_factory=dict)
    """Named times, as Alertmanager's time_intervals; true in `if` while open."""
    people: dict[Id, PersonBlock] = Field(default_factory=dict)
    """Who can be asked, by id."""
    limits: LimitsBlock = LimitsBlock()
    """Bounds over all incidents; in one file of the set alone."""
    maintenance: MaintenanceBlock = MaintenanceBlock()
    """What a maintenance that overruns does; in one file of the set alone."""
    waive: list[Waiver] = Field(default_factory=list)
    """Findings of `tocsin rules check` that are accepted until a day."""
