"""Why a step of an incident acted, or did not: its journal read again with the rules that it keeps.

Facts are taken from the same draft that ``decide`` works on, and what comes next
is found by calling ``decide`` as the daemon would.  Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from daemon.core import fold
from daemon.core import journal as j
from daemon.core.clock import HOUR, Instant
from daemon.core.group import Group
from rules.deciding.draft import Draft
from rules.expression import CelCondition
from rules.lab.parts import Part, changes, parts, shown
from rules.lab.waits import still_to_come
from rules.model import RuleSet, Step
from rules.settle import settle

AHEAD = 24 * HOUR  # how far the future is looked at
MOST_CALLS = 500


@dataclass(frozen=True, slots=True)
class Approval:
    """Who was asked to agree, and what they said."""

    need: str
    since: Instant
    until: Instant
    otherwise: str
    votes: tuple[tuple[Instant, str, str], ...] = ()  # when, who, approve or veto


@dataclass(frozen=True, slots=True)
class Moment:
    """One occasion of a step, or why there was none; ``at`` is when it was decided, or looked at."""

    plan: str
    step: str
    occasion: str
    at: Instant
    outcome: str  # said | asked | set | skipped | waiting | withdrawn | not yet | never
    reason: str = ""
    to: tuple[str, ...] = ()
    condition: str = ""
    holds: bool | None = None
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    approval: Approval | None = None
    changed_by: tuple[str, ...] = ()
    expected: Instant | None = None  # when it will act if nothing changes


@dataclass(slots=True)
class _Reading:
    """What the journal said so far."""

    rules: RuleSet
    state: Group
    found: list[Moment] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)  # occasion -> its moment, while it may change
    last: tuple[Group, Instant] | None = None  # the newest state in which it was open


def explain(
    group: int, journal: Sequence[j.Recorded], rules: RuleSet, now: Instant, step: str = ""
) -> list[Moment]:
    """Every occasion of each step (or of one), oldest first; then the steps that have not acted.

    ``rules`` must be the version that the group keeps.
    """
    reading = _Reading(rules, Group(id=group))
    for recorded in journal:
        _read(reading, recorded)
        fold.apply(reading.state, recorded)
        if reading.state.phase == "open":
            reading.last = None
    moments = [*reading.found, *_not_acted(reading, journal, now)]
    return [one for one in moments if not step or one.step == step]


def steps_of(rules: RuleSet) -> set[str]:
    """The ids of all steps."""
    return {step.id for plan in rules.plans.values() for step in plan.steps}


def _read(reading: _Reading, recorded: j.Recorded) -> None:
    entry = recorded.entry
    if isinstance(entry, j.StatusChanged) and entry.event == "resolved" and reading.state.phase == "open":
        reading.last = (reading.state.copy(), recorded.at)
    if isinstance(entry, j.Acted) and entry.act in ("approve", "veto") and entry.occasion in reading.open:
        _vote(reading, recorded.at, entry)
    if not isinstance(entry, j.Said | j.Asked | j.StepSet | j.Skipped | j.Waiting | j.Withdrawn):
        return
    if not entry.step or not entry.occasion or entry.step == fold.PERSON:
        return
    outcome, reason, to = _outcome(entry)
    known = reading.open.get(entry.occasion)
    if known is None:
        reading.open[entry.occasion] = len(reading.found)
        moment = _moment(reading, recorded.at, entry.plan, entry.step, entry.occasion)
        reading.found.append(replace(moment, outcome=outcome, reason=reason, to=to))
    else:
        moment = reading.found[known]
        reading.found[known] = replace(moment, at=recorded.at, outcome=outcome, reason=reason, to=to)
    number = reading.open[entry.occasion]
    if isinstance(entry, j.Waiting):
        approval = Approval(entry.need, recorded.at, entry.until, entry.otherwise)
        reading.found[number] = replace(reading.found[number], approval=approval)
    reading.found[number] = _changed_by(reading.found[number], reading.rules)


def _outcome(
    entry: j.Said | j.Asked | j.StepSet | j.Skipped | j.Waiting | j.Withdrawn,
) -> tuple[str, str, tuple[str, ...]]:
    match entry:
        case j.Said():
            left = "; ".join(f"not on {name}: {why}" for name, why in entry.left_out.items())
            return "said", left, tuple(entry.posts)
        case j.Asked():
            reason = "" if entry.reason == "ask" else entry.reason
            return "asked", reason, (entry.channel or "nobody can be reached",)
        case j.StepSet():
            what = [entry.impact.name] if entry.impact is not None else []
            return "set", ", ".join([*what, *([entry.move_to] if entry.move_to else [])]), ()
        case j.Waiting():
            return "waiting", "", tuple(entry.posts)
        case j.Withdrawn():
            return "withdrawn", entry.reason, ()
        case _:
            return "skipped", entry.reason, ()


def _vote(reading: _Reading, at: Instant, entry: j.Acted) -> None:
    number = reading.open[entry.occasion]
    moment = reading.found[number]
    if moment.approval is not None:
        votes = (*moment.approval.votes, (at, entry.who, entry.act))
        reading.found[number] = replace(moment, approval=replace(moment.approval, votes=votes))


def _moment(reading: _Reading, at: Instant, plan: str, step: str, occasion: str) -> Moment:
    """The facts of that instant, and the expression's parts under them."""
    draft = Draft(reading.state, reading.rules, at)
    facts = draft.facts()
    found = _step(reading.rules, plan, step)
    condition = found.condition if found is not None else None
    names = {"impact", "status", "alerts_firing", *(condition.names if condition is not None else ())}
    moment = Moment(
        plan, step, occasion, at, "", facts=tuple((name, shown(facts[name])) for name in sorted(names))
    )
    if not isinstance(condition, CelCondition):
        return moment
    taken = parts(condition, reading.rules, facts)
    other = changes(condition, facts)
    return replace(
        moment, condition=condition.source, parts=taken, holds=taken[0].value, changed_by=other
    )  # fmt: skip


def _step(rules: RuleSet, plan: str, step: str) -> Step | None:
    found = rules.plans.get(plan)
    return next((one for one in found.steps if one.id == step), None) if found is not None else None


_OTHERWISE = {
    "resolved": "the incident being open for longer",
    "someone posted": "no update by a person meanwhile",
    "a person said it": "no words of a person at that instant",
    "collapsed": "no other step speaking on these channels at the same instant",
    "the page has no first update yet": "a first update on the page",
    "no channel to speak on": "a public channel that was told before",
    "plan changed": "the plan being followed to the end of the wait",
    "already so": "a lower impact, or another plan",
    "the status was left meanwhile": "the status lasting for the whole of `after`",
    "taken_over": "nobody having taken over",
    "same text": "other words than those said last",
    "limit": "a higher `limit`",
}


def _changed_by(moment: Moment, rules: RuleSet) -> Moment:
    """What would have changed the outcome, as far as the expression is not all of it."""
    approval = moment.approval
    more: list[str] = []
    if moment.outcome in ("said", "asked", "set") and moment.reason not in _OTHERWISE:
        if approval is not None:
            more.append("a veto in time" if approval.need == "veto" else "too few approvals in time")
    elif moment.outcome == "skipped" and moment.reason.startswith("vetoed"):
        more.append("no veto")
    elif moment.outcome == "skipped" and moment.reason == "no approval in time" and approval is not None:
        more.append(f"{approval.need} approval{'s' if approval.need == 'two' else ''} in time")
    elif moment.reason in _OTHERWISE:
        more.append(_OTHERWISE[moment.reason])
    keep = moment.outcome in ("said", "asked", "set", "waiting") or moment.holds is False
    found = _step(rules, moment.plan, moment.step)
    own = changes_of(moment) if keep and found is not None and found.condition is not None else ()
    return replace(moment, changed_by=(*own, *more))


def changes_of(moment: Moment) -> tuple[str, ...]:
    """Those of its changes that are about facts."""
    return tuple(one for one in moment.changed_by if " == " in one)


def _not_acted(reading: _Reading, journal: Sequence[j.Recorded], now: Instant) -> Iterator[Moment]:
    """The steps of the plan in force that have not acted, with what they wait for."""
    over = reading.state.phase not in ("pending", "open")
    state, at = reading.last if reading.last is not None else (reading.state, now)
    plan = reading.rules.plans.get(state.plan or _plan_to_come(reading))
    if plan is None or not journal:
        return
    acted = {(one.plan, one.step) for one in reading.found if one.outcome != "withdrawn"}
    ahead = {} if over else _ahead(reading.state, reading.rules, now)
    then = _Reading(reading.rules, state)
    for step in plan.steps:
        if (plan.id, step.id) in acted and (over or step.when != "every"):
            continue
        wait = still_to_come(Draft(state, reading.rules, at), plan, step)
        moment = _moment(then, at, plan.id, step.id, "")
        fails = wait.due and moment.holds is False
        own = changes_of(moment) if fails else ()
        yield replace(
            moment,
            outcome="never" if over else "not yet",
            reason="its condition does not hold" if fails else wait.why,
            changed_by=(*own, *([wait.otherwise] if wait.otherwise else [])),
            expected=ahead.get((plan.id, step.id)),
        )


def _plan_to_come(reading: _Reading) -> str:
    """The plan of an incident that has not opened."""
    route = reading.rules.route(reading.state.route)
    return route.plan if route is not None else ""


def _ahead(state: Group, rules: RuleSet, now: Instant) -> dict[tuple[str, str], Instant]:
    """When each step acts next if nothing comes in: the future as the one ``decide`` sees it."""
    found: dict[tuple[str, str], Instant] = {}
    state, due = state.copy(), now
    inputs: list[j.Entry] = []
    for _ in range(MOST_CALLS):
        done = settle(state, inputs, rules, due, due=None, number=_no_number)
        for one in done.recorded:
            entry = one.entry
            if isinstance(entry, j.Said | j.Asked | j.StepSet | j.Waiting) and entry.step:
                found.setdefault((entry.plan, entry.step), one.at)
        inputs = _sent(done.recorded)
        state = done.state
        if inputs:
            continue
        if done.next_due is None or done.next_due > now + AHEAD:
            break
        due = done.next_due
    return found


def _sent(recorded: Sequence[j.Recorded]) -> list[j.Entry]:
    """What the outbox would answer: all is sent."""
    return [
        j.DeliveryMoved(name, one.entry.update, "sent")
        for one in recorded if isinstance(one.entry, j.Said)
        for name in one.entry.posts if name not in one.entry.pages
    ]  # fmt: skip


def _no_number() -> int:
    return 1
