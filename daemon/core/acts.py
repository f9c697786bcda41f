"""What people do to a group's state, and the moves that people and rules share."""

from __future__ import annotations

from dataclasses import replace

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.group import Event, Group, PersonText
from daemon.core.limits import had_room
from daemon.core.words import Impact, Status

STATUS_EVENTS = {
    Status.identified: "identified",
    Status.monitoring: "monitoring",
    Status.resolved: "resolved",
}


KEPT = 20
"""Events of one name that are remembered (`on` + `after` steps may wait for older ones), and openings."""


def happen(
    state: Group,
    at: Instant,
    name: str,
    status: Status | None = None,
    *,
    person: bool = False,
    due: Instant | None = None,
) -> None:
    if status is not None:
        leave(state, status)
    state.event_count += 1
    event = Event(name, at, state.event_count, status, person, at if due is None else due)
    state.events[name] = (*state.events.get(name, ())[1 - KEPT :], event)


def leave(state: Group, status: Status) -> None:
    """Mark the events that brought another status than the one that is entered now."""
    for name, events in list(state.events.items()):
        if any(event.status not in (None, status) and not event.left for event in events):
            state.events[name] = tuple(
                event if event.status in (None, status) else replace(event, left=True) for event in events
            )


def close(state: Group, at: Instant) -> None:
    if state.open_since is not None:
        state.open_before += max(at - state.open_since, 0)
        state.open_since = None
    had_room(state, tuple(state.channels))  # what still waited for room is void
    state.phase = "resolved"
    state.status_before, state.status = state.status, Status.resolved
    state.status_at = state.resolved_at = at
    state.refired = False


def note_opening(state: Group, at: Instant) -> None:
    state.openings = (*state.openings, at)[-KEPT:]


def reopen(state: Group, at: Instant) -> None:
    note_opening(state, at)
    state.phase, state.resolved_at, state.ended = "open", None, ""
    state.open_since = at
    state.retracted = False
    believed = {number: one for number, one in state.episodes.items() if one.firing and one.believed}
    if believed:  # rules reopen too, and copies share episodes: they are replaced, never changed
        state.episodes = state.episodes | {
            number: replace(one, believed=False) for number, one in believed.items()
        }
        state.firing += len(believed)
    if state.firing:
        state.clear_since = None


def move_plan(state: Group, at: Instant, plan: str, *, person: bool) -> None:
    if plan == state.plan:
        return
    had_room(state, tuple(state.channels))
    state.plan = plan
    state.plan_began, state.plan_by_person = at, person
    state.open_before = 0
    if state.open_since is not None:
        state.open_since = at


def acted(state: Group, at: Instant, entry: j.Acted) -> None:
    if entry.who == state.taken_over_by:
        state.taken_over_act = at
        state.take_over_announced = False
    match entry.act:
        case "ack":
            if not state.acked_by:
                happen(state, at, "acked", person=True)
            state.acked_by = entry.who
        case "take_over":
            state.taken_over_by, state.taken_over_act = entry.who, at
            state.take_over_announced = False
        case "hand_back":
            state.taken_over_by, state.taken_over_act = "", None
        case "approve" | "veto":
            _voted(state, entry)
        case "retract":
            _retracted(state, at)
        case _:
            _updated(state, at, entry)


def _voted(state: Group, entry: j.Acted) -> None:
    pending = state.waiting.get(entry.occasion)
    if pending is None:
        return
    if entry.act == "veto":
        pending.vetoed_by = entry.who
    elif entry.who not in pending.votes:
        pending.votes = (*pending.votes, entry.who)


def _retracted(state: Group, at: Instant) -> None:
    close(state, at)
    state.retracted = True
    happen(state, at, "retracted", Status.resolved, person=True)


def _updated(state: Group, at: Instant, entry: j.Acted) -> None:
    if entry.title:
        state.title = entry.title
    if entry.add or entry.remove:
        _components_by_person(state, at, entry)
    if entry.impact is not None:
        if entry.impact > state.impact and state.public_updates:
            happen(state, at, "impact_raised", person=True)
        state.impact = entry.impact
        state.impact_by_person = True
        state.alert_impact = Impact.none  # from here on newer alerts alone may raise it
    resolves = entry.status is Status.resolved
    if entry.status is not None:
        _status_by_person(state, at, entry.status)
    if entry.plan and not entry.text:
        move_plan(state, at, entry.plan, person=True)
    if entry.text:
        state.person_count += 1
        state.person.append(
            PersonText(
                at, entry.who, entry.text, entry.to, entry.promise, entry.plan, state.person_count, resolves
            )
        )


def _components_by_person(state: Group, at: Instant, entry: j.Acted) -> None:
    kept = [one for one in state.components if one not in entry.remove]
    state.components = tuple(kept + [one for one in entry.add if one not in kept])
    state.removed = (state.removed | set(entry.remove)) - set(entry.add)
    if state.public_updates:
        happen(state, at, "components_changed", person=True)


def _status_by_person(state: Group, at: Instant, status: Status) -> None:
    if status is Status.resolved:
        if state.phase == "open":
            for episode in state.episodes.values():
                if episode.firing:
                    episode.believed = True
            state.firing = 0
            state.believed_asked = False
            close(state, at)
            happen(state, at, "resolved", Status.resolved, person=True)
        return
    if state.phase == "resolved":
        reopen(state, at)
        state.status_before, state.status = Status.investigating, status
        happen(state, at, "reopened", status, person=True)
    elif status is not state.status:
        state.status_before, state.status = state.status, status
        if status in STATUS_EVENTS:
            happen(state, at, STATUS_EVENTS[status], status, person=True)
        else:
            leave(state, status)
    if status is Status.monitoring:
        state.monitoring_at = at
    state.status_at = at
    state.refired = False
    state.status_stands = state.firing == 0
