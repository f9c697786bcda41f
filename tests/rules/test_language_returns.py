"""The rule language, "A channel that is down": what waited too long is said once, with the facts of now."""

from __future__ import annotations

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.words import Impact, Status
from tests.rules.tale import CLEAR, DONE, FIRST, HOLDING, NAG, SOCIAL, Tale, ruled
from tests.rules.test_language_shop import shop, steps

AT_ONCE = "for: 0s"


def quiet(*lines: str, mute: str = "mail", **kinds: str) -> Tale:
    """A tale in which one channel takes nothing, from the start to the end."""
    return Tale(ruled(*lines, **(kinds or {"route": AT_ONCE})), mute=frozenset({mute}))


def down(tale: Tale, minute: float, channel: str = "mail") -> Tale:
    return tale.happen(minute, j.ChannelTurned(channel, down=True))


def up(tale: Tale, minute: float, channel: str = "mail") -> Tale:
    return tale.happen(minute, j.ChannelTurned(channel, down=False))


def waiting_on(tale: Tale, channel: str) -> list[str]:
    """The steps whose words are queued there."""
    return [one.step or one.question for one in tale.state.channels[channel].queued.values()]


def test_x_comes_back_after_24_minutes_with_new_words_and_a_new_veto_window() -> None:
    """The document's own example: down at 90, up at 150; `social` of 126 waits anew and is out at 155."""
    tale = shop("x").fire(0, service="checkout", severity="page")
    down(tale, 90, "x").forward(140)
    assert waiting_on(tale, "x") == ["social"]
    up(tale, 150, "x")
    assert tale.waiting() == ["social"]
    assert waiting_on(tale, "x") == []
    tale.forward(155)
    assert tale.posts("x") == [(126, "social"), (155, "social")]
    assert steps(tale, "page")[-1] == "holding"


def test_a_text_of_fifteen_minutes_stays_and_an_older_one_is_said_anew() -> None:
    """Exactly 15 minutes old it goes out as it is; a second more and it is superseded."""
    for late, posts in ((15, [(0, "first")]), (15 + 1 / 60, [(0, "first"), (15 + 1 / 60, "first")])):
        tale = up(down(quiet(FIRST, HOLDING, DONE).fire(0), 1), late)
        assert [(round(at, 6), step) for at, step in tale.posts("mail")] == [
            (round(at, 6), step) for at, step in posts
        ]
        assert waiting_on(tale, "mail") == ["first"]


def test_of_many_texts_one_is_said() -> None:
    """Down for two hours: first and three holding texts give way to one holding text of now."""
    tale = up(down(quiet(FIRST, HOLDING, DONE).fire(0), 1), 110)
    assert waiting_on(tale, "mail") == ["holding"]
    (newest,) = tale.state.channels["mail"].queued.values()
    assert newest.at == tale.start + 110 * MINUTE
    assert len(set(tale.texts("mail"))) == len(tale.texts("mail"))
    assert tale.state.channels["mail"].posts == 1, "to customers it is the first"


def test_a_newer_text_speaks_for_the_older_ones() -> None:
    """A text queued five minutes ago is news enough: nothing is said in addition."""
    tale = up(down(quiet(FIRST, HOLDING, DONE).fire(0), 1), 35)
    assert tale.posts("mail") == [(0, "first"), (30, "holding")]
    assert waiting_on(tale, "mail") == ["holding"]


def test_the_words_fit_the_status_of_now() -> None:
    """`clear` was queued, then it fired again and nobody has a step for that: no "it works again"."""
    quick = "for: 0s, keep_firing_for: 0s, monitor_for: 60m"
    tale = quiet(FIRST, CLEAR, DONE, route=quick).fire(0).happen(1, j.ChannelTurned("mail", down=True))
    tale.clear(10).fire(20, "b")
    assert tale.state.status is Status.investigating
    up(tale, 40)
    assert "watching" in tale.texts("mail")[1]
    assert "watching" not in tale.texts("mail")[-1]
    assert waiting_on(tale, "mail") == ["clear"]


def test_the_end_is_said_where_the_beginning_was() -> None:
    """Told before it went down: one "resolved", and nothing of what came in between."""
    tale = Tale(ruled(FIRST, HOLDING, DONE, route="for: 0s, keep_firing_for: 0s, monitor_for: 0s")).fire(0)
    tale.mute = frozenset({"mail"})
    down(tale, 1).forward(65).clear(70)
    up(tale, 100)
    assert waiting_on(tale, "mail") == ["done"]
    assert tale.state.channels["mail"].states[f"{tale.state.public_id}/public/holding/r1"] == "superseded"


def test_what_was_never_told_hears_nothing_of_the_end() -> None:
    """Its only posts were still queued when it resolved: superseded then, and nothing on its return."""
    tale = quiet(FIRST, DONE, route="for: 0s, keep_firing_for: 0s, monitor_for: 0s").fire(0)
    down(tale, 1).clear(10)
    up(tale, 60)
    assert waiting_on(tale, "mail") == []
    assert tale.posts("mail") == [(0, "first")]


def test_words_of_people_stay_as_they_are() -> None:
    """The newest text is a person's: it is not re-worded, and what was before it is dropped."""
    tale = quiet(FIRST, DONE, NAG).fire(0)
    down(tale, 1).act(5, text="The cause is known.")
    up(tale, 60)
    assert tale.posts("mail") == [(0, "first"), (5, "person")]
    assert waiting_on(tale, "mail") == ["person"]


def test_the_same_words_are_not_said_twice() -> None:
    """What would be said now is what the channel has heard last: nothing leaves."""
    words = """texts:
  investigating: "{% if alerts_firing > 1 %}Two things fail.{% else %}One thing fails.{% endif %}"
  holding: "{% if alerts_firing > 1 %}Two things fail.{% else %}One thing fails.{% endif %}"
"""
    tale = Tale(ruled(FIRST, HOLDING, DONE, route=AT_ONCE, more=words)).fire(0)
    tale.mute = frozenset({"mail"})
    down(tale, 1).fire(10, "b").forward(30).clear(40, "b")
    up(tale, 50)
    assert tale.texts("mail") == ["One thing fails.", "Two things fail."]
    assert waiting_on(tale, "mail") == []
    assert tale.skipped() == [("holding", "same text")]


def test_a_cadence_is_not_moved_by_what_is_said_anew() -> None:
    """The catch-up is no occasion of its step: the page's next holding text comes when it was due."""
    tale = quiet(FIRST, HOLDING, DONE).fire(0)
    down(tale, 1)
    up(tale, 50)
    tale.forward(95)
    assert tale.posts("page") == [(0, "first"), (30, "holding"), (60, "holding"), (90, "holding")]


def test_while_a_person_has_taken_over_the_text_becomes_a_question() -> None:
    """Automatic public texts are shown, with the words ready to send."""
    tale = quiet(FIRST, DONE).fire(0)
    down(tale, 1).act(5, "take_over")
    up(tale, 40)
    assert waiting_on(tale, "mail") == []
    assert tale.asked("taken_over") == [(40, "")]


def test_a_text_that_waits_anew_follows_the_facts() -> None:
    """The impact rises in the new veto window: it is withdrawn and put to people again, never lost."""
    tale = shop("x").fire(0, service="checkout", severity="page")
    up(down(tale, 90, "x"), 150, "x")
    tale.act(152, impact=Impact.critical)
    assert sorted(tale.waiting()) == ["social", "wide"]
    assert [minute for minute, _ in tale.entries("withdrawn")] == [152]
    tale.forward(157)
    assert tale.posts("x")[-1] == (157, "social")


def test_questions_that_waited_are_asked_once() -> None:
    """Ten nags on a dead chat: the newest is enough; a doubt that still stands is put again."""
    tale = quiet(FIRST, NAG, mute="ops", route=AT_ONCE).fire(0)
    tale.happen(1, j.DeliveryMoved("mail", f"{tale.state.public_id}/public/first/a", "held"))
    down(tale, 2, "ops").forward(120)
    assert waiting_on(tale, "ops").count("ask") == 4
    up(tale, 121, "ops")
    assert waiting_on(tale, "ops").count("ask") <= 1
    assert tale.asked("held") == [(1, ""), (121, "")]


def test_a_try_is_not_a_return() -> None:
    """Tried again while it is down: the text is of now, and the channel stays down."""
    tale = down(quiet(FIRST, HOLDING, SOCIAL, DONE).fire(0), 1)
    tale.happen(20, j.ChannelTurned("mail", down=True, tried=True))
    assert tale.posts("mail") == [(0, "first"), (20, "first")]
    assert tale.state.channels["mail"].down
    assert tale.state.channels["mail"].downs == 1
