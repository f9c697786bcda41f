"""Opening, impact, components and status: what alerts and time do to an incident."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.channel_view import ChannelView
from daemon.core.clock import MINUTE, Instant
from daemon.core.delivery import DeliveryState
from daemon.core.journal import (
    ComponentsChanged,
    Ended,
    ImpactRaised,
    Opened,
    PlanChanged,
    PromiseBroken,
    RaiseLooked,
    StatusChanged,
    Superseded,
)
from daemon.core.promise import broken_at
from daemon.core.words import Status
from rules.deciding.asks import NOWHERE, ask, text_facts
from rules.deciding.draft import Draft
from rules.deciding.flapping import ask_about_flapping, flapping_plan, flaps
from rules.model import Route, TextError

DOUBTFUL = (DeliveryState.held, DeliveryState.dead)
DOUBT_TOLD = 2 * MINUTE  # a post whose fate is unknown for so long is put to people (reliability, 3.3)
ASK_AGAIN = 30 * MINUTE  # while customers know nothing because the first text did not go out


def transitions(draft: Draft) -> None:
    """Everything that is due of impact, status and promise at this instant."""
    route = draft.route
    if draft.is_open:
        if route is not None:
            _components(draft, route)
            _impact(draft, route)
        _status(draft, route)
    if draft.is_open:
        _promise(draft)
        _silence(draft, route)
    _after_the_end(draft, route)
    if draft.state.phase != "pending":
        doubts(draft)


def open_if_due(draft: Draft) -> None:
    """From the instant at which ``for`` has passed there is an incident."""
    state, route = draft.state, draft.route
    if state.phase != "pending":
        return
    if route is None:
        if state.opened_by:
            draft.add(
                Opened(due=draft.now, plan=state.plan, impact=state.impact, components=state.components,
                       title=state.title or _title(draft, state.components))
            )  # fmt: skip
        return
    if not state.firing:
        if state.episodes:
            draft.add(Ended(how="never_opened"))
        return
    if state.pending_since is None or draft.now < state.pending_since + route.hold_for:
        return
    components = _matched(draft, route)
    due = state.pending_since + route.hold_for
    reason = flaps(draft, due)
    draft.add(
        Opened(
            due=due,
            plan=flapping_plan(draft) if reason else route.plan,
            impact=state.alert_impact,
            components=components,
            title=_title(draft, components),
            reason=reason,
        )
    )
    ask_about_flapping(draft, reason)


def _title(draft: Draft, components: tuple[str, ...]) -> str:
    facts = text_facts(draft, components=components, impact=max(draft.state.impact, draft.state.alert_impact))
    try:
        return draft.rules.texts.render("title", NOWHERE, facts)
    except TextError:
        return draft.rules.texts.built_in("title", NOWHERE, facts)


def _matched(draft: Draft, route: Route) -> tuple[str, ...]:
    """The components that the alerts are about, in the order of the files."""
    if route.components != "matched":
        return route.components
    return tuple(one for one in draft.rules.components if one in draft.state.about)


def _components(draft: Draft, route: Route) -> None:
    state = draft.state
    if route.components != "matched" or state.about.issubset(state.components):
        return
    new = [one for one in _matched(draft, route) if one not in state.components and one not in state.removed]
    if new:
        draft.add(ComponentsChanged(components=(*state.components, *new)))


def _impact(draft: Draft, route: Route) -> None:
    state = draft.state
    if state.alert_impact > state.impact:
        draft.add(ImpactRaised(impact=state.alert_impact, cause="alerts"))
    held = []
    for number, line in enumerate(route.raises):
        if not draft.holds(line.condition, f"raise/{number}"):
            continue
        held.append(number)
        turned = number not in state.raise_held
        wants = line.impact is not None and line.impact > state.impact
        if wants and line.impact is not None and (turned or not state.impact_by_person):
            draft.add(ImpactRaised(impact=line.impact, cause=f"raise {number}"))
        if line.plan and line.plan != state.plan and turned:
            draft.add(PlanChanged(plan=line.plan, cause=f"raise {number}"))
    if frozenset(held) != state.raise_held:
        draft.add(RaiseLooked(held=tuple(held)))


def monitoring_due(draft: Draft, route: Route | None) -> Instant | None:
    """When the group stops counting as firing; None while it fires, or a person's word stands."""
    state = draft.state
    if route is None or state.firing or state.clear_since is None or state.status_stands:
        return None
    return state.clear_since + route.keep_firing_for


def resolved_due(draft: Draft, route: Route | None) -> Instant | None:
    """When the incident resolves by itself; None while that is not in sight."""
    due = monitoring_due(draft, route)
    if due is None or route is None:
        return None
    if draft.state.status is Status.monitoring:
        return max(draft.state.monitoring_at, due) + route.monitor_for
    return due if route.monitor_for == 0 else None


def _status(draft: Draft, route: Route | None) -> None:
    state = draft.state
    if state.refired:
        draft.add(StatusChanged(status=state.status_before, due=draft.now, event="refired"))
    due = monitoring_due(draft, route)
    if (
        due is not None and route is not None and route.monitor_for
        and state.status < Status.monitoring and draft.now >= due
    ):  # fmt: skip
        draft.add(StatusChanged(status=Status.monitoring, due=due, event="monitoring"))
    due = resolved_due(draft, route)
    if due is not None and draft.now >= due:
        draft.add(StatusChanged(status=Status.resolved, due=due, event="resolved"))


def _promise(draft: Draft) -> None:
    state = draft.state
    if state.promise is not None and not state.broken_open and draft.now >= broken_at(state.promise):
        draft.add(PromiseBroken(due=state.promise))


def _silence(draft: Draft, route: Route | None) -> None:
    """Questions that no step asks: a monitor that fell silent, a first text that never went out."""
    due = stale_at(draft, route)
    if due is not None and draft.now >= due:
        ask(draft, "stale")
    if draft.plan is None and f"plan/{draft.state.plan}" not in draft.state.done:
        what = f"the plan {draft.state.plan!r} is in no rule file, so nothing is said by itself"
        ask(draft, "rule failed", detail=what, occasion=f"plan/{draft.state.plan}")
    due = unsaid_due(draft)
    if due is not None and draft.now >= due:
        ask(draft, "nothing said")


def doubts(draft: Draft) -> None:
    """A delivery that only a person can settle is put to people, each once, over another channel."""
    done = draft.state.done
    for name, mark, due in downs_due(draft):
        if draft.now >= due and mark not in done:
            ask(draft, "channel down", occasion=mark, detail=name, avoid=name)
            return
    for name, view in draft.state.channels.items():
        for update, state in view.states.items():
            mark = f"doubt/{name}/{update}"
            if state in DOUBTFUL and mark not in done:
                ask(draft, state, occasion=mark, detail=name, avoid=name)
                return
        for mark, due in doubts_due(name, view):
            if draft.now >= due and mark not in done:
                ask(draft, "unknown", occasion=mark, detail=name, avoid=name)
                return


def downs_due(draft: Draft) -> Iterator[tuple[str, str, Instant]]:
    """Channels that are down with texts waiting, and when people hear of it.

    Channels often come back together: after one did, the others get two minutes.
    """
    channels = draft.state.channels
    back = max((one.returned_at for one in channels.values() if one.returned_at is not None), default=None)
    for name, view in channels.items():
        if view.down and view.queued:
            yield name, f"down/{name}/{view.downs}", 0 if back is None else back + DOUBT_TOLD


def doubts_due(name: str, view: ChannelView) -> Iterator[tuple[str, Instant]]:
    """When people hear of each post whose fate is unknown, and the mark of their having heard."""
    return ((f"doubt/{name}/{update}", since + DOUBT_TOLD) for update, since in view.doubts.items())


def stale_at(draft: Draft, route: Route | None) -> Instant | None:
    """When the monitor's silence is worth a question; once per silence."""
    state = draft.state
    if route is None or not route.stale_after or not state.firing or state.heard_at is None:
        return None
    if state.asked_stale is not None and state.asked_stale > state.heard_at:
        return None
    return state.heard_at + route.stale_after


def unsaid_due(draft: Draft) -> Instant | None:
    """When people are asked again because customers know nothing yet.

    The first text for the page was vetoed, not approved, or became a question
    (paused, taken over); the occasion has ended, so no step will speak.
    """
    state, plan = draft.state, draft.plan
    if plan is None or state.page_told or not draft.is_open:
        return None
    if any(draft.is_page(name) for pending in state.waiting.values() for name in pending.posts):
        return None
    ended = [
        occasions.last for step in plan.steps
        if step.when == "after" and step.say and any(draft.is_page(name) for name in step.to)
        and (occasions := state.steps.get(f"{plan.id}/{step.id}")) is not None and occasions.last is not None
    ]  # fmt: skip
    return max(*ended, state.first_asked_at or 0) + ASK_AGAIN if ended else None


def _after_the_end(draft: Draft, route: Route | None) -> None:
    state = draft.state
    if state.phase not in ("resolved", "ended") or state.resolved_at is None:
        return
    _withdraw_queued(draft, state.resolved_at)
    if state.phase == "ended":
        return
    if state.retracted:
        draft.add(Ended(how="retracted"))
        return
    window = route.reopen_within if route is not None else 30 * MINUTE
    if state.firing:
        reason = flaps(draft, draft.now)
        draft.add(StatusChanged(status=Status.investigating, due=draft.now, event="reopened"))
        ask_about_flapping(draft, reason)
    elif draft.now >= state.resolved_at + window:
        if any(episode.firing for episode in state.episodes.values()) and not state.believed_asked:
            ask(draft, "still_firing")
        draft.add(Ended(how="resolved"))


def _withdraw_queued(draft: Draft, resolved_at: Instant) -> None:
    """A channel that was never told hears nothing of an incident that is over.

    Its first post is still queued, or came back out of a doubt, or was dropped
    by a person while "resolved" waited behind it.
    """
    names = tuple(
        name for name, view in draft.state.channels.items()
        if view.queued and not view.told and draft.is_public(name)
        and (
            min(one.at for one in view.queued.values()) < resolved_at
            or (view.first not in view.queued and max(one.at for one in view.queued.values()) <= resolved_at)
        )
    )  # fmt: skip
    if names:
        draft.add(Superseded(channels=names, reason="resolved before it left"))
