"""A group's state as the page and the lists show it."""

from __future__ import annotations

import base64
import hashlib

import msgspec

from daemon.core.clock import Instant
from daemon.core.group import Group, PageUpdate
from daemon.core.page_view import IncidentView, UpdateView
from daemon.core.store import GroupRow
from daemon.core.words import COMPONENT_STATUS_OF_IMPACT, ComponentStatus
from rules.model import RuleSet

_decoder = msgspec.json.Decoder(IncidentView)


def public_name(*parts: str) -> str:
    """12 lower-case letters and digits that tell nothing about what they were made from."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest)[:12].decode().lower()


def incident_view(state: Group, rules: RuleSet) -> IncidentView | None:
    """What the page shows of a group; None while customers know nothing of it."""
    if not state.page_told or state.shadow or state.opened_at is None:
        return None
    updates = _updates(state, rules)
    return IncidentView(
        public_id=state.public_id,
        title=state.title,
        status=state.status.name,
        impact=state.impact.name,
        components=state.components,
        started_at=min(state.started_at or state.opened_at, state.opened_at),
        opened_at=state.opened_at,
        updated_at=state.updates[-1].at,
        monitoring_at=state.monitoring_at or None,
        resolved_at=state.resolved_at,
        ended=("retracted" if state.retracted else "resolved") if state.resolved_at is not None else "",
        updates=tuple(reversed(updates)),
        next_update_at=state.promise if state.phase == "open" else None,
    )


def _updates(state: Group, rules: RuleSet) -> list[UpdateView]:
    shown: dict[str, ComponentStatus] = {}
    return [
        UpdateView(
            id=public_name(state.public_id, update.id),
            status=update.status.name,
            body=update.text,
            at=update.at,
            by_person=update.by_person,
            components=_changes(update, shown, rules),
        )
        for update in state.updates
    ]


def _changes(
    update: PageUpdate, shown: dict[str, ComponentStatus], rules: RuleSet
) -> tuple[tuple[str, str, ComponentStatus, ComponentStatus], ...]:
    over = update.status.name == "resolved"
    now = ComponentStatus.operational if over else COMPONENT_STATUS_OF_IMPACT[update.impact]
    new = dict.fromkeys(update.components, now)
    changes = []
    for one in dict.fromkeys((*shown, *new)):
        old, status = shown.get(one, ComponentStatus.operational), new.get(one, ComponentStatus.operational)
        if old is not status:
            name = rules.components[one].name if one in rules.components else one
            changes.append((one, name, old, status))
        shown[one] = status
    return tuple(changes)


class Views:
    """Encoded views of live groups: most alerts change nothing that the page shows."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[object, ...], bytes]] = {}

    def encoded(self, state: Group, rules: RuleSet) -> bytes:
        """The view as JSON; made anew when anything that ``incident_view`` looks at has changed."""
        if not state.page_told or state.shadow:
            return b"{}"
        seen = (
            rules.version, state.opened_at, state.title, state.status, state.impact, state.components,
            state.started_at, state.monitoring_at, state.resolved_at, state.retracted, state.promise,
            state.phase, tuple(state.updates),
        )  # fmt: skip
        known = self._known.get(state.id)
        if known is not None and known[0] == seen:
            return known[1]
        view = incident_view(state, rules)
        body = msgspec.json.encode(view) if view is not None else b"{}"
        if state.is_live:
            self._known[state.id] = (seen, body)
        else:
            self._known.pop(state.id, None)
        return body


def group_row(state: Group, due: Instant | None, view: bytes) -> GroupRow:
    """The projection that the store keeps beside the journal."""
    return GroupRow(
        id=state.id,
        public_id=state.public_id,
        route=state.route,
        rules=state.rules,
        phase=state.phase,
        created_at=state.created_at,
        key=tuple(state.labels.items()),
        number=state.number or None,
        title=state.title,
        status=state.status,
        impact=state.impact,
        opened_at=state.opened_at,
        resolved_at=state.resolved_at,
        ended=state.ended,
        next_due=due,
        view=view,
    )


def stored_view(row: GroupRow) -> IncidentView | None:
    """The public view that a projection carries."""
    return _decoder.decode(row.view) if row.view not in {b"", b"{}"} else None
