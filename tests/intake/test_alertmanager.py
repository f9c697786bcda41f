"""Alertmanager's bodies as they really come, and what may differ in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from daemon.core.alert import Alert, Report
from daemon.core.clock import from_datetime, to_iso
from daemon.intake import alertmanager, exact
from daemon.intake.alertmanager_pieces import Pieces
from tests.intake.bodies import NAMES, NOW, alert, body, recorded


def parse(text: bytes) -> Report:
    return alertmanager.parse(text, "am", NOW)


def only(**changes: Any) -> Alert:
    report = parse(body(alert(**changes)))
    assert len(report.alerts) == 1
    return report.alerts[0]


def test_a_recorded_firing_body_is_understood_in_full() -> None:
    """Every field of a real body arrives in the alert it belongs to."""
    report = parse(recorded("firing"))
    first, second = report.alerts
    assert report.hint == '{}:{alertname="CheckoutDown", cluster="eu-1"}'
    assert (report.truncated, report.notes) == (0, [])
    assert (first.source, first.fingerprint, first.firing) == ("am", "6fcd9c6e0d7e4637", True)
    assert to_iso(first.starts_at) == "2026-11-23T05:56:02.198Z"
    assert first.labels["instance"] == "shop-1.example.com:443"
    assert (
        json.loads(first.annotations)["description"] == "p99 > 5 s & errors < 100%, naïve café – see runbook"
    )
    assert first.link.endswith("probe_success+%3D%3D+0&g0.tab=1")
    assert (first.ends_at, first.flags) == (None, ())
    assert second.fingerprint == "aeb067431082231c"


def test_state_is_each_alerts_own() -> None:
    """A group that still fires may carry an alert that is resolved."""
    resolved, firing = parse(recorded("partly_resolved")).alerts
    assert not resolved.firing
    assert resolved.ends_at is not None
    assert resolved.ends_at > resolved.starts_at
    assert firing.firing
    assert firing.ends_at is None


def test_truncation_is_told() -> None:
    """The number of alerts that max_alerts cut off is in the report."""
    report = parse(recorded("truncated"))
    assert (len(report.alerts), report.truncated) == (2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_reader_takes_real_bodies(name: str) -> None:
    """What Alertmanager writes needs no second, slower reading."""
    assert alertmanager._quick(recorded(name), "am") is not None


@pytest.mark.parametrize("name", NAMES)
def test_both_readers_agree_on_real_bodies(name: str) -> None:
    """Which of the readers took a body cannot be told from its report."""
    careful = Pieces("am", NOW).report(exact.read(recorded(name)))
    assert alertmanager._quick(recorded(name), "am") == careful


def test_newer_fields_of_alertmanager_stay_on_the_quick_way() -> None:
    """Versions 0.32 and 0.34 add fields that must not cost speed."""
    newer = body(alert(), notification_reason="new alerts added", routeLabels={"team": "shop"})
    assert alertmanager._quick(newer, "am") is not None


def test_unknown_fields_are_passed_over() -> None:
    """What a later version adds, at any level, costs no alert."""
    report = parse(body({**alert(), "new": [1, {"a": None}]}, newer={"deep": [[]]}))
    assert [one.fingerprint for one in report.alerts] == ["6fcd9c6e0d7e4637"]
    assert report.notes == []


def test_an_unknown_version_is_read_and_noted() -> None:
    """Version 5 may be read wrongly, so a person is told."""
    report = parse(body(alert(), version="5"))
    assert len(report.alerts) == 1
    assert report.notes == ["version: '5' is not known; read as version 4"]


def test_white_space_and_byte_order_mark_are_no_reason_to_refuse() -> None:
    """Other senders pretty-print and some put a mark in front."""
    text = json.dumps(json.loads(body(alert())), indent=2).encode()
    assert parse(b"\xef\xbb\xbf" + text).alerts == parse(body(alert())).alerts


def test_optional_fields_may_be_missing() -> None:
    """Labels alone make an alert; what had to be made up is flagged."""
    report = parse(b'{"alerts":[{"labels":{"alertname":"A"}}]}')
    (found,) = report.alerts
    assert found.firing
    assert found.starts_at == NOW
    assert found.flags == ("derived", "undated")
    assert (found.annotations, found.link, found.ends_at) == (b"{}", "", None)


def test_a_missing_fingerprint_is_the_same_whenever_the_labels_are() -> None:
    """A derived fingerprint depends on the set of labels and on nothing else."""
    first = only(fingerprint=..., labels={"a": "1", "b": "2"}, startsAt="2026-01-01T00:00:00Z")
    second = only(fingerprint="", labels={"b": "2", "a": "1"})
    other = only(fingerprint=..., labels={"a": "1", "b": "3"})
    assert first.fingerprint == second.fingerprint != other.fingerprint


@pytest.mark.parametrize("given", ["x" * 1000, "a\x00b", "a\u202eb"])
def test_a_fingerprint_that_cannot_be_kept_is_hashed_not_cut(given: str) -> None:
    """Two long fingerprints with the same beginning stay two."""
    assert len(only(fingerprint=given).fingerprint) == 16
    assert only(fingerprint=given).fingerprint != only(fingerprint=given + "y").fingerprint


def test_null_alerts_are_none() -> None:
    """Go writes an empty list as null."""
    assert parse(body(alerts=None)).alerts == []


@pytest.mark.parametrize(
    ("status", "overall", "ends_at", "firing"),
    [
        ("resolved", "firing", "2026-11-23T06:00:00Z", False),
        (..., "resolved", "2026-11-23T06:00:00Z", False),
        (..., ..., "2026-11-23T06:00:00Z", False),
        (..., ..., "2099-01-01T00:00:00Z", True),
        (..., ..., "0001-01-01T00:00:00Z", True),
        (7, "resolved", "2026-11-23T06:00:00Z", True),
        ("suppressed", "resolved", "2026-11-23T06:00:00Z", True),
    ],
)
def test_only_what_says_so_is_resolved(status: Any, overall: Any, ends_at: str, firing: bool) -> None:
    """A doubt about the state must never end an incident."""
    report = parse(body(alert(status=status, endsAt=ends_at), status=overall))
    assert report.alerts[0].firing is firing


def test_a_firing_alert_has_no_end() -> None:
    """The end that Prometheus foresees for a firing alert is no end."""
    assert only(endsAt="2099-01-01T00:00:00Z").ends_at is None


@pytest.mark.parametrize(
    ("value", "truncated"),
    [(0, 0), (3, 3), (None, 0), (-1, 1), ("many", 1), (True, 1), (1.5, 1), (10**19, 10**19)],
)
def test_a_doubtful_truncation_counts_as_one(value: Any, truncated: int) -> None:
    """A body that may have been cut must not resolve anything."""
    assert parse(body(alert(), truncatedAlerts=value)).truncated == truncated


def test_a_start_that_cannot_be_read_is_the_receipt() -> None:
    """Without a start the alert is taken now, and says so."""
    found = only(startsAt="yesterday")
    assert (found.starts_at, found.flags) == (NOW, ("undated",))


def test_instants_are_exact_to_the_millisecond() -> None:
    """Fractions are cut, never rounded by floating point: episodes are found again by their start."""
    for millisecond in range(1000):
        found = only(startsAt=f"2026-11-23T05:56:02.{millisecond:03d}999999Z")
        assert found.starts_at % 1000 == millisecond


def test_offsets_are_one_instant() -> None:
    """The same moment in another zone is the same episode."""
    assert (
        only(startsAt="2026-11-23T07:56:02+02:00").starts_at
        == only(startsAt="2026-11-23T05:56:02Z").starts_at
    )


@pytest.mark.parametrize("link", ["javascript:alert(1)", "/graph", "data:text/html,x", 7])
def test_links_lead_to_the_web_or_nowhere(link: Any) -> None:
    """A link that could run code never reaches a page."""
    assert only(generatorURL=link).link == ""


def test_clock_of_the_core_agrees() -> None:
    """A start on a whole second is what the core makes of the same date."""
    assert only(startsAt="2026-11-23T05:56:02Z").starts_at == from_datetime(
        datetime(2026, 11, 23, 5, 56, 2, tzinfo=UTC)
    )
