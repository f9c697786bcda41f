"""Bodies to parse: recorded ones and the pieces to build others from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"
NAMES = ("firing", "partly_resolved", "resolved", "truncated")
NOW = 1_798_797_600_000


def recorded(name: str) -> bytes:
    """What Alertmanager 0.25.0 sent to a webhook on this machine."""
    return (RECORDED / f"{name}.json").read_bytes()


def alert(**changes: Any) -> dict[str, Any]:
    """One alert as Alertmanager writes it; ``...`` as a value leaves the field out."""
    fields = {
        "status": "firing",
        "labels": {"alertname": "CheckoutDown", "severity": "critical"},
        "annotations": {"summary": "down"},
        "startsAt": "2026-11-23T05:56:02.198462567Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph?a=1&b=2",
        "fingerprint": "6fcd9c6e0d7e4637",
    } | changes
    return {name: value for name, value in fields.items() if value is not ...}


def body(*alerts: Any, **changes: Any) -> bytes:
    """A whole body, spelled as Go's encoder spells it; ``...`` leaves a field out."""
    fields = {
        "receiver": "tocsin",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "CheckoutDown"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "version": "4",
        "groupKey": '{}:{alertname="CheckoutDown"}',
        "truncatedAlerts": 0,
    } | changes
    kept = {name: value for name, value in fields.items() if value is not ...}
    text = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    for character, escape in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(character, escape)
    return text.encode("utf-8", "surrogatepass") + b"\n"
