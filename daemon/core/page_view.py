"""What the public page shows, as plain data: the contract between services and the page.

Services fill these from the store, ``daemon.page`` turns them into bytes.
Every text is plain and already fit for the public; nothing internal may enter.
Equal views render to equal bytes, so a service may hand over the same objects
again and only what differs is rendered again.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.clock import Instant
from daemon.core.words import ComponentStatus

ComponentChange = tuple[str, str, ComponentStatus, ComponentStatus]
"""Component id, its name, status before, status after."""


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One part of the service.  ``id`` is the rule files' name for it and is never shown."""

    id: str
    name: str
    group: str = ""
    description: str = ""
    status: ComponentStatus = ComponentStatus.operational
    changed_at: Instant = 0
    created_at: Instant = 0  # 0: not known, ``changed_at`` stands in


@dataclass(frozen=True, slots=True)
class UpdateView:
    """One public statement.  ``id`` has 12 characters [a-z0-9]; ``body`` may hold newlines."""

    id: str
    status: str
    body: str
    at: Instant
    by_person: bool = False
    components: tuple[ComponentChange, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident with all its public updates, newest first.

    ``public_id`` has 12 characters [a-z0-9].  ``ended`` is empty while it is
    open, else ``resolved``, ``retracted`` or ``merged`` (then ``merged_into``
    names the incident that took it over, if that one is public).
    """

    public_id: str
    title: str
    status: str
    impact: str
    components: tuple[str, ...]
    started_at: Instant
    opened_at: Instant
    updated_at: Instant
    monitoring_at: Instant | None = None
    resolved_at: Instant | None = None
    ended: str = ""
    merged_into: str = ""
    updates: tuple[UpdateView, ...] = ()
    next_update_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole public page at one moment.

    ``components`` in the order of the configuration; incidents newest first.
    ``updated_at`` is the last change of anything shown, ``generated_at`` the
    moment at which this view was known to be true.
    """

    name: str
    url: str
    time_zone: str = "UTC"
    description: str = ""
    components: tuple[ComponentView, ...] = ()
    open_incidents: tuple[IncidentView, ...] = ()
    past_incidents: tuple[IncidentView, ...] = ()
    updated_at: Instant = 0
    generated_at: Instant = 0
