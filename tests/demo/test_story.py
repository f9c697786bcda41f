"""The story's words: what is new in a webhook, whole sets of mails, refusals told once."""

from __future__ import annotations

import json

import pytest

from daemon.core.clock import FakeClock
from daemon.demo.stand_in import Ledger
from daemon.demo.story import Event, Story


def body(**alerts: str) -> bytes:
    """Each alert by its fingerprint: `firing` or `resolved`."""
    shown = [
        {"fingerprint": name, "status": status, "annotations": {"summary": f"{name} is bad"}}
        for name, status in alerts.items()
    ]
    return json.dumps({"alerts": shown}).encode()


@pytest.fixture
def story() -> Story:
    return Story(0, recipients=2)


def test_a_webhook_is_told_by_what_is_new(story: Story) -> None:
    """More alerts, the same again, some gone, all gone: each reads differently."""
    for alerts in (
        {"a": "firing"},
        {"a": "firing", "b": "firing", "c": "firing"},
        {"a": "firing", "b": "firing", "c": "firing"},
        {"a": "resolved", "b": "firing", "c": "firing"},
        {"a": "resolved", "b": "resolved", "c": "resolved"},
    ):
        story.webhook(1, body(**alerts))
    assert [event.title for event in story.events] == [
        "1 alert fires",
        "2 more alerts fire",
        "Alertmanager repeats itself: nothing new, nothing said",
        "1 alert has recovered, 2 still fire",
        "all alerts have recovered",
    ]
    assert story.events[1].words == "b is bad; c is bad"


def test_mails_are_told_when_all_have_theirs(story: Story) -> None:
    """One of two recipients is no news; the second completes the set."""
    ledger = Ledger("subscribers", FakeClock(), story)
    ledger.take("words", "<1@example.com>", to="a@example.com", title="Down")
    assert story.events == []
    ledger.take("words", "<1@example.com>", to="b@example.com", title="Down")
    assert [event.title for event in story.events] == ["2 mails: a post"]


def test_a_refusal_is_told_once(story: Story) -> None:
    """A service that says no every five minutes is one line."""
    heard: list[Event] = []
    story.listeners.append(heard.append)
    ledger = Ledger("x", FakeClock(), story, refuses=True)
    ledger.refuse()
    ledger.refuse()
    assert [event.kind.value for event in heard] == ["trouble"]
