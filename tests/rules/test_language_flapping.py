"""Flapping: a group that opened too often opens on the plan for that, and a person is asked."""

from __future__ import annotations

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.limits import Earlier
from rules.model import RuleSet
from tests.rules.tale import Tale, ruled
from tests.rules.world import START


def flapping(route: str = "for: 1m, keep_firing_for: 5m, monitor_for: 10m") -> RuleSet:
    return ruled(route=route, limits="{ flapping: { opened: 3, within: 1h, plan: internal } }")


def opened_before(*minutes: float) -> Tale:
    """A group whose like opened at those minutes; its own alert fires at 0."""
    tale = Tale(flapping())
    labels = {"component": "checkout"}
    earlier = Earlier(tuple(START + int(minute * MINUTE) for minute in minutes))
    created = j.Created("abcdefghijkl", tale.rules.version, route="services", labels=labels)
    tale.happen(-1, created, earlier)
    return tale.fire(0)


@pytest.mark.parametrize(
    ("minutes", "plan"),
    [((-58.9, -30, -10), "internal"), ((-59, -30, -10), "public"), ((-30, -10), "public"),
     ((-40, -30, -20, -10), "internal")],
    ids=["three in an hour", "the first is an hour old", "two", "four"],
)  # fmt: skip
def test_the_fourth_within_the_hour(minutes: tuple[float, ...], plan: str) -> None:
    """What counts is an hour back from the opening; the reason is in the entry and in the question."""
    tale = opened_before(*minutes).forward(3)
    ((at, opened),) = tale.entries("opened")
    assert (at, opened.plan) == (1, plan)
    if plan == "public":
        assert tale.asked("flapping") == []
        assert opened.reason == ""
        return
    assert opened.reason == f"it opened {len(minutes)} times within 1h before this"
    ((_, asked),) = [one for one in tale.entries("asked") if one[1].reason == "flapping"]
    assert opened.reason in asked.text
    assert tale.posts("page") == []
    assert tale.posts("ops") == [(1, "tell")]


def test_reopening_counts_and_is_asked_about_once() -> None:
    """An incident that customers know keeps its plan: they hear the rest; a person hears of it."""
    tale = Tale(flapping("for: 0s, reopen_within: 30m"))
    for number in range(6):
        tale.fire(number * 10).clear(number * 10 + 5)
    tale.forward(56)
    assert tale.asked("flapping") == [(30, "")]
    assert tale.state.plan == "public"
    assert [step for _, step in tale.posts("page")].count("relapse") == 3
