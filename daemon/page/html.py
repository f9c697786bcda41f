"""The HTML documents: one function for each, Jinja2 with autoescape, data never marked safe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from daemon.core.clock import Instant, to_iso
from daemon.core.page_view import ComponentView, IncidentView, PageView
from daemon.core.promise import broken_at
from daemon.core.words import ComponentStatus
from daemon.page import assets
from daemon.page.history import History, Sheet
from daemon.page.memo import Memo
from daemon.page.state import COMPONENT_INDICATOR, COMPONENT_WORDS, IMPACT_WORDS, RANK, leading, overall
from daemon.page.times import Zone, month_name, span

FULL_CARDS = 20  # open incidents with all their words on the home page
LINES = 80  # further ones with one line each; the history has the rest
RECENT = 8  # past incidents on the home page
FOLD_ABOVE = 24  # with more components than this, groups that are well are folded

SHAPES: dict[str, str] = {
    "none": "operational",
    "maintenance": "under_maintenance",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

Affected = tuple[tuple[str, ComponentStatus | None], ...]
"""Names of components with their status now; None for one that is no longer on the page."""


@dataclass(frozen=True, slots=True)
class ComponentGroup:
    name: str
    members: list[ComponentView]

    @property
    def worst(self) -> ComponentStatus:
        return max((member.status for member in self.members), key=_severity)

    @property
    def troubled(self) -> bool:
        return self.worst is not ComponentStatus.operational


def _severity(status: ComponentStatus) -> int:
    return RANK[COMPONENT_INDICATOR[status]]


def _printable(value: object) -> object:
    """What a template prints: characters that no document may hold become U+FFFD."""
    if isinstance(value, str) and not isinstance(value, Markup) and _UNPRINTABLE.search(value):
        return _UNPRINTABLE.sub("�", value)
    return value


def ended_at(incident: IncidentView) -> Instant:
    """When it was resolved; for a retracted or merged one, its last word."""
    return incident.updated_at if incident.resolved_at is None else incident.resolved_at


@cache
def _environment() -> Environment:
    """Templates are compiled once per process; nothing in here belongs to one page."""
    environment = Environment(
        loader=PackageLoader("daemon.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        iso=to_iso,
        span=span,
        ended_at=ended_at,
        month_name=month_name,
        component_words=COMPONENT_WORDS,
        impact_words=IMPACT_WORDS,
        css=Markup(assets.CSS),  # noqa: S704  # our own file; the hash in the policy is of these bytes
        script=assets.SCRIPT_PATH,
        favicon=assets.favicon("none"),
        here="",
    )
    return environment


class Pages:
    """Documents for one name, address, description and time zone.

    Cards and lines are remembered from one view to the next, so a change
    renders one incident again and joins the rest.
    """

    def __init__(self, view: PageView) -> None:
        self.zone = Zone(view.time_zone)
        self._cards: Memo[Markup] = Memo(4 * FULL_CARDS)
        self._lines: Memo[Markup] = Memo(8_000)
        self._parts: Memo[Markup] = Memo(2_000)

    def home(self, view: PageView) -> str:
        state, lead = overall(view), leading(view.open_incidents)
        names = index(view)
        others = [incident for incident in view.open_incidents if incident is not lead]
        lines = others[FULL_CARDS - 1 : FULL_CARDS - 1 + LINES]
        return self._fill(
            "home.html",
            page=view,
            here="home",
            favicon=assets.favicon(state.indicator),
            state=state,
            shape=SHAPES[state.indicator],
            lead=lead,
            lead_card=self._card(lead, names, view, first=True) if lead else "",
            others=len(others),
            cards=[self._card(incident, names, view) for incident in others[: FULL_CARDS - 1]],
            lines=[self.line(incident, names) for incident in lines],
            unlisted=max(len(others) - FULL_CARDS + 1 - LINES, 0),
            troubled=sum(part.status is not ComponentStatus.operational for part in view.components),
            groups=self._groups(view),
            newest=view.past_incidents[0] if view.past_incidents else None,
            recent=[self.line(incident, names) for incident in view.past_incidents[:RECENT]],
        )

    def incident(self, view: PageView, incident: IncidentView, affected: Affected, merged: str) -> str:
        tone, word = _tone(incident)
        return self._fill(
            "incident.html",
            page=view,
            incident=incident,
            affected=affected,
            late=is_late(incident, view.generated_at),
            merged_title=merged,
            month=self.zone.month_key(incident.opened_at),
            favicon=assets.favicon(tone),
            tone=tone,
            shape=SHAPES[tone],
            word=word,
        )

    def history(self, view: PageView, history: History, sheet: Sheet | None) -> str:
        names = index(view)
        return self._fill(
            "history.html",
            page=view,
            here="history",
            months=history.months,
            month=sheet.month if sheet else "",
            total=sheet.total if sheet else 0,
            sheet=sheet.number if sheet else 1,
            sheets=sheet.of if sheet else 1,
            newer=sheet.newer if sheet else None,
            older=sheet.older if sheet else None,
            lines=[self.line(incident, names) for incident in sheet.incidents] if sheet else [],
        )

    def missing(self, view: PageView) -> str:
        return self._fill("missing.html", page=view)

    def line(self, incident: IncidentView, names: dict[str, ComponentView]) -> Markup:
        """One incident as a row of a list."""
        affected = affected_by(incident, names)
        return self._lines.get(
            incident.public_id,
            (incident, [name for name, _ in affected]),
            lambda: self._piece("list.html", incident=incident, affected=affected),
        )

    def _card(
        self, incident: IncidentView, names: dict[str, ComponentView], view: PageView, *, first: bool = False
    ) -> Markup:
        affected, late = affected_by(incident, names), is_late(incident, view.generated_at)
        return self._cards.get(
            incident.public_id,
            (incident, affected, late, first),
            lambda: self._piece("card.html", incident=incident, affected=affected, late=late, first=first),
        )

    def _groups(self, view: PageView) -> list[Markup]:
        folded = len(view.components) > FOLD_ABOVE
        return [
            self._parts.get(
                group.name,
                (group, folded),
                lambda group=group: self._piece("group.html", group=group, folded=folded),  # type: ignore[misc]  # bound now
            )
            for group in groups(view.components)
        ]

    def _fill(self, template: str, **values: object) -> str:
        return _environment().get_template(template).render(zone=self.zone, **values)

    def _piece(self, template: str, **values: object) -> Markup:
        """A part of a document; what autoescape made of the data is markup from here on."""
        return Markup(self._fill(template, **values))  # noqa: S704  # escaped above


def index(view: PageView) -> dict[str, ComponentView]:
    return {component.id: component for component in view.components}


def affected_by(incident: IncidentView, names: dict[str, ComponentView]) -> Affected:
    """Components of an incident by name; one that left the page keeps the name its updates gave it."""
    told = {code: name for update in incident.updates for code, name, _, _ in update.components}
    found: list[tuple[str, ComponentStatus | None]] = []
    for code in incident.components:
        component = names.get(code)
        if component is not None:
            found.append((component.name, component.status))
        elif code in told:
            found.append((told[code], None))
    return tuple(found)


def is_late(incident: IncidentView, now: Instant) -> bool:
    """Whether a promised update is overdue at ``now``."""
    due = incident.next_update_at
    return due is not None and not incident.ended and now >= broken_at(due)


def groups(components: Sequence[ComponentView]) -> list[ComponentGroup]:
    """Components under their group's name, groups in the order of their first member."""
    found: dict[str, list[ComponentView]] = {}
    for component in components:
        found.setdefault(component.group, []).append(component)
    return [ComponentGroup(name, members) for name, members in found.items()]


def _tone(incident: IncidentView) -> tuple[str, str]:
    """Colour and words of an incident's own page; one that has ended is calm, whatever it was.

    A merged one is not green: what it was part of may still go on.
    """
    if incident.ended == "retracted":
        return "none", "Retracted"
    if incident.ended == "merged":
        return "maintenance", "Continued in another incident"
    if incident.ended:
        return "none", f"Resolved after {span(ended_at(incident) - incident.started_at)}"
    tone = incident.impact if incident.impact in SHAPES else "none"
    return tone, f"{IMPACT_WORDS.get(tone, 'Open')} · {incident.status.capitalize()}"
