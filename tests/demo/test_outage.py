"""The recorded outage: real bodies that the real parser takes, moved to another time without harm."""

from __future__ import annotations

import json

import pytest

from daemon.core.clock import DAY, MINUTE, SECOND
from daemon.demo.outage import NEVER, Outage, load
from daemon.intake.registry import PARSERS

START = 1_798_797_600_000
OUTAGE = load()


@pytest.fixture
def outage() -> Outage:
    return OUTAGE


@pytest.mark.parametrize("number", range(len(OUTAGE.webhooks)))
def test_recorded_bodies_parse(outage: Outage, number: int) -> None:
    """The daemon's own parser takes every recorded body whole, as it came and moved."""
    one = outage.webhooks[number]
    for body in (one.body, outage.at(one, START)):
        report = PARSERS["alertmanager"](body, "alertmanager", START)
        assert len(report.alerts) == len(json.loads(one.body)["alerts"])
        assert not report.notes


def test_it_grows_and_recovers(outage: Outage) -> None:
    """One alert, then two, then three; at the end none fires."""
    firing = [
        sum(alert["status"] == "firing" for alert in json.loads(one.body)["alerts"])
        for one in outage.webhooks
    ]
    assert firing == [1, 2, 3, 3, 2, 1, 0]


def test_it_lasts_longer_than_the_two_hour_post_waits(outage: Outage) -> None:
    """Stretched, the alerts fire beyond `for` 2m + 2h + a veto window of 5m, and not for ever."""
    assert 127 * MINUTE < outage.length < 145 * MINUTE
    spans = [one.after for one in outage.webhooks]
    assert spans == sorted(spans)
    assert spans[0] == 0


def test_times_move_with_the_outage(outage: Outage) -> None:
    """What began before the first webhook still does, and no end lies before its start."""
    for one in outage.webhooks:
        report = PARSERS["alertmanager"](outage.at(one, START), "alertmanager", START)
        for alert in report.alerts:
            assert START - 2 * MINUTE < alert.starts_at <= START + one.after
        for written in json.loads(outage.at(one, START))["alerts"]:
            assert written["endsAt"] == NEVER or written["endsAt"] > written["startsAt"]


def test_moving_changes_times_alone(outage: Outage) -> None:
    """An outage that is moved by a day differs in its times and in nothing else."""
    for one in outage.webhooks:
        before, after = (json.loads(outage.at(one, START + shift)) for shift in (0, DAY))
        for body in (before, after):
            for alert in body["alerts"]:
                alert["startsAt"] = alert["endsAt"] = ""
        assert before == after


def test_the_first_alert_is_seconds_old(outage: Outage) -> None:
    """The first webhook comes as Alertmanager's group_wait has it: about half a minute after the start."""
    first = PARSERS["alertmanager"](outage.at(outage.webhooks[0], START), "alertmanager", START).alerts[0]
    assert 10 * SECOND < START - first.starts_at < MINUTE
