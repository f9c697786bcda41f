"""The timeline of one incident, step by step, on plans written out in full."""

from __future__ import annotations

from dataclasses import replace

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.words import Impact, Status
from rules.model import Approve, Limits, Person, Plan, Route, RuleSet, Site, Step
from tests.rules.world import (
    CHANNELS,
    COMPONENTS,
    DONE,
    FIRST,
    HOLDING,
    INTERNAL,
    SORRY,
    EchoTexts,
    Happening,
    Hours,
    World,
    _acted,
    _alert,
    nowhere,
)

NAG = Step(id="nag", when="every", every=25 * MINUTE, ask="comms")
SOCIAL = Step(
    id="social", when="after", after=120 * MINUTE, say="news", to=("x",), limit=1,
    approve=Approve("veto", 5 * MINUTE),
)  # fmt: skip
CLEAR = Step(id="clear", when="on", on=("monitoring",), say="news", to=("page", "mail", "ops"), limit=3)
RELAPSE = Step(
    id="relapse", when="on", on=("refired", "reopened"), say="news", to=("page", "mail"), promise=30 * MINUTE
)


def rules(*steps: Step, **route: object) -> RuleSet:
    """A rule set with one route and one public plan."""
    plan = Plan(
        "public",
        steps or (FIRST, NAG, HOLDING, SOCIAL, CLEAR, RELAPSE, DONE, SORRY),
        ("page", "mail", "ops"),
        "comms",
    )
    base = Route(
        id="route", plan="public", components="matched", impact=Impact.minor, hold_for=MINUTE,
        keep_firing_for=5 * MINUTE, monitor_for=10 * MINUTE,
    )  # fmt: skip
    return RuleSet(
        version="v1", site=Site(), channels=CHANNELS, components=COMPONENTS,
        routes=(replace(base, **route),),  # type: ignore[arg-type]
        plans={"public": plan, "internal": INTERNAL}, texts=EchoTexts(), windows={"hours": Hours()},
        people={"comms": Person("comms", "ops", "@comms")}, limits=Limits(), router=nowhere,
    )  # fmt: skip


def fires(minute: float, number: int = 1, impact: Impact = Impact.major) -> Happening:
    return Happening(int(minute * MINUTE), _alert(number, firing=True, impact=impact), "fires")


def clears(minute: float, number: int = 1) -> Happening:
    return Happening(int(minute * MINUTE), _alert(number, firing=False, impact=Impact.major), "clears")


def acts(minute: float, **fields: object) -> Happening:
    return Happening(int(minute * MINUTE), _acted(**fields), "acts")


def posts(world: World, channel: str) -> list[tuple[float, str]]:
    """(minute, step) of every post on a channel."""
    return [(at / MINUTE, said.step) for at, said in world.said(channel)]


def questions(world: World, reason: str = "ask") -> list[float]:
    return [at / MINUTE for at, asked in world.of("asked") if asked.reason == reason]


def test_the_two_hour_story() -> None:
    """First at once after `for`, holding every 30 minutes, X two hours in after its veto window, the end."""
    world = World(rules()).play([fires(0), clears(148)], 240 * MINUTE)
    page = posts(world, "page")
    assert page == [
        (1, "first"), (31, "holding"), (61, "holding"), (91, "holding"), (121, "holding"), (151, "holding"),
        (153, "clear"), (163, "done"),
    ]  # fmt: skip
    assert posts(world, "x") == [(126, "social"), (163, "done")]
    assert questions(world) == [26, 56, 86, 116, 146]
    assert world.state.promises_kept == 6
    assert world.state.promises_broken == 0
    assert world.state.longest_silence == 30 * MINUTE
    assert world.state.ended == "resolved"


def test_nothing_is_heard_of_an_alert_that_clears_before_for() -> None:
    """A pending group that clears ends without a word."""
    world = World(rules()).play([fires(0), clears(0.9)], 60 * MINUTE)
    assert not world.said()
    assert world.state.ended == "never_opened"


def test_keep_firing_for_swallows_a_flap() -> None:
    """An alert that clears and fires within keep_firing_for changes nothing and says nothing."""
    world = World(rules()).play([fires(0), clears(10), fires(14)], 29 * MINUTE)
    assert posts(world, "page") == [(1, "first")]
    assert world.state.status is Status.investigating


def test_refired_while_monitoring_returns_to_what_it_was() -> None:
    """Firing again while monitoring says so and goes back to the status before."""
    world = World(rules()).play([fires(0), clears(10), fires(18)], 25 * MINUTE)
    assert posts(world, "page") == [(1, "first"), (15, "clear"), (18, "relapse")]
    assert world.state.status is Status.investigating


def test_reopened_within_the_window_is_the_same_incident() -> None:
    """Firing again within reopen_within reopens; after it the group has ended."""
    world = World(rules()).play([fires(0), clears(10), fires(40)], 60 * MINUTE)
    assert (40, "relapse") in posts(world, "page")
    assert world.state.phase == "open"
    world = World(rules()).play([fires(0), clears(10), fires(56)], 60 * MINUTE)
    assert world.state.ended == "resolved"


def test_a_persons_update_is_the_update() -> None:
    """A person who posts restarts the cadence: the holding update due two minutes later is not said."""
    story = [fires(0), acts(29, act="update", who="ana", text="We are testing a repair.")]
    world = World(rules()).play(story, 58 * MINUTE)
    assert posts(world, "page") == [(1, "first"), (29, "person")]
    assert questions(world) == [26, 54]


def test_a_persons_promise_moves_the_cadence() -> None:
    """Next update by minute 90: the nag comes at 85, the holding update at 90."""
    story = [
        fires(0),
        Happening(
            10 * MINUTE,
            lambda s: j.Acted(act="update", who="ana", text="t", promise=s.created_at + 90 * MINUTE),
            "p",
        ),
    ]
    world = World(rules()).play(story, 95 * MINUTE)
    assert posts(world, "page") == [(1, "first"), (10, "person"), (90, "holding")]
    assert questions(world) == [85]
    assert world.state.promises_broken == 0


def test_a_resolving_person_says_it_once_everywhere() -> None:
    """The person's words go to what was told; the `done` step only carries them to ops."""
    story = [fires(0), acts(20, act="update", who="ana", text="It is over, sorry.", status=Status.resolved)]
    world = World(rules()).play(story, 21 * MINUTE)
    for channel in ("page", "mail", "ops"):
        last = world.said(channel)[-1][1]
        assert last.posts[channel] == "It is over, sorry."
        assert [step for _, step in posts(world, channel)].count("done") + [
            step for _, step in posts(world, channel)
        ].count("person") == 1


def test_veto_keeps_the_post_from_leaving() -> None:
    """A veto within the window ends the occasion; it never asks again."""
    story = [
        fires(0),
        Happening(
            123 * MINUTE, lambda s: j.Acted(act="veto", who="bo", occasion=next(iter(s.waiting))), "veto"
        ),
    ]
    world = World(rules()).play(story, 200 * MINUTE)
    assert posts(world, "x") == []
    assert [entry.reason for _, entry in world.of("skipped") if entry.step == "social"] == ["vetoed by bo"]


def test_resolving_in_the_veto_window_withdraws_the_post() -> None:
    """An incident that resolves at the instant its X post leaves the window withdraws the post."""
    world = World(rules()).play([fires(0), clears(111)], 200 * MINUTE)
    assert world.state.resolved_at is not None
    assert posts(world, "x") == []


def test_a_gap_stops_for_and_the_veto_window_but_not_after() -> None:
    """Down from 110 to 150 minutes: one holding update at once, X begins its full five minutes."""
    world = World(rules())
    world.play([fires(0)], 110 * MINUTE)
    back = world.state.created_at + 150 * MINUTE
    world.oversleep()
    world.step([j.Gap(back - 40 * MINUTE)], back)
    assert posts(world, "page")[-1] == (150, "holding")
    assert world.due == back + 5 * MINUTE
    world.step([], back + 5 * MINUTE)
    assert posts(world, "x") == [(155, "social")]


def test_taken_over_turns_public_texts_into_questions() -> None:
    """Automatic texts become questions with the text ready; nags go on; it runs out after an hour."""
    world = World(rules()).play([fires(0), acts(10, act="take_over", who="ana")], 65 * MINUTE)
    assert posts(world, "page") == [(1, "first")]
    assert questions(world, "taken_over") == [31, 61]
    assert questions(world, "take_over_ending") == [60]
    world = World(rules()).play([fires(0), acts(10, act="take_over", who="ana")], 100 * MINUTE)
    assert posts(world, "page") == [(1, "first"), (91, "holding")]


def test_late_call_says_one_text_per_channel() -> None:
    """Called three hours late without a gap entry: the page hears the newest text once."""
    world = World(rules())
    world.play([fires(0)], 2 * MINUTE)
    world.oversleep()
    late = world.state.created_at + 200 * MINUTE
    world.step([], late)
    assert posts(world, "page") == [(1, "first"), (200, "holding")]
    assert list(world.state.waiting) == ["public/social/a"]


def test_first_vetoed_keeps_it_internal_and_asks_again() -> None:
    """A vetoed first text: nothing public leaves, people are asked every 30 minutes."""
    first = replace(FIRST, approve=Approve("veto", 5 * MINUTE))
    wide = Step(id="wide", when="after", say="news", to=("x",), limit=1)
    story = [
        fires(0),
        Happening(3 * MINUTE, lambda s: j.Acted(act="veto", who="bo", occasion=next(iter(s.waiting))), "v"),
    ]
    world = World(rules(first, wide, HOLDING, DONE)).play(story, 100 * MINUTE)
    assert world.said() == []
    assert questions(world, "nothing said") == [33, 63, 93]


def test_one_alert_must_fire_all_that_time() -> None:
    """Two short alerts that overlap are no long one: `for` counts from the one that still fires."""
    world = World(rules()).play([fires(0, 1), fires(0.5, 2), clears(0.7, 1)], 3 * MINUTE)
    assert posts(world, "page") == [(1.5, "first")]


def test_customers_know_nothing_after_a_pause_that_ended() -> None:
    """The first text became a question while paused: people are asked again until they write."""
    story = [
        Happening(MINUTE // 2, lambda _: j.Paused("ana"), "pause"),
        Happening(10 * MINUTE, lambda _: j.Resumed("ana"), "resume"),
        acts(70, act="update", who="ana", text="We are on it."),
    ]
    world = World(rules()).play([fires(0), *story], 140 * MINUTE)
    assert questions(world, "taken_over") == [1]
    assert questions(world, "nothing said") == [31, 61]
    assert posts(world, "page") == [(70, "person"), (100, "holding"), (130, "holding")]


def test_an_approval_while_paused_is_a_persons_word() -> None:
    """Whoever approves the exact words has spoken: they go out although rules are hushed."""
    wide = Step(id="wide", when="after", say="news", to=("x",), limit=1, approve=Approve("one", 30 * MINUTE))
    story = [
        fires(0),
        Happening(5 * MINUTE, lambda _: j.Paused("ana"), "pause"),
        Happening(
            8 * MINUTE,
            lambda s: j.Acted(act="approve", who="bo", occasion=next(iter(s.waiting))),
            "approve",
        ),
    ]
    world = World(rules(FIRST, wide, HOLDING, DONE)).play(story, 20 * MINUTE)
    assert posts(world, "x") == [(8, "wide")]
