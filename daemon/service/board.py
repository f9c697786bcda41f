"""The public page as data: components with their state, open incidents, history."""

from __future__ import annotations

from daemon.core.clock import Instant
from daemon.core.page_view import ComponentView, IncidentView, PageView
from daemon.core.store import GroupRow
from daemon.core.words import COMPONENT_STATUS_OF_IMPACT, ComponentStatus, Impact
from daemon.service.desk import Desk
from daemon.service.views import stored_view

HISTORY = 500
"""Incidents kept on the page."""


class Board:
    """Builds the page's view from what is committed; remembers what did not change."""

    def __init__(self, desk: Desk, description: str = "") -> None:
        self.desk = desk
        self.description = description
        self._views: dict[int, tuple[int, IncidentView | None]] = {}
        self._changed: dict[str, tuple[ComponentStatus, Instant]] = {}

    async def view(self) -> PageView:
        """The whole page as it is to be shown now."""
        now = self.desk.clock.now()
        rules = self.desk.book.current
        rows = {row.id: row for row in (await self.desk.store.history(0, HISTORY)).items}
        rows |= {row.id: row for row in await self.desk.store.open_groups() if row.number}
        newest_first = sorted(rows.values(), key=lambda row: row.number or 0, reverse=True)
        shown = [view for view in map(self._view, newest_first) if view is not None]
        open_ones = tuple(view for view in shown if not view.ended)
        past = tuple(view for view in shown if view.ended)
        return PageView(
            name=rules.site.name,
            url=rules.site.url,
            time_zone=rules.site.time_zone,
            description=self.description,
            components=self._components(open_ones, now),
            open_incidents=open_ones,
            past_incidents=past,
            updated_at=max((view.updated_at for view in shown), default=0),
            generated_at=now,
        )

    def _view(self, row: GroupRow) -> IncidentView | None:
        """The row's view, decoded once per change: equal objects let the page skip what it has."""
        known = self._views.get(row.id)
        if known is None or known[0] != row.sequence:
            known = self._views[row.id] = (row.sequence, stored_view(row))
        return known[1]

    def _components(self, incidents: tuple[IncidentView, ...], now: Instant) -> tuple[ComponentView, ...]:
        worst: dict[str, Impact] = {}
        for incident in incidents:
            for name in incident.components:
                worst[name] = max(worst.get(name, Impact.none), Impact[incident.impact])
        views = []
        for component in self.desk.book.current.components.values():
            status = COMPONENT_STATUS_OF_IMPACT[worst.get(component.id, Impact.none)]
            before = self._changed.get(component.id)
            changed = before[1] if before is not None and before[0] is status else now
            self._changed[component.id] = (status, changed)
            views.append(
                ComponentView(
                    component.id, component.name, component.group, component.description, status, changed
                )
            )
        return tuple(views)
