"""The JSON has exactly the shape that Statuspage's clients read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from daemon.core.page_view import PageView
from daemon.core.words import ComponentStatus
from daemon.page.render import render
from daemon.page.statuspage import short_id
from tests.page.sample import CALM, OPEN, PAST, TROUBLE, with_status
from tests.page.schema import DOCUMENTS


def document(view: PageView, path: str) -> Any:
    found = render(view).get(path)
    assert found is not None
    return json.loads(found.body)


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("view", [CALM, TROUBLE, PageView("", "")], ids=["calm", "trouble", "empty"])
def test_each_document_has_the_fields_of_the_schema_and_no_others(view: PageView, path: str) -> None:
    """Every document is valid for a calm, a troubled and an empty page."""
    jsonschema.validate(document(view, path), DOCUMENTS[path])


def test_summary_holds_open_incidents_with_updates_newest_first() -> None:
    """The summary says what is wrong, with times to the millisecond."""
    summary = document(TROUBLE, "/api/v2/summary.json")
    [incident] = summary["incidents"]
    assert (incident["id"], incident["status"], incident["impact"]) == (OPEN.public_id, "identified", "major")
    assert [item["status"] for item in incident["incident_updates"]] == [
        "identified",
        "investigating",
        "investigating",
    ]
    assert incident["incident_updates"][2]["created_at"] == "2026-11-21T13:22:11.000Z"
    assert [part["name"] for part in incident["components"]] == ["Checkout", "Payments API"]
    assert incident["shortlink"] == "https://status.larkfield.example/incidents/k3v9x2m7qa41"
    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}


def test_a_group_row_names_its_members_and_carries_the_worst_status() -> None:
    """Groups stand before their members, which point back to them."""
    rows = document(TROUBLE, "/api/v2/components.json")["components"]
    group = next(row for row in rows if row["name"] == "For partners")
    members = [row for row in rows if row["group_id"] == group["id"]]
    assert group["group"]
    assert group["status"] == "degraded_performance"
    assert group["components"] == [row["id"] for row in members]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_group_may_be_named_like_a_component() -> None:
    """Two things with one name stay two rows with two ids."""
    parts = (replace(TROUBLE.components[0], id="Same", name="Same", group="Same"),)
    rows = document(replace(TROUBLE, components=parts), "/api/v2/components.json")["components"]
    assert [row["group"] for row in rows] == [True, False]
    assert rows[0]["id"] != rows[1]["id"]


def test_ids_are_the_same_on_every_machine() -> None:
    """A component's id depends on nothing but its name in the rule files."""
    assert short_id("component", "checkout") == "c4kma37nsgph"


def test_what_ended_without_a_resolution_is_resolved_for_statuspage_clients() -> None:
    """Retracted and merged have no word there: resolved, at their last word."""
    gone = replace(PAST[0], ended="retracted", status="investigating", resolved_at=None)
    view = replace(CALM, past_incidents=(gone,))
    [incident] = document(view, "/api/v2/incidents.json")["incidents"]
    assert incident["status"] == "resolved"
    assert incident["resolved_at"] == incident["updated_at"]


def test_incidents_are_the_most_recent_fifty_open_ones_included() -> None:
    """The list is cut at Statuspage's length, newest first."""
    past = tuple(
        replace(PAST[0], public_id=f"{number:012}", opened_at=PAST[0].opened_at - number)
        for number in range(80)
    )
    found = document(replace(TROUBLE, past_incidents=past), "/api/v2/incidents.json")["incidents"]
    assert len(found) == 50
    assert found[0]["id"] == OPEN.public_id
    assert found[1]["id"] == "000000000000"


@pytest.mark.parametrize(
    ("statuses", "impact", "expected"),
    [
        ({}, "none", ("none", "All Systems Operational")),
        ({}, "critical", ("critical", "Major System Outage")),
        ({"search": ComponentStatus.degraded_performance}, "none", ("minor", "Degraded Performance")),
        ({"search": ComponentStatus.major_outage}, "minor", ("critical", "Major System Outage")),
        ({"search": ComponentStatus.under_maintenance}, "none", ("maintenance", "Service Under Maintenance")),
    ],
    ids=["nothing", "incident decides", "component decides", "the worse of both", "maintenance"],
)
def test_the_worst_component_or_incident_decides(
    statuses: dict[str, ComponentStatus], impact: str, expected: tuple[str, str]
) -> None:
    """The indicator is the worst of all; an incident without impact is no outage."""
    view = replace(CALM, components=with_status(**statuses), open_incidents=(replace(OPEN, impact=impact),))
    status = document(view, "/api/v2/status.json")["status"]
    assert (status["indicator"], status["description"]) == expected


def test_everything_down_is_said_in_these_words() -> None:
    """No word makes it small when nothing works."""
    parts = tuple(replace(part, status=ComponentStatus.major_outage) for part in CALM.components)
    status = document(replace(CALM, components=parts), "/api/v2/status.json")["status"]
    assert status == {"indicator": "critical", "description": "All Systems Down"}
