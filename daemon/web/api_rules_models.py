"""What the questions about rules take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from daemon.web.api_models import LARGEST_CURSOR, LONGEST_LIST, Moment

OutcomeName = Literal["said", "asked", "set", "skipped", "waiting", "withdrawn", "not yet", "never"]


class Part(Struct, kw_only=True):
    """One piece of an `if`; `depth` is how far it is inside."""

    text: str
    value: Annotated[bool | None, Meta(description="None where it failed.")]
    depth: int


class CastVote(Struct, kw_only=True):
    """What a person said about a text that waited."""

    at: Moment
    who: str
    act: Literal["approve", "veto"]


class AskedApproval(Struct, kw_only=True):
    """Who had to agree, until when, and what they said."""

    need: Literal["veto", "one", "two"]
    since: Moment
    until: Moment
    otherwise: Literal["skip", "post"]
    votes: list[CastVote]


class Explained(Struct, kw_only=True):
    """One occasion of a step, or why there was none."""

    plan: str
    step: str
    occasion: Annotated[str, Meta(description="Empty where the step has not acted.")]
    at: Moment
    outcome: OutcomeName
    reason: str
    to: list[str]
    condition: Annotated[str, Meta(description="The step's `if`.")]
    holds: bool | None
    facts: Annotated[dict[str, str], Meta(description="Those that it looked at, at that instant.")]
    parts: list[Part]
    approval: AskedApproval | None
    changed_by: Annotated[list[str], Meta(description="What would have changed the outcome.")]
    expected: Annotated[Moment | None, Meta(description="When it acts next if nothing changes.")]


class Explanation(Struct, kw_only=True):
    """Why the steps of an incident acted, or did not; oldest first."""

    incident: str
    rules: str
    plan: str
    items: list[Explained]


class ExplainQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which step."""

    step: str = ""


class RulesChange(Struct, kw_only=True):
    """A version of the rules that was live, and how many lines differ from the one before."""

    version: str
    loaded_at: Moment
    who: str
    files: list[str]
    added: int
    removed: int
    in_force: bool
    incidents: Annotated[int, Meta(description="Live incidents that keep it.")]


class RulesChanges(Struct):
    """A page of versions, newest first."""

    items: list[RulesChange]
    next: str | None


class WholeRulesChange(RulesChange, kw_only=True):
    """The same with the difference itself, as unified diff lines."""

    diff: list[str]


class RulesQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=LONGEST_LIST)] = 50
    cursor: Annotated[
        Annotated[int, Meta(ge=0, le=LARGEST_CURSOR)] | None,
        Meta(description="The `next` of the page before."),
    ] = None


class RouteUsed(Struct, kw_only=True):
    """How many incidents a route had, and how many of the alerts it would take today."""

    route: str
    incidents: int
    alerts: int


class StepUsed(Struct, kw_only=True):
    """How often a step acted and was skipped; `reason` is the most frequent."""

    plan: str
    step: str
    acted: int
    skipped: int
    reason: str


class CaughtAlert(Struct, kw_only=True):
    """An alert that no route with matchers wants."""

    alertname: str
    count: int


class RulesCoverage(Struct, kw_only=True):
    """What a history used of the rules in force."""

    since: Moment
    version: str
    routes: list[RouteUsed]
    steps: list[StepUsed]
    catch_all: list[CaughtAlert]
    unreached: Annotated[list[str], Meta(description="Routes and steps never reached, as sentences.")]


class CoverageQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """From when on."""

    since: Annotated[str, Meta(description="A span back from now such as 90d, or RFC 3339.")] = "90d"
