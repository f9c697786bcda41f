"""The rule language, "Facts": what an `if` sees, as expressions that went through the loader."""

from __future__ import annotations

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.words import Impact, Status
from tests.rules.files import MINIMAL, changed, errors_of
from tests.rules.tale import CLEAR, DONE, FIRST, HOLDING, Tale, ruled
from tests.rules.world import START

QUICK = "for: 0s, keep_firing_for: 0s, monitor_for: 10m"


def answers(expression: str, *, also: str = "") -> Tale:
    """A tale whose step asks as soon as the expression holds."""
    step = f"{{ id: s, after: 0s, ask: lead, if: '{expression}' }}"
    return Tale(ruled(FIRST, HOLDING, CLEAR, step, *([also] if also else []), DONE, route=QUICK))


def test_impact_and_status_are_ordered() -> None:
    """`impact >= major` and `status < monitoring` compare by rank."""
    tale = answers("impact >= major && status < monitoring").fire(0, severity="warning")
    assert tale.asked() == []
    assert tale.fire(5, "b", severity="critical").asked() == [(5, "s")]
    tale = answers("status >= identified").fire(0).forward(9)
    assert tale.asked() == []
    assert tale.act(10, status=Status.identified).asked() == [(10, "s")]


def test_alerts_firing_and_alerts_total() -> None:
    """Those that fire now, and all that ever were in the group."""
    tale = answers("alerts_firing == 1 && alerts_total == 3").fire(0).fire(1, "b").fire(2, "c")
    assert tale.clear(3, "b").asked() == []
    assert tale.clear(4, "c").asked() == [(4, "s")]


@pytest.mark.parametrize(("second", "holds"), [("eu", True), ("us", False)])
def test_a_label_is_the_value_all_alerts_share(second: str, *, holds: bool) -> None:
    """`label("region")` is the shared value, else empty."""
    tale = Tale(
        ruled(FIRST, '{ id: s, after: 10m, ask: lead, if: \'label("region") == "eu"\' }', DONE, route=QUICK)
    )
    tale.fire(0, region="eu").fire(5, "b", region=second).forward(11)
    assert bool(tale.asked()) is holds


def test_components_told_and_channels_down() -> None:
    """The three lists are asked with `in`."""
    assert answers("search in components").fire(0).fire(3, "b", service="search").asked() == [(3, "s")]
    assert answers("mail in told && !(x in told)").fire(0).asked() == [(0, "s")]
    tale = answers("x in channels_down").fire(0).happen(7, j.ChannelTurned("x", down=True))
    assert tale.asked() == [(7, "s")]


def test_acked_and_taken_over() -> None:
    """They are true from the act on; a pause is a take over of all."""
    assert answers("acked").fire(0).act(4, "ack").asked() == [(4, "s")]
    assert answers("taken_over").fire(0).act(4, "take_over").asked() == [(4, "s")]
    assert answers("taken_over").fire(0).happen(4, j.Paused("ana")).asked() == [(4, "s")]


def test_the_end_of_a_pause_is_looked_at() -> None:
    """`pause --until` runs out without an entry: an `if` about it turns at that very instant."""
    tale = answers("!taken_over && impact == critical").fire(0)
    tale.happen(5, j.Paused("ana", START + 17 * MINUTE)).fire(6, "b", severity="critical").forward(40)
    assert tale.asked() == [(17, "s")]


def test_unattended_counts_updates_since_a_persons_last() -> None:
    """Four updates in a row without a person; a person's update begins at nought."""
    tale = answers("unattended >= 3").fire(0).act(40, text="We are on it.").forward(130)
    assert tale.asked() == [(130, "s")]


def test_a_window_is_a_fact_by_its_id() -> None:
    """True while the window is open."""
    day = START - START % (24 * 60 * MINUTE)
    for hour, holds in ((10, False), (11, True), (17, True), (18, False)):
        tale = answers("hours")
        tale.start = day + hour * 60 * MINUTE
        assert bool(tale.fire(0).asked()) is holds


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("impact >= majr", "majr"),
        ("impact == 'major'", "quot"),
        ("now() > 3", "clock"),
        ("[1].all(one, one > 0)", ""),
        ("timestamp('2027-01-01T00:00:00Z') > 0", ""),
    ],
)
def test_what_an_if_may_not_say(wrong: str, said: str) -> None:
    """Unknown names, quoted words, clocks, macros and time arithmetic are errors when the file is loaded."""
    errors = errors_of(changed("say: holding,", f'say: holding, if: "{wrong}",'))
    assert errors, MINIMAL
    assert said in str(errors[0])


def test_an_if_that_cannot_work_is_refused_at_load() -> None:
    """An expression that fails whatever the facts are never reaches an incident."""
    assert errors_of(changed("say: holding,", 'say: holding, if: "1 / 0 > 1",'))


def test_an_if_that_raises_counts_as_false_and_asks() -> None:
    """A division by a fact that is nought: not said, and the plan's `ask` hears of it at once, once."""
    holding = HOLDING[:-2] + ", if: '1 / alerts_firing > 0' }"
    tale = Tale(ruled(FIRST, holding, DONE, route=QUICK)).fire(0).clear(5).act(6, status=Status.investigating)
    tale.forward(100)
    assert tale.posts("page") == [(0, "first")]
    assert {minute for minute, _ in tale.asked("rule failed")} <= {5, 6, 30}
    assert tale.asked("rule failed")
    assert {one.whom for _, one in tale.entries("asked") if one.reason == "rule failed"} == {"comms"}


def test_constants_are_words() -> None:
    """`critical` is the impact, unquoted."""
    assert answers("impact == critical").fire(0, severity="critical").asked() == [(0, "s")]
    assert Tale(ruled(route=QUICK)).fire(0, severity="critical").state.impact is Impact.critical
