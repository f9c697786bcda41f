"""The table of properties of ``decide`` (rules-language), each a Hypothesis test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daemon.core import fold
from daemon.core import journal as j
from daemon.core.clock import HOUR, MINUTE, SECOND
from daemon.core.delivery import DeliveryState
from daemon.core.fold import fold_all
from daemon.core.group import Group
from daemon.core.limits import SHADOW, BudgetSpent
from daemon.core.words import Audience, Impact, Status
from rules.decide import decide
from rules.model import Limits, RuleSet
from tests.rules.world import START, Happening, World, digest, happenings, outages, rule_sets

CASES = int(os.environ.get("TOCSIN_PROPERTY_CASES", "60"))
UNTIL = 5 * HOUR
quick = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PUBLIC = ("page", "mail", "x")
UNSEEN = (DeliveryState.superseded, SHADOW)


def played(rules: RuleSet, story: list[Happening], until: int = UNTIL) -> World:
    return World(rules).play(story, until)


@given(rule_sets(), happenings())
@quick
def test_pure(rules: RuleSet, story: list[Happening]) -> None:
    """The same arguments give the same answer, and the state handed in is not changed."""
    world = played(rules, story)
    before = repr(world.state)
    now = world.state.at + HOUR
    one, two = decide(world.state, rules, now), decide(world.state, rules, now)
    assert (one.entries, one.next_due) == (two.entries, two.next_due)
    assert repr(world.state) == before
    assert digest(played(rules, story).journal) == digest(world.journal)


@given(rule_sets(), happenings(), st.integers(0, 400 * MINUTE))
@quick
def test_settled(rules: RuleSet, story: list[Happening], wait: int) -> None:
    """What was decided leaves nothing to decide at the same instant."""
    world = played(rules, story, 2 * HOUR)
    now = max(world.state.at, START) + wait
    first = decide(world.state, rules, now)
    state = world.state.copy()
    for entry in first.entries:
        fold.add(state, now, entry)
    again = decide(state, rules, now)
    assert again.entries == ()
    assert again.next_due == first.next_due


@given(rule_sets(), happenings(), st.data())
@quick
def test_forward(rules: RuleSet, story: list[Happening], data: st.DataObject) -> None:
    """``next_due`` lies ahead, and nothing would be decided at any instant before it."""
    world = played(rules, story, data.draw(st.integers(0, UNTIL)))
    now = START + data.draw(st.integers(0, 30 * MINUTE)) + UNTIL
    world.step([], now)
    if world.due is not None:
        assert world.due > now
    until = world.due - 1 if world.due is not None else now + 48 * HOUR
    assert decide(world.state, rules, data.draw(st.integers(now, max(until, now)))).entries == ()


@given(rule_sets(), happenings())
@settings(max_examples=max(CASES // 6, 10), deadline=None, suppress_health_check=list(HealthCheck))
def test_lazy_is_eager(rules: RuleSet, story: list[Happening]) -> None:
    """Called every 20 seconds or only when due: the same journal."""
    rules = replace(rules, limits=Limits())  # a budget's facts come with each call
    lazy = played(rules, story, 150 * MINUTE)
    eager = World(rules).play(story, 150 * MINUTE, every=20 * SECOND)
    assert digest(lazy.journal) == digest(eager.journal)


@given(rule_sets(), happenings(), st.integers(MINUTE, 4 * HOUR))
@quick
def test_late_is_collapsed(rules: RuleSet, story: list[Happening], late: int) -> None:
    """Called late with nothing in between: at most one text per channel, of steps the punctual run spoke."""
    punctual, tardy = World(rules), World(rules)
    for world in (punctual, tardy):
        world.play(story, 30 * MINUTE)
        assume(len(world.journal) > 1)
    done = len(tardy.journal)
    now = START + 30 * MINUTE + late
    while punctual.due is not None and punctual.due <= now:
        punctual.step([], punctual.due)
    recorded = tardy.step([], now)
    for name in ("page", "mail", "x", "ops"):
        assert sum(isinstance(one.entry, j.Said) and name in one.entry.posts for one in recorded) <= 1
    spoken = {one.entry.step for one in recorded if isinstance(one.entry, j.Said)}
    could = {
        one.entry.step for one in punctual.journal[done:]
        if isinstance(one.entry, j.Said | j.Waiting | j.Asked | j.Skipped)
    }  # fmt: skip
    if tardy.state.status is punctual.state.status and tardy.state.impact is punctual.state.impact:
        assert spoken <= could
    assert len(_ends(tardy)) == len(set(_ends(tardy)))


@given(rule_sets(), happenings(), st.randoms())
@quick
def test_unordered(rules: RuleSet, story: list[Happening], random: object) -> None:
    """The order of unrelated blocks and of a body's alerts changes nothing."""
    shuffled = replace(
        rules,
        channels=dict(reversed(list(rules.channels.items()))),
        plans=dict(reversed(list(rules.plans.items()))),
        people=dict(reversed(list(rules.people.items()))),
    )
    assume("page" in shuffled.channels)
    assert digest(played(rules, story).journal) == digest(played(shuffled, story).journal)
    fired = tuple(j.Fired(number, START, "checkout", world_impact(number)) for number in range(1, 5))
    journals = []
    for order in (fired, tuple(reversed(fired))):
        world = World(rules)
        world.step([j.Created("abcdefghijkl", "v1", "route")], START)
        world.step([j.Alerts(fired=order)], START)
        journals.append([one.entry for one in world.journal if not isinstance(one.entry, j.Alerts)])
    assert journals[0] == journals[1]


def world_impact(number: int) -> Impact:
    return Impact(number % 3)


@given(rule_sets(windows=False), happenings(), st.integers(-300, 300))
@quick
def test_shifted(rules: RuleSet, story: list[Happening], days: int) -> None:
    """All instants moved by the same span move the answer by it (without windows and words about time)."""
    span = days * 24 * HOUR
    world = played(rules, story)
    state = Group(id=7)
    due = None
    shapes: list[tuple[int, str, str]] = []
    for at, entries, decided_before in _inputs(world.journal):
        while due is not None and due < at + span + decided_before:
            decided = decide(state, rules, due)
            shapes += [(due, entry.kind, getattr(entry, "occasion", "")) for entry in decided.entries]
            state, due = decided.state, decided.next_due
        for entry in entries:
            fold.add(state, at + span, _moved(entry, span))
        decided = decide(state, rules, at + span)
        shapes += [(at + span, entry.kind, getattr(entry, "occasion", "")) for entry in decided.entries]
        state, due = decided.state, decided.next_due
    last = max((at for at, _, _ in shapes), default=0)
    expected = [
        (one.at + span, one.entry.kind, getattr(one.entry, "occasion", ""))
        for one in world.journal if one.entry.decided and one.at + span <= last
    ]  # fmt: skip
    assert shapes == expected


def _inputs(journal: list[j.Recorded]) -> Iterator[tuple[int, list[j.Entry], bool]]:
    """What came in, instant by instant, and whether something was decided at that instant before it."""
    inputs: list[j.Recorded] = []
    decided_at = before = -1
    for one in journal:
        comes_in = not one.entry.decided and not isinstance(one.entry, j.Numbered)
        if inputs and (not comes_in or inputs[-1].at != one.at):
            yield inputs[0].at, [each.entry for each in inputs], before == inputs[0].at
            inputs = []
        if comes_in:
            before = before if inputs else decided_at
            inputs.append(one)
        else:
            decided_at = one.at
    if inputs:
        yield inputs[0].at, [each.entry for each in inputs], before == inputs[0].at


def _moved(entry: j.Entry, span: int) -> j.Entry:
    if isinstance(entry, j.Alerts):
        return replace(
            entry, fired=tuple(replace(one, starts_at=one.starts_at + span) for one in entry.fired)
        )
    if isinstance(entry, j.Acted) and entry.promise is not None:
        return replace(entry, promise=entry.promise + span)
    if isinstance(entry, BudgetSpent) and entry.until is not None:
        return replace(entry, until=entry.until + span)
    return entry


@given(rule_sets(), happenings())
@quick
def test_append_only(rules: RuleSet, story: list[Happening]) -> None:
    """Entries are added in sequence, and the state is nothing but their fold."""
    world = played(rules, story)
    assert [one.sequence for one in world.journal] == list(range(1, len(world.journal) + 1))
    assert all(one.at <= two.at for one, two in zip(world.journal, world.journal[1:], strict=False))
    assert fold_all(7, world.journal) == world.state


def _ends(world: World) -> list[str]:
    """The occasions that ended, in order."""
    return [
        one.entry.occasion for one in world.journal
        if isinstance(one.entry, j.Said | j.Asked | j.StepSet | j.Skipped) and one.entry.occasion
    ]  # fmt: skip


@given(rule_sets(), happenings())
@quick
def test_accounted(rules: RuleSet, story: list[Happening]) -> None:
    """Each occasion ends exactly once, or is waiting."""
    world = played(rules, story)
    ended = _ends(world)
    assert len(ended) == len(set(ended))
    begun = {entry.occasion for _, entry in world.of("waiting")}
    withdrawn = {entry.occasion for _, entry in world.of("withdrawn")}
    assert begun <= set(ended) | set(world.state.waiting) | withdrawn


@given(rule_sets(), happenings())
@quick
def test_once(rules: RuleSet, story: list[Happening]) -> None:
    """No update, and no update on a channel, occurs twice in a journal."""
    world = played(rules, story)
    updates = [said.update for _, said in world.said()] + [asked.update for _, asked in world.of("asked")]
    assert len(updates) == len(set(updates))


@given(rule_sets(), happenings())
@quick
def test_page_first(rules: RuleSet, story: list[Happening]) -> None:
    """No public text before the first on the page; none after "resolved" but by reopening or a person."""
    world = played(rules, story)
    page_told = over = False
    for one in world.journal:
        entry = one.entry
        if isinstance(entry, j.StatusChanged):
            over = entry.status.name == "resolved"
        if isinstance(entry, j.Acted) and (entry.act == "retract" or entry.status is not None):
            over = entry.act == "retract" or entry.status is Status.resolved
        if not isinstance(entry, j.Said) or entry.audience is not Audience.public:
            continue
        assert page_told or entry.pages
        page_told = True
        if over and not entry.who:
            assert _is_last_word(rules, entry)


def _is_last_word(rules: RuleSet, said: j.Said) -> bool:
    """Whether the step speaks on an event (only such a one may follow the end)."""
    return any(step.id == said.step and step.when == "on" for step in rules.plans[said.plan].steps)


@given(rule_sets(), happenings())
@quick
def test_no_echo(rules: RuleSet, story: list[Happening]) -> None:
    """No public channel gets one automatic text twice in a row; "resolved" to ``told`` reaches only those."""
    world = played(rules, story)
    last: dict[str, str] = {}
    for _, said in world.said():
        for name, text in said.posts.items():
            if world.state.channels[name].states.get(said.update, SHADOW) in UNSEEN:
                continue  # nobody ever saw it
            if name in PUBLIC and not said.who:
                assert last.get(name) != text
            last[name] = text


@given(rule_sets(), happenings(), outages())
@quick
def test_collapse_is_honest(rules: RuleSet, story: list[Happening], outage: list[Happening]) -> None:
    """I13: where a returned channel's texts are superseded, the last state is said, asked about, or known."""
    world = played(rules, sorted([*story, *outage], key=lambda one: one.at))
    state = Group(id=7)
    for position, one in enumerate(world.journal):
        fold.apply(state, one)
        if not isinstance(one.entry, j.Superseded) or not one.entry.again:
            continue
        (name,) = one.entry.channels
        for later in world.journal[position + 1 :]:
            if later.at != one.at or not later.entry.decided:
                break
            fold.apply(state, later)
        view = state.channels[name]
        speaks = (
            view.queued
            or view.over_budget
            or any(name in pending.posts for pending in state.waiting.values())
        )
        ended = any(occasion.startswith(f"again/{name}/{view.again}") for occasion in state.done)
        assert speaks or ended
        state = fold_all(7, world.journal[: position + 1])


@given(rule_sets(sane=True), happenings())
@quick
def test_not_silent(rules: RuleSet, story: list[Happening]) -> None:
    """While public and open: a counting update at least every 30 minutes or by the promise, or a question."""
    state = Group(id=7)
    allowed: int | None = None
    for one in World(rules).play(story, UNTIL).journal:
        was_open, entry = state.phase == "open", one.entry
        if was_open and allowed is not None:
            assert one.at <= allowed, f"silent at {(one.at - START) / MINUTE} min"
        fold.apply(state, one)
        if state.phase != "open":
            allowed = None
        elif isinstance(entry, j.Said) and entry.counts:
            allowed = max(entry.promise or 0, one.at + 30 * MINUTE)
        elif (isinstance(entry, j.Asked) and allowed is not None) or not was_open:
            allowed = max(allowed or 0, one.at + 30 * MINUTE) if state.last_counting is not None else None


@given(rule_sets(), happenings())
@quick
def test_people_win(rules: RuleSet, story: list[Happening]) -> None:
    """What a person set is not undone by a rule without a new alert, raise that turned, or event."""
    world = played(rules, story)
    resolved_by_person = False
    for one in world.journal:
        entry = one.entry
        if isinstance(entry, j.Acted):
            resolved_by_person = entry.status is Status.resolved or (
                resolved_by_person and entry.status is None
            )
        if isinstance(entry, j.Alerts) and entry.fired:
            resolved_by_person = False
        if isinstance(entry, j.StatusChanged):
            assert not resolved_by_person


@given(rule_sets(), happenings())
@quick
def test_only_up(rules: RuleSet, story: list[Happening]) -> None:
    """Impact falls by people alone."""
    world = played(rules, story)
    state = Group(id=7)
    for one in world.journal:
        before = state.impact
        fold.apply(state, one)
        if not isinstance(one.entry, j.Acted):
            assert state.impact >= before


@given(rule_sets(), happenings())
@quick
def test_closed(rules: RuleSet, story: list[Happening]) -> None:
    """After the end only ``on`` + ``after`` and the reopening window wake a group."""
    world = played(rules, story, 12 * HOUR)
    later = any(step.when == "on" and step.after for plan in rules.plans.values() for step in plan.steps)
    if world.state.phase == "ended" and not later and not world.state.waiting:
        assert world.due is None


@given(rule_sets(), happenings(), st.integers(0, 3))
@quick
def test_bounded(rules: RuleSet, story: list[Happening], days: int) -> None:
    """Calls are bounded by occasions and window edges: time alone never spins."""
    world = played(rules, story, (days + 1) * 6 * HOUR)
    edges = (days + 1) * 6 * 60 // 50 + 2
    entries = len(world.journal)
    assert world.calls <= 2 * (entries + len(story)) + edges * 2 + 20


@given(rule_sets(), happenings())
@quick
def test_replay(rules: RuleSet, story: list[Happening]) -> None:
    """Folding the inputs and deciding at each recorded instant writes the journal again."""
    world = played(rules, story)
    again = World(rules, sends=False)
    while len(again.journal) < len(world.journal):
        position = len(again.journal)
        at = world.journal[position].at
        batch: list[j.Entry] = []
        for one in world.journal[position:]:
            if one.entry.decided or isinstance(one.entry, j.Numbered) or one.at != at:
                break
            if not isinstance(one.entry, BudgetSpent):  # the driver finds it out by itself
                batch.append(one.entry)
        while again.due is not None and again.due < at:
            again.step([], again.due)
        assert again.step(batch, at), "the journal has an entry that nothing decided"
    assert digest(again.journal) == digest(world.journal)
