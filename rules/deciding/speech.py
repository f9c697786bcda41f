"""Saying something: where it goes, in which words, and whether people must agree first."""

from __future__ import annotations

from daemon.core import update_id
from daemon.core.clock import Instant
from daemon.core.group import Pending, PersonText
from daemon.core.journal import PlanChanged, Said, Skipped, Waiting
from daemon.core.limits import OverBudget
from daemon.core.words import Audience, Status
from rules.deciding.asks import ask, text_facts
from rules.deciding.draft import Draft
from rules.deciding.shadow import shadow
from rules.model import Approve, Plan, RuleSet, Step, TextError

PERSON = "person"
COLLAPSED = "collapsed"
OVER_BUDGET = "over budget"


def skip(draft: Draft, plan: str, step: str, occasion: str, reason: str) -> None:
    draft.add(Skipped(step=step, plan=plan, occasion=occasion, reason=reason))


def counts(draft: Draft, plan: Plan | None, channels: tuple[str, ...]) -> bool:
    """Whether an update there counts: on a page, or in a plan without one on any of its ``to``."""
    if any(draft.is_page(name) for name in channels):
        return True
    if plan is None or draft.plan_has_page(plan):
        return False
    return any(name in plan.to for name in channels)


def say_posts(
    draft: Draft,
    posts: dict[str, str],
    *,
    step: str,
    plan: str,
    occasion: str,
    promise: Instant | None = None,
    who: str = "",
    carried: bool = False,
    left_out: dict[str, str] | None = None,
) -> Said:
    """Journal a text on its way to channels."""
    state = draft.state
    internal = tuple(name for name in posts if not draft.is_public(name))
    said = Said(
        update=update_id.text(state.public_id, occasion),
        step=step,
        audience=Audience.internal if len(internal) == len(posts) else Audience.public,
        status=state.status,
        impact=state.impact,
        posts=posts,
        plan=plan,
        occasion=occasion,
        counts=counts(draft, draft.rules.plans.get(plan), tuple(posts)),
        promise=promise if promise is None or promise > draft.now else None,
        who=who,
        pages=tuple(name for name in posts if draft.is_page(name)),
        internal=internal,
        left_out=left_out or {},
        components=state.components,
        carried=carried,
        shadow=state.shadow,
    )
    draft.add(said)
    return said


def say_by_rule(
    draft: Draft,
    posts: dict[str, str],
    *,
    step: str,
    plan: str,
    occasion: str,
    promise: Instant | None,
    left_out: dict[str, str] | None = None,
) -> None:
    """Say a rule's text where the channel's hour has room; elsewhere the newest text waits for it."""
    state = draft.state
    bound = not state.shadow and state.status is not Status.resolved
    over = tuple(name for name in posts if bound and not draft.has_room(name))
    if len(over) < len(posts):
        within = {name: text for name, text in posts.items() if name not in over}
        say_posts(
            draft, within, step=step, plan=plan, occasion=occasion, promise=promise,
            left_out={**(left_out or {}), **dict.fromkeys(over, OVER_BUDGET)},
        )  # fmt: skip
    else:
        skip(draft, plan, step, occasion, OVER_BUDGET)
    for name in over:
        internal, until = not draft.is_public(name), state.spent[name]
        draft.add(OverBudget(step, plan, (name,), state.status, until, internal))


def words(
    draft: Draft, step: str, say: str, channels: tuple[str, ...], promise: Instant | None
) -> dict[str, str]:
    """The text ``say`` for each channel; a template that fails gives way to the built-in text."""
    facts = text_facts(draft, step=step, next_update_at=promise)
    posts: dict[str, str] = {}
    for name in channels:
        channel = draft.rules.channels[name]
        shown = facts if channel.audience is Audience.internal else {**facts, "note": ""}
        try:
            posts[name] = draft.rules.texts.render(say, channel, shown)
        except TextError as error:
            draft.failed.append((f"text/{say}/{name}", f"text {say} on {name}: {error}"))
            posts[name] = draft.rules.texts.built_in(say, channel, shown)
    return posts


def say_step(draft: Draft, plan: Plan, step: Step, occasion: str, *, carry: bool) -> None:
    """One occasion of a ``say`` step: ends as said, asked or skipped, or waits for people."""
    channels = draft.target(step)
    if not channels:
        skip(draft, plan.id, step.id, occasion, "no channel to speak on")
        return
    if carry and draft.person_said:
        _carry(draft, plan, step, occasion, channels)
        return
    promise = draft.now + step.promise if step.promise is not None else None
    posts = words(draft, step.id, step.say, channels, promise)
    same = same_again(draft, posts)
    fresh = {name: text for name, text in posts.items() if name not in same}
    public = [name for name in fresh if draft.is_public(name)]
    if same and not public:
        ask(draft, "same text", whom=plan.ask, step=step, occasion=occasion, ready=posts[same[0]])
    elif public and draft.hushed:
        ask(
            draft,
            "taken_over",
            whom=ask_for_owner(draft, plan),
            step=step,
            occasion=occasion,
            ready=posts[public[0]],
        )
    elif step.approve is not None:
        wait_for_people(draft, plan, step, occasion, fresh, promise)
    else:
        say_by_rule(
            draft, fresh, step=step.id, plan=plan.id, occasion=occasion, promise=promise,
            left_out=dict.fromkeys(same, "same text"),
        )  # fmt: skip


def same_again(draft: Draft, posts: dict[str, str]) -> list[str]:
    """The public channels whose last text is this very one."""
    return [
        name for name, text in posts.items()
        if draft.is_public(name) and name in draft.state.channels
        and draft.state.channels[name].last_text == text
    ]  # fmt: skip


def ask_for_owner(draft: Draft, plan: Plan | None) -> str:
    """Whom a ready text is shown to while someone has taken over: the plan's ``ask`` reads along."""
    return (plan.ask if plan else "") or draft.state.taken_over_by


def _carry(draft: Draft, plan: Plan, step: Step, occasion: str, channels: tuple[str, ...]) -> None:
    """A person's words caused this step: they go to the channels of its ``to`` that lack them."""
    said = draft.person_said[-1]
    text = draft.person_words
    reached = {name for one in draft.person_said for name in one.posts}
    lacking = {name: text for name in channels if name not in reached}
    if not lacking:
        skip(draft, plan.id, step.id, occasion, "a person said it")
        return
    again = say_posts(
        draft, lacking, step=step.id, plan=plan.id, occasion=occasion, promise=said.promise,
        who=said.who, carried=True,
    )  # fmt: skip
    draft.person_said.append(again)


def wait_for_people(
    draft: Draft,
    plan: Plan,
    step: Step,
    occasion: str,
    posts: dict[str, str],
    promise: Instant | None,
) -> None:
    """Put the exact words to people, as the step's ``approve`` says."""
    approve = step.approve or Approve("one")
    draft.add(
        Waiting(
            step=step.id,
            plan=plan.id,
            occasion=occasion,
            need=approve.need,
            until=draft.now + approve.within,
            otherwise=approve.otherwise,
            posts=posts,
            promise=promise,
            attempt=draft.state.attempts.get(occasion, 0) + 1,
            first=not draft.state.page_told and any(draft.is_page(name) for name in posts),
        )
    )
    ask_approval(draft, draft.state.waiting[occasion])


def ask_approval(draft: Draft, pending: Pending) -> None:
    """Show people a text that waits for them."""
    plan = draft.rules.plans.get(pending.plan)
    ask(
        draft,
        "approval",
        whom=plan.ask if plan else "",
        ready=shown(pending.posts),
        waits=pending.occasion,
        more={
            "step": pending.step, "until": pending.until, "need": pending.need,
            "otherwise": pending.otherwise,
        },
    )  # fmt: skip


def shown(posts: dict[str, str]) -> str:
    """All words that would go out, each once; with their channels where they differ."""
    if len(set(posts.values())) == 1:
        return next(iter(posts.values()))
    channels: dict[str, list[str]] = {}
    for name, text in posts.items():
        channels.setdefault(text, []).append(name)
    return "\n\n".join(f"[{', '.join(names)}] {text}" for text, names in channels.items())


def say_waited(draft: Draft, pending: Pending) -> None:
    """The wait is over: exactly the words that people saw go out."""
    public = [name for name in pending.posts if draft.is_public(name)]
    same = same_again(draft, pending.posts)
    hushed = draft.hushed and not pending.votes  # whoever approved has spoken: that is a person's word
    if public and (hushed or len(same) == len(public)):
        step = next((one for one in draft.rules.plans[pending.plan].steps if one.id == pending.step), None)
        reason = "taken_over" if hushed else "same text"
        ask(draft, reason, step=step, occasion=pending.occasion, ready=pending.posts[public[0]])
        return
    say_by_rule(
        draft, {name: text for name, text in pending.posts.items() if name not in same},
        step=pending.step, plan=pending.plan, occasion=pending.occasion, promise=pending.promise,
        left_out=dict.fromkeys(same, "same text"),
    )  # fmt: skip


def say_person(draft: Draft, person: PersonText) -> None:
    """A person's update: where the last one that counts went, unless they say otherwise."""
    state = draft.state
    public_plan = _public_plan_for(draft, person)
    if public_plan:
        draft.add(PlanChanged(plan=public_plan, cause=PERSON))
        shadow(draft)
        draft.person_moved_plan = True
    plan = draft.plan
    channels = person.to or _default_channels(draft, person, plan)
    channels = tuple(dict.fromkeys(name for name in channels if draft.channel(name) is not None))
    if draft.rules.has_page and not state.page_told and any(draft.is_public(name) for name in channels):
        channels = tuple(dict.fromkeys((*draft.pages(), *channels)))
    posts = {name: person.text + _promised(draft, person, name) for name in channels}
    said = say_posts(
        draft, posts, step=PERSON, plan=state.plan, occasion=f"person/{person.number}",
        promise=person.promise, who=person.who,
    )  # fmt: skip
    draft.person_said.append(said)
    draft.person_words = next(iter(posts.values()), person.text)
    if said.counts:
        for pending in list(state.waiting.values()):
            skip(draft, pending.plan, pending.step, pending.occasion, "someone posted")


def _promised(draft: Draft, person: PersonText, name: str) -> str:
    """The sentence that tells a person's promise wherever their words go; empty without one."""
    if person.promise is None:
        return ""
    facts = text_facts(draft, next_update_at=person.promise)
    return " " + draft.rules.texts.built_in("promised", draft.rules.channels[name], facts)


def _public_plan_for(draft: Draft, person: PersonText) -> str:
    """The plan to move to when a person speaks in public first on an internal plan."""
    if person.plan and person.plan != draft.state.plan:
        return person.plan
    plan = draft.plan
    speaks = (
        not draft.state.shadow
        and plan is not None
        and any(draft.is_public(name) for name in (*plan.to, *(n for step in plan.steps for n in step.to)))
    )
    if speaks or not any(draft.is_public(name) for name in person.to):
        return ""
    return plan_for_customers(draft.rules)


def plan_for_customers(rules: RuleSet) -> str:
    """Where an incident moves that a person makes public; empty when every public plan is in shadow."""
    plan = rules.first_public_plan()
    return "" if plan in rules.plans and rules.plans[plan].shadow else plan


def _default_channels(draft: Draft, person: PersonText, plan: Plan | None) -> tuple[str, ...]:
    state = draft.state
    if person.resolves or state.phase != "open":
        return tuple(state.told) or state.last_counting_to
    moved = draft.person_moved_plan or (plan is not None and draft.page_is_silent(plan))
    if state.last_counting_to and not moved:
        return state.last_counting_to
    return plan.to if plan is not None else ()
