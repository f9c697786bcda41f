"""The words and shapes for states: one vocabulary for the page and for its JSON."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.page_view import IncidentView, PageView
from daemon.core.words import ComponentStatus

COMPONENT_WORDS: dict[ComponentStatus, str] = {
    ComponentStatus.operational: "Operational",
    ComponentStatus.degraded_performance: "Degraded performance",
    ComponentStatus.partial_outage: "Partial outage",
    ComponentStatus.major_outage: "Major outage",
    ComponentStatus.under_maintenance: "Under maintenance",
}

COMPONENT_INDICATOR: dict[ComponentStatus, str] = {
    ComponentStatus.operational: "none",
    ComponentStatus.under_maintenance: "maintenance",
    ComponentStatus.degraded_performance: "minor",
    ComponentStatus.partial_outage: "major",
    ComponentStatus.major_outage: "critical",
}

IMPACT_WORDS: dict[str, str] = {
    "none": "No impact on service",
    "minor": "Degraded performance",
    "major": "Partial outage",
    "critical": "Major outage",
}

RANK: dict[str, int] = {"none": 0, "maintenance": 1, "minor": 2, "major": 3, "critical": 4}

HEADLINES: dict[str, str] = {
    "none": "All systems operational",
    "maintenance": "Service under maintenance",
    "minor": "Degraded performance",
    "major": "Partial system outage",
    "critical": "Major system outage",
}


@dataclass(frozen=True, slots=True)
class Overall:
    """The state of everything: Statuspage's indicator and the words for it."""

    indicator: str
    headline: str

    @property
    def description(self) -> str:
        """The headline in the capitals that Statuspage's clients compare with."""
        return self.headline.title()


def worst(indicators: list[str]) -> str:
    """The most serious of several indicators; unknown words count as ``none``."""
    return max(indicators, key=lambda word: RANK.get(word, 0), default="none")


def overall(view: PageView) -> Overall:
    """The worst component or open incident decides; no average, no softening."""
    statuses = {component.status for component in view.components}
    found = [COMPONENT_INDICATOR[status] for status in statuses]
    found += {incident.impact for incident in view.open_incidents if incident.impact in IMPACT_WORDS}
    indicator = worst(found)
    if statuses == {ComponentStatus.major_outage} and len(view.components) > 1:
        return Overall(indicator, "All systems down")
    return Overall(indicator, HEADLINES[indicator])


def leading(incidents: tuple[IncidentView, ...]) -> IncidentView | None:
    """The incident that the banner shows: the worst, and of several the newest."""
    return max(incidents, key=lambda incident: RANK.get(incident.impact, 0), default=None)
