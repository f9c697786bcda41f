"""The invariants of reliability 3.5 that are read off the store: groups, journals, deliveries.

I3 to I8 and I11 are also held against each call of a channel (provider.py, world.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.delivery import FINAL, Delivery, DeliveryState
from daemon.core.fold import OPEN_MATTERS, fold_all
from daemon.core.group import Group
from daemon.core.store import Store
from daemon.core.words import Audience, Status
from daemon.service.desk import Desk
from rules.decide import decide
from tests.faults.simulation.edits import check_edits
from tests.faults.simulation.provider import Broken

ENDING = (j.Said, j.Asked, j.StepSet, j.Skipped)
SPOKEN = (DeliveryState.held, DeliveryState.dead)


async def deliveries_of(store: Store, group: int) -> list[Delivery]:
    """A group's deliveries, oldest first."""
    found: list[Delivery] = []
    before: int | None = None
    while True:
        page = await store.deliveries(500, before, group=group)
        found += page.items
        before = page.next
        if before is None:
            return found[::-1]


async def check_group(desk: Desk, group: int, latest: Instant) -> None:
    """Everything that one group's journal and deliveries must show.  Raises Broken.

    ``latest`` is the latest instant that the daemon has ever read.
    """
    store = desk.store
    verdict = await store.verify_chain(group)
    if not verdict.good:
        raise Broken(f"I15: group {group}: {verdict.reason}")
    journal = await store.journal(group)
    every = await deliveries_of(store, group)
    rows = [row for row in every if row.edits is None]
    state = fold_all(group, journal)
    in_memory = desk.memory.states.get(group)
    if in_memory is not None and in_memory != state:
        raise Broken(
            f"I15: memory of group {group} is not what its journal says: {_differs(in_memory, state)}"
        )
    _check_occasions(group, journal)
    _check_origins(desk, group, journal, rows)
    _check_words(group, journal)
    _check_moves(state, journal, rows)
    _check_last(state, journal, rows)
    _check_questions(state, journal, rows)
    _check_due(desk, state, latest)
    check_edits(journal, every)


def _differs(one: Group, other: Group) -> str:
    names = [name for name in Group.__slots__ if getattr(one, name) != getattr(other, name)]
    return "; ".join(f"{name}: {getattr(one, name)!r} / {getattr(other, name)!r}" for name in names)


def _check_occasions(group: int, journal: Iterable[j.Recorded]) -> None:
    """I14: each occasion ends once, however the clock went.

    Questions about what is still open are asked again where one waited too long to leave.
    """
    ends = Counter(
        one.entry.occasion
        for one in journal
        if isinstance(one.entry, ENDING)
        and one.entry.occasion
        and not one.entry.occasion.startswith(OPEN_MATTERS)
    )
    twice = {occasion: count for occasion, count in ends.items() if count > 1}
    if twice:
        raise Broken(f"I14: group {group}: occasions that ended twice: {twice}")


def _check_due(desk: Desk, state: Group, latest: Instant) -> None:
    """I14: at rest nothing is due, and what comes next is on the ticker's list.

    While the clock is behind what it once said, the next instant is no fair question.
    """
    rules = desk.book.of(state.rules)
    now = desk.clock.now()
    decision = decide(state, rules, now)
    if decision.entries:
        raise Broken(f"I14: group {state.id} is at rest, and still due is {decision.entries}")
    planned = desk.memory.due.get(state.id)
    wanted = decision.next_due
    if wanted is not None and now >= latest and (planned is None or planned > wanted):
        raise Broken(f"I14: group {state.id} wants a look at {wanted}, planned is {planned}")


def _check_origins(desk: Desk, group: int, journal: list[j.Recorded], rows: list[Delivery]) -> None:
    """I12: each delivery is a journalled text, by a rule of its version or a person; I11: its words."""
    created = journal[0].entry
    if not isinstance(created, j.Created):
        raise Broken(f"I12: group {group} begins with {created}")
    rules = desk.book.of(created.rules)
    if rules.version != created.rules:
        raise Broken(f"I12: group {group} keeps rules {created.rules}, known are {rules.version}")
    words: dict[tuple[str, str], str] = {}
    for one in journal:
        entry = one.entry
        if isinstance(entry, j.Said):
            plan = rules.plans.get(entry.plan)
            if not entry.who and (plan is None or entry.step not in {step.id for step in plan.steps}):
                raise Broken(f"I12: group {group} said {entry.update} by no rule and no person")
            words |= {(entry.update, channel): text for channel, text in entry.posts.items()}
        elif isinstance(entry, j.Asked):
            words[entry.update, entry.channel] = entry.text
    for row in rows:
        text = words.get((row.update, row.channel))
        if text is None:
            raise Broken(f"I12: delivery {row.id} of group {group} is in no entry of the journal")
        if row.channel != "page" and msgspec.json.decode(row.payload)["text"] != text:
            raise Broken(f"I11: delivery {row.id} of group {group} holds other words than the journal")


def _check_words(group: int, journal: list[j.Recorded]) -> None:
    """I8: no rule speaks to customers after their "resolved" unless the incident came back.

    One that waited too long to leave was never theirs: the words of now take its place.
    """
    over: dict[str, str] = {}  # channel -> the update that said the end there
    for one in journal:
        entry = one.entry
        back = isinstance(entry, j.StatusChanged) and entry.event == "reopened"
        if back or (isinstance(entry, j.Acted) and entry.act in ("update", "retract")):
            over.clear()
        elif isinstance(entry, j.Superseded) and entry.again:
            for name in entry.channels:
                if over.get(name) in entry.updates:
                    del over[name]
        elif isinstance(entry, j.Said):
            public = [name for name in entry.posts if name not in entry.internal]
            late = [name for name in public if name in over]
            if late and not entry.who:
                raise Broken(f"I8: group {group} said {entry.update} on {late} after the end")
            if entry.status is Status.resolved:
                over.update(dict.fromkeys(public, entry.update))


def _check_moves(state: Group, journal: list[j.Recorded], rows: list[Delivery]) -> None:
    """I15: the journal knows the state of each delivery, and says each end once."""
    for row in rows:
        if row.recipient or row.channel == "page":
            continue
        known = state.channels[row.channel].states.get(row.update)
        if known != row.state:
            raise Broken(f"I15: delivery {row.id} is {row.state}, its journal says {known}")
    before: dict[tuple[str, str], j.DeliveryMoved] = {}
    for one in journal:
        entry = one.entry
        if not isinstance(entry, j.DeliveryMoved):
            continue
        place = (entry.channel, entry.update)
        last = before.get(place)
        if last is not None and last.state == entry.state and last.key == entry.key and entry.state in FINAL:
            raise Broken(f"I15: group {state.id} journals {place} as {entry.state} twice")
        before[place] = entry


def _check_last(state: Group, journal: list[j.Recorded], rows: list[Delivery]) -> None:
    """I13: where posts were superseded the newest state is said later, or nobody was ever told.

    A person who has taken over was given the words instead, and may keep them.
    """
    given = [one.at for one in journal if isinstance(one.entry, j.Asked) and one.entry.ready]
    by_place: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for row in rows:
        by_place[row.channel, row.recipient].append(row)
    for (channel, recipient), posts in by_place.items():
        if posts[-1].state is not DeliveryState.superseded or max(given, default=0) >= posts[-1].created_at:
            continue
        told = [row for row in posts if row.state in (DeliveryState.sent, DeliveryState.held)]
        view = state.channels[channel]
        if told and view.audience is Audience.public and state.phase in ("resolved", "ended"):
            raise Broken(f"I13: the last word to {channel} {recipient} of group {state.id} was superseded")


def _check_questions(state: Group, journal: list[j.Recorded], rows: list[Delivery]) -> None:
    """I9: what only a person can settle was put to people."""
    asked = {one.entry.occasion for one in journal if isinstance(one.entry, j.Asked)}
    for row in rows:
        if row.state not in SPOKEN or row.recipient:
            continue
        mark = f"doubt/{row.channel}/{row.update}"
        dropped = any(
            isinstance(one.entry, j.DeliveryMoved) and one.entry.key == row.key and one.entry.who
            for one in journal
        )
        if mark not in asked and not dropped:
            raise Broken(f"I9: delivery {row.id} of group {state.id} is {row.state} and nobody was asked")


async def check_episodes(store: Store) -> None:
    """I2: each stored alert sits in one group, and that group's journal knows it."""
    before: int | None = None
    known: dict[int, set[int]] = {}
    while True:
        page = await store.alerts(500, before)
        for row in page.items:
            if row.group not in known:
                entries = [one.entry for one in await store.journal(row.group)]
                known[row.group] = {
                    fired.episode for entry in entries if isinstance(entry, j.Alerts) for fired in entry.fired
                }
            if row.id not in known[row.group]:
                raise Broken(f"I2: alert {row.id} is in no entry of its group {row.group}")
        before = page.next
        if before is None:
            return


async def check_quiet(store: Store) -> None:
    """I10: with faults off, every delivery is final, held, or waits behind what a person must settle."""
    page = await store.deliveries(500, states=set(DeliveryState) - FINAL - {DeliveryState.held})
    for row in page.items:
        rows = {one.id: one for one in await deliveries_of(store, row.group)}
        behind = row.waits_for if row.edits is None else row.edits
        first = rows.get(behind) if behind is not None else None
        if first is None or first.state is not DeliveryState.held:
            raise Broken(f"I10: delivery {row.id} of group {row.group} is {row.state} for ever: {row}")
