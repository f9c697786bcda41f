"""The questions of /api/v1; all answers are of committed data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daemon.core.errors import NotFound
from daemon.core.fold import fold_all
from daemon.core.store import GroupRow
from daemon.lab.recorded import episodes_of, recorded
from daemon.service.desk import Desk
from daemon.service.views import stored_view
from daemon.web import api_models as m
from daemon.web import api_views as views
from daemon.web.api_input import delivery_number, incident_number
from daemon.web.api_route import Call, Operation


class Reads:
    """Lists and single things."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.store = desk.store

    def operations(self) -> list[Operation]:
        incident, delivery = "INC-42", "17"
        return [
            Operation("GET", "/incidents", self.list_incidents, "Incidents, newest first",
                      m.Incidents, query=m.IncidentQuery),
            Operation("GET", "/incidents/{id}", self.show_incident, "One incident with all that was said",
                      m.WholeIncident, id_form=incident),
            Operation("GET", "/incidents/{id}/journal", self.list_journal, "Its journal, oldest first",
                      m.Journal, query=m.Page, id_form=incident),
            Operation("GET", "/incidents/{id}/scenario", self.show_scenario,
                      "What came in at it, to be played again", m.RecordedScenario, id_form=incident),
            Operation("GET", "/alerts", self.list_alerts, "Alerts, newest first",
                      m.Alerts, query=m.AlertQuery),
            Operation("GET", "/deliveries", self.list_deliveries, "Deliveries, newest first",
                      m.Deliveries, query=m.DeliveryQuery),
            Operation("GET", "/deliveries/{id}", self.show_delivery, "One delivery with its payload",
                      m.WholeDelivery, id_form=delivery),
            Operation("GET", "/rules", self.show_rules, "The rules that new incidents follow", m.Rules),
        ]  # fmt: skip

    async def list_incidents(self, call: Call) -> m.Incidents:
        asked: m.IncidentQuery = call.query
        phases = {"open"} if asked.status == "open" else ()
        page = await self.store.incidents(asked.limit, asked.cursor, phases)
        components = await self._components(page.items)
        items = [views.incident(row, components[row.id]) for row in page.items]
        return m.Incidents(items, _cursor(page.next))

    async def _components(self, rows: Sequence[GroupRow]) -> dict[int, Sequence[str]]:
        """What each incident is about; one that is not on the page says so in its journal alone."""
        found: dict[int, Sequence[str]] = {}
        for row in rows:
            view, state = stored_view(row), self.desk.memory.states.get(row.id)
            if state is not None and state.sequence == row.sequence:
                found[row.id] = state.components
            elif view is not None:
                found[row.id] = view.components
        journals = await self.store.journals([row.id for row in rows if row.id not in found])
        return found | {group: fold_all(group, journal).components for group, journal in journals.items()}

    async def show_incident(self, call: Call) -> m.WholeIncident:
        group = await self._group(call.name)
        journal = await self.store.journal(group.id)
        return views.whole_incident(fold_all(group.id, journal), journal, self.desk.book.current)

    async def list_journal(self, call: Call) -> m.Journal:
        asked: m.Page = call.query
        group = await self._group(call.name)
        entries = await self.store.journal(group.id, asked.cursor or 0, asked.limit + 1)
        shown = entries[: asked.limit]
        more = shown[-1].sequence if len(entries) > asked.limit else None
        return m.Journal([views.journal_item(one) for one in shown], _cursor(more))

    async def show_scenario(self, call: Call) -> m.RecordedScenario:
        group = await self._group(call.name)
        journal = await self.store.journal(group.id)
        episodes = await self.store.episodes(episodes_of(journal))
        stored = await self.store.rules_by_version(group.rules)
        files = stored.sources if stored is not None else ()
        name = f"INC-{group.number}: {group.title}"
        return m.RecordedScenario(
            scenario=recorded(name, [file for file, _ in files], journal, episodes),
            version=group.rules,
            rules=[m.RuleFile(file=file, text=text) for file, text in files],
        )

    async def list_alerts(self, call: Call) -> m.Alerts:
        asked: m.AlertQuery = call.query
        firing = None if asked.status == "all" else asked.status == "firing"
        page = await self.store.alerts(asked.limit, asked.cursor, firing=firing)
        numbers = await self._numbers(row.group for row in page.items)
        return m.Alerts([views.alert(row, numbers[row.group]) for row in page.items], _cursor(page.next))

    async def list_deliveries(self, call: Call) -> m.Deliveries:
        asked: m.DeliveryQuery = call.query
        group = (await self._group(asked.incident)).id if asked.incident is not None else None
        states = () if asked.state is None else {asked.state}
        page = await self.store.deliveries(
            asked.limit, asked.cursor, group=group, channel=asked.channel, states=states
        )
        numbers = await self._numbers(row.group for row in page.items)
        items = [views.delivery(row, numbers[row.group]) for row in page.items]
        return m.Deliveries(items, _cursor(page.next))

    async def show_delivery(self, call: Call) -> m.WholeDelivery:
        number = delivery_number(call.name)
        page = await self.store.deliveries(1, number + 1)
        if not page.items or page.items[0].id != number:
            raise NotFound(f"there is no delivery {number}")
        row = page.items[0]
        return views.whole_delivery(row, (await self._numbers([row.group]))[row.group])

    async def show_rules(self, call: Call) -> m.Rules:
        del call  # it asks nothing
        return views.rules_in_force(self.desk.book.current)

    async def _group(self, name: str) -> GroupRow:
        number = incident_number(name)
        row = await self.store.group_by_number(number)
        if row is None:
            raise NotFound(f"there is no INC-{number}")
        return row

    async def _numbers(self, groups: Iterable[int]) -> dict[int, int | None]:
        """The incident numbers of groups."""
        found: dict[int, int | None] = {}
        for group in sorted(set(groups)):
            row = await self.store.group_by_id(group)
            found[group] = row.number if row is not None else None
        return found


def _cursor(value: int | None) -> str | None:
    return str(value) if value is not None else None
