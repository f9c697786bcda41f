"""Statuspage's public JSON as JSON Schema, written from the field lists in the interface notes."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
ID: Schema = {"type": "string", "pattern": "^[a-z0-9]{12}$"}
TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COMPONENT_STATUS: Schema = {
    "enum": ["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]
}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def exact(_optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in _optional],
        "additionalProperties": False,
    }


def some(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


PAGE = exact(id=ID, name=TEXT, url=TEXT, time_zone=TEXT, updated_at=TIME)
STATUS = exact(indicator={"enum": ["none", "minor", "major", "critical", "maintenance"]}, description=TEXT)
COMPONENT = exact(
    ("components",),
    id=ID,
    name=TEXT,
    status=COMPONENT_STATUS,
    created_at=TIME,
    updated_at=TIME,
    position={"type": "integer", "minimum": 1},
    description=maybe(TEXT),
    showcase=FLAG,
    start_date=maybe(TEXT),
    group_id=maybe(ID),
    page_id=ID,
    group=FLAG,
    only_show_if_degraded=FLAG,
    components=some(ID),
)
INCIDENT_STATUS: Schema = {"enum": ["investigating", "identified", "monitoring", "resolved"]}
UPDATE = exact(
    id=ID,
    status=INCIDENT_STATUS,
    body=TEXT,
    incident_id=ID,
    created_at=TIME,
    updated_at=TIME,
    display_at=TIME,
    affected_components=maybe(
        some(exact(code=ID, name=TEXT, old_status=COMPONENT_STATUS, new_status=COMPONENT_STATUS))
    ),
    deliver_notifications=FLAG,
    custom_tweet=maybe(TEXT),
    tweet_id=maybe(TEXT),
)
INCIDENT = exact(
    id=ID,
    name=TEXT,
    status=INCIDENT_STATUS,
    created_at=TIME,
    updated_at=TIME,
    monitoring_at=maybe(TIME),
    resolved_at=maybe(TIME),
    impact={"enum": ["none", "minor", "major", "critical"]},
    shortlink=TEXT,
    started_at=TIME,
    page_id=ID,
    incident_updates=some(UPDATE),
    components=some(COMPONENT),
)

DOCUMENTS: dict[str, Schema] = {
    "/api/v2/summary.json": exact(
        page=PAGE,
        status=STATUS,
        components=some(COMPONENT),
        incidents=some(INCIDENT),
        scheduled_maintenances={"type": "array"},
    ),
    "/api/v2/status.json": exact(page=PAGE, status=STATUS),
    "/api/v2/components.json": exact(page=PAGE, components=some(COMPONENT)),
    "/api/v2/incidents.json": exact(page=PAGE, incidents=some(INCIDENT)),
    "/api/v2/incidents/unresolved.json": exact(page=PAGE, incidents=some(INCIDENT)),
}
