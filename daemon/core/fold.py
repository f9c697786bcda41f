"""How an entry becomes state: the only place that changes a ``Group``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from daemon.core import journal as j
from daemon.core.acts import acted, close, happen, move_plan, note_opening, reopen
from daemon.core.channel_view import AGAIN, ChannelView, Queued
from daemon.core.clock import Instant, Span
from daemon.core.delivery import FINAL, MAY_BE_THERE, DeliveryState
from daemon.core.group import Episode, Group, Occasions, PageUpdate, Pending
from daemon.core.limits import SHADOW, budget_spent, earlier, had_room, over_budget, shadowed
from daemon.core.promise import broken_at
from daemon.core.setback import set_back
from daemon.core.words import Audience, Status

PERSON = "person"
OPEN_MATTERS = ("doubt/", "down/")  # questions that are asked as long as they are open
SETTLED = FINAL | {DeliveryState.held}


def apply(state: Group, recorded: j.Recorded) -> None:
    """Fold one entry in."""
    state.sequence = recorded.sequence
    state.at = recorded.at
    _FOLDS[recorded.entry.kind](state, recorded.at, recorded.entry)


def add(state: Group, at: Instant, entry: j.Entry) -> j.Recorded:
    """Fold one new entry in and return it with its place."""
    recorded = j.Recorded(state.sequence + 1, at, entry)
    apply(state, recorded)
    return recorded


def fold_all(group: int, entries: Iterable[j.Recorded]) -> Group:
    """The state that a whole journal adds up to."""
    state = Group(id=group)
    for recorded in entries:
        apply(state, recorded)
    return state


def _created(state: Group, at: Instant, entry: j.Created) -> None:
    state.public_id, state.rules, state.route = entry.public_id, entry.rules, entry.route
    state.labels, state.plan, state.title = entry.labels, entry.plan, entry.title
    state.opened_by = entry.who
    state.impact, state.components = entry.impact, entry.components
    state.impact_by_person = bool(entry.who)
    state.created_at = at


def _alerts(state: Group, at: Instant, entry: j.Alerts) -> None:
    state.heard_at = at
    for fired in entry.fired:
        _fired(state, at, fired)
    if entry.fired:
        state.common = (
            dict(entry.common)
            if state.common is None
            else {key: value for key, value in state.common.items() if entry.common.get(key) == value}
        )
        state.note = entry.note or state.note
        state.link = entry.link or state.link
        state.status_stands = False
        state.refired = state.refired or (state.phase == "open" and state.status is Status.monitoring)
    for number in entry.cleared:
        _cleared(state, number)
    if state.firing:
        state.clear_since = None
        if state.pending_since is None:
            state.pending_since = at
        elif entry.cleared and state.phase == "pending":  # `for`: one alert must fire all that time
            state.pending_since = min(one.since for one in state.episodes.values() if one.firing)
    elif state.clear_since is None:
        state.clear_since = at
        state.pending_since = None


def _fired(state: Group, at: Instant, fired: j.Fired) -> None:
    known = state.episodes.get(fired.episode)
    if known is None or not known.firing:
        state.firing += 1
    if fired.component not in state.about:
        state.about |= {fired.component}
    moved = known is not None and known.component != fired.component
    state.episodes[fired.episode] = Episode(
        starts_at=fired.starts_at, firing=True, component=fired.component, impact=fired.impact, since=at
    )
    if moved:  # an episode that says something else now: rare, so all of them are asked
        state.about = frozenset(episode.component for episode in state.episodes.values())
    state.alert_impact = max(state.alert_impact, fired.impact)
    if state.started_at is None or fired.starts_at < state.started_at:
        state.started_at = fired.starts_at


def _cleared(state: Group, number: int) -> None:
    episode = state.episodes.get(number)
    if episode is None or not episode.firing:
        return
    episode.firing = False
    if not episode.believed:
        state.firing -= 1


def _heard(state: Group, at: Instant, _entry: j.Heard) -> None:
    state.heard_at = at


def _gap(state: Group, at: Instant, entry: j.Gap) -> None:
    """`for`, `keep_firing_for`, `monitor_for` and approval windows did not run meanwhile."""
    if entry.since > at:
        set_back(state, at, entry.since)
        return

    def lost(began: Instant) -> Span:
        """What the gap took of a span: the heartbeat before it may be older than the span itself."""
        return max(at - max(entry.since, began), 0)

    if state.pending_since is not None and state.phase == "pending":
        for episode in state.episodes.values():
            episode.since += lost(episode.since)
        state.pending_since += lost(state.pending_since)
    if state.clear_since is not None:
        state.clear_since += lost(state.clear_since)
    if state.status is Status.monitoring:
        state.monitoring_at += lost(state.monitoring_at)
    for pending in state.waiting.values():
        pending.until += lost(pending.since)


def _numbered(state: Group, _at: Instant, entry: j.Numbered) -> None:
    state.number = entry.number


def _delivery(state: Group, at: Instant, entry: j.DeliveryMoved) -> None:
    if entry.edits:  # what a post shows now is no news: the words went out as posts
        return
    view = state.channels.setdefault(entry.channel, ChannelView())
    view.states[entry.update] = entry.state
    if entry.state == DeliveryState.queued:
        view.queued.setdefault(entry.update, Queued(at, by_person=True))  # a person sends it again
    elif entry.state in SETTLED:  # out of a doubt it may come back to the queue: it keeps its place
        settled = view.queued.pop(entry.update, None)
        if settled is not None and settled.text and entry.state in MAY_BE_THERE:
            view.left_text = settled.text
    if entry.state == DeliveryState.unknown:
        view.doubts.setdefault(entry.update, at)
    else:
        view.doubts.pop(entry.update, None)
    view.told = any(one in MAY_BE_THERE for one in view.states.values())


def _channel(state: Group, at: Instant, entry: j.ChannelTurned) -> None:
    view = state.channels.setdefault(entry.channel, ChannelView())
    if entry.tried or (view.down and not entry.down):
        view.returned_at = at
    view.downs += entry.down and not view.down
    view.down = entry.down


def _paused(state: Group, _at: Instant, entry: j.Paused) -> None:
    state.paused_by, state.paused_until = entry.who, entry.until


def _resumed(state: Group, _at: Instant, _entry: j.Resumed) -> None:
    state.paused_by, state.paused_until = "", None


def _opened(state: Group, _at: Instant, entry: j.Opened) -> None:
    state.phase = "open"
    state.opened_at = state.open_since = state.status_at = state.plan_began = entry.due
    state.plan, state.impact, state.components = entry.plan, entry.impact, entry.components
    state.title = entry.title or state.title
    state.plan_by_person = bool(state.opened_by)
    note_opening(state, entry.due)


def _status(state: Group, at: Instant, entry: j.StatusChanged) -> None:
    state.refired = False
    if entry.status is Status.resolved:
        close(state, entry.due)
    elif state.phase == "resolved":
        reopen(state, entry.due)
        state.status = entry.status
    else:
        state.status_before, state.status = state.status, entry.status
    state.status_at = entry.due
    if entry.status is Status.monitoring:
        state.monitoring_at = entry.due
    if entry.event:
        happen(state, at, entry.event, entry.status, due=entry.due)


def _impact(state: Group, at: Instant, entry: j.ImpactRaised) -> None:
    state.impact = entry.impact
    if state.public_updates:
        happen(state, at, "impact_raised")


def _components(state: Group, at: Instant, entry: j.ComponentsChanged) -> None:
    state.components = entry.components
    if state.public_updates:
        happen(state, at, "components_changed")


def _plan(state: Group, at: Instant, entry: j.PlanChanged) -> None:
    move_plan(state, at, entry.plan, person=entry.cause == PERSON)


def _raise(state: Group, _at: Instant, entry: j.RaiseLooked) -> None:
    state.raise_held = frozenset(entry.held)


def _anew(state: Group, occasion: str) -> None:
    if occasion.startswith(AGAIN):
        had_room(state, (occasion.removeprefix(AGAIN).rpartition("/")[0],))


def _occasion_ended(state: Group, at: Instant, entry: j.Said | j.Asked | j.StepSet | j.Skipped) -> None:
    if not entry.occasion:
        return
    state.done.add(entry.occasion)
    _anew(state, entry.occasion)
    state.waiting.pop(entry.occasion, None)
    if not entry.step or entry.occasion.startswith(AGAIN):  # the step's own occasion has ended before
        return
    occasions = state.steps.setdefault(f"{entry.plan}/{entry.step}", Occasions())
    occasions.rounds += 1
    occasions.last = at
    if not isinstance(entry, j.Skipped):
        occasions.count += 1


def _said(state: Group, at: Instant, entry: j.Said) -> None:
    _occasion_ended(state, at, entry)
    had_room(state, entry.posts)
    for channel, text in entry.posts.items():
        view = state.channels.setdefault(channel, ChannelView())
        view.audience = Audience.internal if channel in entry.internal else Audience.public
        view.last_text = text
        view.posts += 1
        view.components |= frozenset(entry.components)
        view.first = view.first or entry.update
        if entry.shadow and channel not in entry.internal:
            view.states[entry.update] = SHADOW
            view.told = True
            state.page_told = state.page_told or channel in entry.pages
        elif channel in entry.pages:
            view.states[entry.update] = DeliveryState.sent
            view.told = state.page_told = True
        else:
            view.states[entry.update] = DeliveryState.queued
            view.queued[entry.update] = Queued(
                at, text, entry.step, entry.plan, entry.status, by_person=bool(entry.who)
            )
    if entry.pages and not entry.shadow:
        state.updates.append(
            PageUpdate(
                entry.update, at, entry.status, entry.impact, entry.posts[entry.pages[0]],
                entry.components, bool(entry.who),
            )
        )  # fmt: skip
    if entry.audience is Audience.public:
        state.public_updates += 1
    if entry.step == PERSON and state.person and not entry.carried:
        state.person.pop(0)
    if entry.counts:
        _counted(state, at, entry)


def _counted(state: Group, at: Instant, entry: j.Said) -> None:
    if entry.carried and state.last_counting == at:  # the same words reach further: no second update
        state.last_counting_to = tuple(sorted({*state.last_counting_to, *entry.posts}))
        return
    since = state.last_counting if state.last_counting is not None else state.opened_at
    if since is not None and state.phase == "open":
        state.longest_silence = max(state.longest_silence, at - since)
    if state.promise is not None and not state.broken_open:
        if at < broken_at(state.promise):
            state.promises_kept += 1
        else:  # these very words came too late, before a decision could say so
            state.promises_broken += 1
    state.promise = entry.promise
    state.broken_open = False
    state.last_counting = at
    state.last_counting_to = tuple(sorted(entry.posts))  # as the stored entry has them, after a restart too
    state.unattended = 0 if entry.who else state.unattended + 1


def _asked(state: Group, at: Instant, entry: j.Asked) -> None:
    _occasion_ended(state, at, entry)
    state.questions += 1
    if entry.channel:
        view = state.channels.setdefault(entry.channel, ChannelView())
        view.audience = Audience.internal  # also where all that was known of it is that it is down
        view.states[entry.update] = DeliveryState.queued
        view.queued[entry.update] = Queued(at, question=entry.reason, occasion=entry.occasion)
        view.first = view.first or entry.update
    match entry.reason:
        case "stale":
            state.asked_stale = at
        case "take_over_ending":
            state.take_over_announced = True
        case "still_firing":
            state.believed_asked = True
        case "nothing said":
            state.first_asked_at = at
        case _:
            pass


def _set(state: Group, at: Instant, entry: j.StepSet) -> None:
    _occasion_ended(state, at, entry)
    if entry.impact is not None:
        state.impact = entry.impact
        if state.public_updates:
            happen(state, at, "impact_raised")
    if entry.move_to:
        move_plan(state, at, entry.move_to, person=False)


def _skipped(state: Group, at: Instant, entry: j.Skipped) -> None:
    pending = state.waiting.get(entry.occasion)
    if pending is not None and pending.first and pending.vetoed_by and not state.page_told:
        state.first_vetoed_at = at
    _occasion_ended(state, at, entry)


def _waiting(state: Group, at: Instant, entry: j.Waiting) -> None:
    state.attempts[entry.occasion] = entry.attempt
    _anew(state, entry.occasion)
    state.waiting[entry.occasion] = Pending(
        entry.step, entry.plan, entry.occasion, entry.need, at, entry.until, entry.otherwise, entry.posts,
        entry.promise, entry.attempt, state.status, state.impact, state.components, first=entry.first,
    )  # fmt: skip


def _withdrawn(state: Group, _at: Instant, entry: j.Withdrawn) -> None:
    state.waiting.pop(entry.occasion, None)


def _promise_broken(state: Group, at: Instant, _entry: j.PromiseBroken) -> None:
    state.broken_open = True
    state.promises_broken += 1
    happen(state, at, "promise_broken")


def _take_over_ended(state: Group, _at: Instant, _entry: j.TakeOverEnded) -> None:
    state.taken_over_by, state.taken_over_act = "", None


def _superseded(state: Group, _at: Instant, entry: j.Superseded) -> None:
    for name in entry.channels:
        view = state.channels[name]
        gone = [update for update in view.queued if not entry.updates or update in entry.updates]
        for update in gone:
            one = view.queued.pop(update)
            view.states[update] = DeliveryState.superseded
            view.posts -= not one.question
            if one.occasion.startswith(OPEN_MATTERS):  # still so: they are asked anew
                state.done.discard(one.occasion)
        if view.first in gone:
            view.first = next(iter(view.queued), "")
        left = [one.text for one in view.queued.values() if one.text]
        view.last_text = left[-1] if left else view.left_text
        view.again += entry.again


def _ended(state: Group, _at: Instant, entry: j.Ended) -> None:
    state.phase, state.ended = "ended", entry.how


_FOLDS: dict[str, Callable[[Group, Instant, Any], None]] = {
    "created": _created, "alerts": _alerts, "heard": _heard, "gap": _gap, "numbered": _numbered,
    "delivery": _delivery, "channel": _channel, "paused": _paused, "resumed": _resumed, "acted": acted,
    "opened": _opened, "status": _status, "impact": _impact, "components": _components, "plan": _plan,
    "raise": _raise, "said": _said, "asked": _asked, "set": _set, "skipped": _skipped,
    "waiting": _waiting, "withdrawn": _withdrawn, "promise_broken": _promise_broken,
    "take_over_ended": _take_over_ended, "superseded": _superseded, "ended": _ended, "shadowed": shadowed,
    "earlier": earlier, "budget_spent": budget_spent, "over_budget": over_budget,
}  # fmt: skip
