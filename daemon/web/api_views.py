"""Rows and states of the core as the API's models."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from daemon.core import journal as j
from daemon.core.channel_view import ChannelView
from daemon.core.clock import Instant, to_iso
from daemon.core.delivery import Delivery
from daemon.core.group import Group, Pending
from daemon.core.ports import Ref
from daemon.core.store import EpisodeRow, GroupRow
from daemon.core.words import Audience, Impact, Status
from daemon.service.posts import page_url
from daemon.web import api_models as m
from rules import durations
from rules.model import Route, RuleSet

_INSTANTS = {
    kind: frozenset(name for name, hint in cls.__annotations__.items() if hint.startswith("Instant"))
    for kind, cls in {**j.KINDS, "fired": j.Fired}.items()
}
"""The fields of each entry that hold an instant, as its class declares them."""


def moment(instant: Instant | None) -> str | None:
    return to_iso(instant) if instant is not None else None


def incident_id(number: int | None) -> str | None:
    return f"INC-{number}" if number else None


def group_key(route: str, labels: Sequence[tuple[str, str]]) -> str:
    """``services{component="checkout"}``; empty for an incident that a person opened."""
    if not labels:
        return route
    pairs = ",".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in labels)
    return f"{route}{{{pairs}}}"


def incident(row: GroupRow, components: Sequence[str]) -> m.Incident:
    return m.Incident(
        id=f"INC-{row.number}",
        key=group_key(row.route, row.key),
        title=row.title,
        status=cast("m.StatusName", row.status.name),
        impact=cast("m.ImpactName", row.impact.name),
        components=list(components),
        opened_at=moment(row.opened_at),
        resolved_at=moment(row.resolved_at),
        ended=cast("Any", row.ended or None),
    )


def incident_of(state: Group) -> m.Incident:
    return m.Incident(**_head(state))


def _head(state: Group) -> dict[str, Any]:
    return {
        "id": f"INC-{state.number}",
        "key": group_key(state.route, tuple(state.labels.items())),
        "title": state.title,
        "status": state.status.name,
        "impact": state.impact.name,
        "components": list(state.components),
        "opened_at": moment(state.opened_at),
        "resolved_at": moment(state.resolved_at),
        "ended": state.ended or None,
    }


def whole_incident(state: Group, journal: Sequence[j.Recorded], rules: RuleSet) -> m.WholeIncident:
    said = [(one.at, one.entry) for one in journal if isinstance(one.entry, j.Said)]
    return m.WholeIncident(
        **_head(state),
        public_id=state.public_id,
        page_url=page_url(state, rules),
        route=state.route,
        plan=state.plan,
        rules=state.rules,
        opened_by=state.opened_by,
        shadow=state.shadow,
        started_at=moment(state.started_at),
        monitoring_at=moment(state.monitoring_at or None),
        labels=dict(state.common or {}),
        note=state.note,
        alerts_firing=state.firing,
        alerts_total=len(state.episodes),
        acked_by=state.acked_by,
        taken_over_by=state.taken_over_by,
        paused_by=state.paused_by,
        paused_until=moment(state.paused_until),
        promise=m.Promises(
            next_update_by=moment(state.promise if state.phase == "open" else None),
            kept=state.promises_kept,
            broken=state.promises_broken,
        ),
        updates=[_update(at, entry) for at, entry in reversed(said)],
        waiting=[_waiting(one) for one in state.waiting.values()],
        channels=[_channel(name, view, state) for name, view in sorted(state.channels.items())],
    )


def _update(at: Instant, said: j.Said) -> m.Update:
    return m.Update(
        id=said.update,
        at=to_iso(at),
        by=said.who or said.step,
        by_person=bool(said.who),
        audience=cast("Any", said.audience.value),
        status=cast("Any", said.status.name),
        impact=cast("Any", said.impact.name),
        components=list(said.components),
        posts=dict(said.posts),
        promise=moment(said.promise),
        shadow=said.shadow,
    )


def _waiting(one: Pending) -> m.WaitingText:
    return m.WaitingText(
        step=one.step,
        plan=one.plan,
        need=cast("Any", one.need),
        since=to_iso(one.since),
        until=to_iso(one.until),
        otherwise=cast("Any", one.otherwise),
        votes=list(one.votes),
        posts=dict(one.posts),
        promise=moment(one.promise),
    )


def _channel(name: str, view: ChannelView, state: Group) -> m.ChannelState:
    return m.ChannelState(
        channel=name,
        audience=cast("Any", view.audience.value),
        told=view.told and not (state.shadow and view.audience is Audience.public),
        down=view.down,
        over_budget=view.over_budget is not None,
        deliveries=dict(sorted(Counter(map(str, view.states.values())).items())),
    )


def journal_item(one: j.Recorded) -> m.JournalItem:
    return m.JournalItem(
        sequence=one.sequence,
        at=to_iso(one.at),
        kind=one.entry.kind,
        decided=one.entry.decided,
        entry=_entry(one.entry),
    )


def _entry(entry: j.Entry) -> dict[str, Any]:
    """The entry's fields that say something, with instants and words instead of numbers."""
    fields = _fields(entry)
    if isinstance(entry, j.Alerts):
        fields["fired"] = [_readable(_fields(one), _INSTANTS["fired"]) for one in entry.fired]
    return _readable(fields, _INSTANTS[entry.kind])


def _fields(thing: Any) -> dict[str, Any]:
    return {one.name: getattr(thing, one.name) for one in dataclasses.fields(thing)}


def _readable(fields: Mapping[str, Any], instants: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Impact | Status):
            found[name] = value.name
        elif name in instants and value is not None:
            found[name] = to_iso(value)
        elif value not in (None, "", (), {}):
            found[name] = value
    return found


def alert(row: EpisodeRow, number: int | None) -> m.Alert:
    return m.Alert(
        source=row.source,
        fingerprint=row.fingerprint,
        starts_at=to_iso(row.starts_at),
        status="firing" if row.firing else "resolved",
        labels=row.labels,
        incident=incident_id(number),
    )


def delivery(row: Delivery, number: int | None) -> m.Delivery:
    return m.Delivery(**_delivery_head(row, number))


def _delivery_head(row: Delivery, number: int | None) -> dict[str, Any]:
    reference = msgspec.json.decode(row.ref, type=Ref) if row.ref is not None else None
    return {
        "id": row.id,
        "incident": incident_id(number),
        "update": row.update,
        "channel": row.channel,
        "state": row.state,
        "attempts": row.attempts,
        "reference": m.Reference(ids=dict(reference.ids), url=reference.url) if reference else None,
        "edits": row.edits,
    }


def whole_delivery(row: Delivery, number: int | None) -> m.WholeDelivery:
    return m.WholeDelivery(
        **_delivery_head(row, number),
        key=row.key,
        audience=cast("Any", row.audience.value),
        recipient=row.recipient,
        created_at=to_iso(row.created_at),
        not_before=to_iso(row.not_before),
        attempted_at=moment(row.attempted_at),
        reason=row.reason,
        detail=row.detail,
        payload=msgspec.json.decode(row.payload),
    )


def rules_in_force(rules: RuleSet) -> m.Rules:
    return m.Rules(
        version=rules.version,
        files=[name for name, _ in rules.sources],
        routes=[_route(one) for one in rules.routes],
        plans=list(rules.plans),
        channels=[one.id for one in rules.channels.values() if one.configured],
        components=list(rules.components),
        notices=list(rules.notices),
    )


def _route(route: Route) -> m.RouteItem:
    return m.RouteItem(
        id=route.id,
        matchers=list(route.matchers),
        group_by=list(route.group_by),
        continues=route.go_on,
        hold_for=durations.show(route.hold_for),
        plan=route.plan,
    )
