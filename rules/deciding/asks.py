"""Questions to people: who is asked, where, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.core import update_id
from daemon.core.journal import Asked
from daemon.core.words import Audience
from rules.deciding.draft import Draft
from rules.deciding.shadow import REHEARSED
from rules.model import ChannelRule, Step, TextError

NOWHERE = ChannelRule(id="operators", kind="log", audience=Audience.internal)

QUESTION_TEXTS = {
    "ask": "ask_update",
    "approval": "ask_approval",
    "taken_over": "ask_taken_over",
    "limit": "ask_limit",
    "same text": "ask_repeat",
    "stale": "ask_stale",
    "still_firing": "ask_still_firing",
    "nothing said": "ask_nothing_said",
    "approval ran out": "ask_skipped",
    "rule failed": "ask_rule_failed",
    "take_over_ending": "take_over_ending",
    "retract": "ask_retract",
    "flapping": "ask_flapping",
    "held": "ask_held",
    "unknown": "ask_unknown",
    "dead": "ask_dead",
    "channel down": "ask_down",
}


def reach(draft: Draft, whom: str) -> tuple[ChannelRule, str, str]:
    """Channel rule, channel id ("" when nobody can be reached) and mention of a person or channel.

    A question is internal: it never goes to a public channel.
    """
    person = draft.rules.people.get(whom)
    name, mention = (person.channel, person.mention) if person else (whom, "")
    channel = draft.channel(name) if name else None
    if channel is None or channel.audience is not Audience.internal:
        return NOWHERE, "", mention
    return channel, channel.id, mention


def default_whom(draft: Draft, avoid: str = "") -> str:
    """The plan's ``ask``; else the first person, else the first internal channel; never over ``avoid``."""
    plan = draft.plan
    asked = [plan.ask] if plan is not None and plan.ask else []
    internal = [name for name, rule in draft.rules.channels.items() if rule.audience is Audience.internal]
    for whom in (*asked, *draft.rules.people, *internal):
        name = reach(draft, whom)[1]
        if name and name != avoid:
            return whom
    return asked[0] if asked and not avoid else ""


def text_facts(draft: Draft, **more: Any) -> dict[str, Any]:
    """Everything that a text may look at; instants are raw, the text book formats them."""
    state = draft.state
    return {
        **draft.facts(),
        "title": state.title,
        "incident": f"INC-{state.number}" if state.number else "",
        "public_id": state.public_id,
        "now": draft.now,
        "started_at": state.started_at if state.started_at is not None else state.opened_at,
        "opened_at": state.opened_at,
        "last_update_at": state.last_counting,
        "next_update_at": state.promise,
        "note": state.note,
        "reason": "",
        "step": "",
        "ready": "",
        **({"told": []} if state.shadow else {}),  # the plan counts it as told, but nobody was
        **more,
    }


def ask(
    draft: Draft,
    reason: str,
    *,
    whom: str = "",
    step: Step | None = None,
    occasion: str = "",
    ready: str = "",
    detail: str = "",
    avoid: str = "",
    waits: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Journal a question; with ``step`` and ``occasion`` it ends that occasion.

    ``waits`` is the occasion whose text waits for the answer.
    ``more`` are facts for the question's text: ``until``, ``need``, ``minutes_left``.
    """
    draft.will_add()
    state = draft.state
    who = whom or default_whom(draft, avoid)
    channel, name, mention = reach(draft, who)
    facts = text_facts(
        draft, **{"reason": detail, "step": step.id if step else "", "ready": ready, **(more or {})}
    )
    text = _question(draft, reason, channel, facts)
    draft.add(
        Asked(
            update=update_id.question(state.public_id, state.questions + 1),
            whom=who,
            channel=name,
            text=text,
            reason=reason,
            step=step.id if step else "",
            plan=state.plan if step else "",
            occasion=occasion,
            mention=mention,
            ready=ready,
            waits=waits,
        )
    )


def _question(draft: Draft, reason: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
    name = QUESTION_TEXTS.get(reason, "ask_update")
    try:
        text = draft.rules.texts.render(name, channel, facts)
    except TextError:
        text = draft.rules.texts.built_in(name, channel, facts)
    return f"{text}\n\n{REHEARSED}" if draft.state.shadow and facts["ready"] else text


def ask_about_failures(draft: Draft) -> bool:
    """Tell people about rules that raised, each occasion once."""
    asked = False
    for occasion, what in draft.failed:
        mark = f"failed/{occasion}"
        if mark in draft.state.done:
            continue
        ask(draft, "rule failed", detail=what, occasion=mark)
        asked = True
    draft.failed.clear()
    return asked
