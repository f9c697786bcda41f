"""What /api/v1 takes and gives: handlers and the OpenAPI document are made from these and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from daemon.core.delivery import DeliveryState

LONGEST_LIST = 500
LARGEST_CURSOR = 2**53

StatusName = Literal["investigating", "identified", "monitoring", "resolved"]
ImpactName = Literal["none", "minor", "major", "critical"]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
IncidentId = Annotated[str, Meta(pattern="^INC-[0-9]+$", examples=["INC-42"])]
When = Annotated[
    str,
    Meta(
        description="RFC 3339, a span from now such as 30m, or the next HH:MM in the page's time zone.",
        examples=["2027-01-04T14:30:00Z", "30m", "14:30"],
    ),
]
Who = Annotated[
    str, Meta(description="Who acts; needed here or in X-Tocsin-User.", max_length=100, examples=["ana"])
]


class Incident(Struct, kw_only=True):
    """An incident as lists show it; `key` is its route with the values that it is grouped by."""

    id: IncidentId
    key: str
    title: str
    status: StatusName
    impact: ImpactName
    components: list[str]
    opened_at: Moment | None
    resolved_at: Moment | None
    ended: Literal["resolved", "retracted", "merged"] | None


class Update(Struct, kw_only=True):
    """What was said at one instant, in the words of each channel."""

    id: str
    at: Moment
    by: Annotated[str, Meta(description="The step of the plan, or the person.")]
    by_person: bool
    audience: Literal["public", "internal"]
    status: StatusName
    impact: ImpactName
    components: list[str]
    posts: Annotated[dict[str, str], Meta(description="Channel to text.")]
    promise: Moment | None
    shadow: Annotated[bool, Meta(description="The plan is in shadow: nothing of it left for customers.")]


class WaitingText(Struct, kw_only=True):
    """A text that goes out, or not, when people say so or when its time has passed."""

    step: str
    plan: str
    need: Literal["veto", "one", "two"]
    since: Moment
    until: Moment
    otherwise: Literal["skip", "post"]
    votes: list[str]
    posts: dict[str, str]
    promise: Moment | None


class ChannelState(Struct, kw_only=True):
    """One channel as this incident knows it; `deliveries` counts its updates by state."""

    channel: str
    audience: Literal["public", "internal"]
    told: bool
    down: bool
    over_budget: Annotated[bool, Meta(description="A text waits for room in the channel's hour.")]
    deliveries: dict[str, int]


class Promises(Struct, kw_only=True):
    """The open promise and how earlier ones ended."""

    next_update_by: Moment | None
    kept: int
    broken: int


class WholeIncident(Incident, kw_only=True):
    """All that an operator wants to see of an incident on one screen."""

    public_id: str
    page_url: str
    route: str
    plan: str
    rules: Annotated[str, Meta(description="Version of the rules that it keeps.")]
    opened_by: Annotated[str, Meta(description="A person; empty when alerts opened it.")]
    shadow: Annotated[bool, Meta(description="Customers hear nothing: its plan is in shadow.")]
    started_at: Moment | None
    monitoring_at: Moment | None
    labels: Annotated[dict[str, str], Meta(description="What all its alerts share.")]
    note: str
    alerts_firing: int
    alerts_total: int
    acked_by: str
    taken_over_by: str
    paused_by: str
    paused_until: Moment | None
    promise: Promises
    updates: Annotated[list[Update], Meta(description="Newest first.")]
    waiting: list[WaitingText]
    channels: list[ChannelState]


class JournalItem(Struct, kw_only=True):
    """One entry of an incident's journal; `decided` entries are the rules' answers, others came in."""

    sequence: int
    at: Moment
    kind: str
    decided: bool
    entry: dict[str, Any]


class RuleFile(Struct, kw_only=True):
    """A rule file as it was."""

    file: str
    text: str


class RecordedScenario(Struct, kw_only=True):
    """What came in at an incident, as `tocsin rules simulate` plays it, and the rules that it keeps."""

    scenario: dict[str, Any]
    version: str
    rules: list[RuleFile]


class Done(Struct, kw_only=True):
    """What an act led to: the incident after it, and the entries that it added."""

    incident: Incident
    journal: list[JournalItem]


class Alert(Struct, kw_only=True):
    """One run of an alert."""

    source: str
    fingerprint: str
    starts_at: Moment
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    incident: IncidentId | None


class Reference(Struct, kw_only=True):
    """Names that the channel gave to a post."""

    ids: dict[str, str]
    url: str


class Delivery(Struct, kw_only=True):
    """One update on its way to one channel or recipient."""

    id: int
    incident: IncidentId | None
    update: str
    channel: str
    state: DeliveryState
    attempts: int
    reference: Reference | None
    edits: Annotated[int | None, Meta(description="The delivery whose post this one changes.")]


class WholeDelivery(Delivery, kw_only=True):
    """A delivery with everything that is known about it."""

    key: str
    audience: Literal["public", "internal"]
    recipient: str
    created_at: Moment
    not_before: Moment
    attempted_at: Moment | None
    reason: str
    detail: str
    payload: Annotated[Any, Meta(description="Exactly what goes to the channel.")]


class RouteItem(Struct, kw_only=True):
    """One route of the rules in force."""

    id: str
    matchers: list[str]
    group_by: list[str]
    continues: bool = field(name="continue")
    hold_for: Annotated[str, Meta(examples=["2m"])] = field(name="for")
    plan: str


class Rules(Struct, kw_only=True):
    """The rules that new incidents follow."""

    version: str
    files: list[str]
    routes: list[RouteItem]
    plans: list[str]
    channels: list[str]
    components: list[str]
    notices: list[str]


class Pausing(Struct, kw_only=True):
    """What a pause or its end changed: how many incidents live now."""

    paused_by: str | None
    until: Moment | None
    incidents: int


class Incidents(Struct):
    """A page of incidents, newest first."""

    items: list[Incident]
    next: str | None


class Journal(Struct):
    """A page of a journal, oldest first."""

    items: list[JournalItem]
    next: str | None


class Alerts(Struct):
    """A page of alerts, newest first."""

    items: list[Alert]
    next: str | None


class Deliveries(Struct):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    next: str | None


class Fault(Struct):
    """problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request: Annotated[str, Meta(description="Names the line in the daemon's log.")] = ""
    key: Annotated[str, Meta(description="The key of the body that is wrong.")] = ""


class Page(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every list takes."""

    limit: Annotated[int, Meta(ge=1, le=LONGEST_LIST)] = 50
    cursor: Annotated[
        Annotated[int, Meta(ge=0, le=LARGEST_CURSOR)] | None,
        Meta(description="The `next` of the page before."),
    ] = None


class IncidentQuery(Page, forbid_unknown_fields=True, kw_only=True):
    """Which incidents."""

    status: Literal["open", "all"] = "all"


class AlertQuery(Page, forbid_unknown_fields=True, kw_only=True):
    """Which alerts."""

    status: Literal["firing", "resolved", "all"] = "all"


class DeliveryQuery(Page, forbid_unknown_fields=True, kw_only=True):
    """Which deliveries."""

    state: DeliveryState | None = None
    channel: str | None = None
    incident: IncidentId | None = None


class Act(Struct, forbid_unknown_fields=True, kw_only=True):
    """An act that needs nothing but a person."""

    who: Who = ""


class OpenIncident(Act, forbid_unknown_fields=True, kw_only=True):
    """An incident that no alert reported; with a text that is its first update."""

    title: str
    text: str = ""
    impact: ImpactName = "minor"
    components: tuple[str, ...] = ()
    plan: str = ""
    to: tuple[str, ...] = ()
    promise: When | None = None
    status: Literal["investigating", "identified", "monitoring"] = "investigating"


class WriteUpdate(Act, forbid_unknown_fields=True, kw_only=True):
    """A person's update: words, or what they set, or both."""

    text: str = ""
    title: str = ""
    status: StatusName | None = None
    impact: ImpactName | None = None
    add: Annotated[tuple[str, ...], Meta(description="Components to add.")] = ()
    remove: Annotated[tuple[str, ...], Meta(description="Components to remove.")] = ()
    to: Annotated[tuple[str, ...], Meta(description="Channels; where the last update went if empty.")] = ()
    promise: When | None = None
    plan: str = ""


class Resolve(Act, forbid_unknown_fields=True, kw_only=True):
    """It is over; with a text those are the words of the resolution."""

    text: str = ""


class Retract(Act, forbid_unknown_fields=True, kw_only=True):
    """It was a false alarm."""

    reason: str = ""


class Vote(Act, forbid_unknown_fields=True, kw_only=True):
    """A word about a text that waits."""

    step: str


class Pause(Act, forbid_unknown_fields=True, kw_only=True):
    """Nothing goes out by rule until then, or until resumed."""

    until: When | None = None


class Confirm(Act, forbid_unknown_fields=True, kw_only=True):
    """A held post is there; `reference` is its address or name if known."""

    reference: str = ""
