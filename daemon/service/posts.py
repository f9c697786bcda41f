"""From a decided text to rows of the outbox: rendered, frozen, keyed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

import msgspec

from daemon.core.clock import Instant
from daemon.core.delivery import MAY_BE_THERE, Delivery, DeliveryState
from daemon.core.group import Group
from daemon.core.journal import Asked, Said
from daemon.core.ports import Channel, Post, Question, Standing
from daemon.core.store import Tx
from daemon.core.suppression import in_force
from daemon.core.words import Audience, Status
from daemon.service.components import component_states
from rules.model import RuleSet

MOST_FACTS = 12
CONFIRMED = "confirmed"  # in a Ref: what a person says, instead of the channel's own names


def delivery_key(update: str, channel: str, recipient: str) -> str:
    """The client key: the same intent has the same key in every retry and after every restart."""
    return hashlib.sha256(f"{update}\n{channel}\n{recipient}".encode()).hexdigest()[:32]


def incident_name(state: Group) -> str:
    """INC-42, or the group's own name while it has no number."""
    return f"INC-{state.number}" if state.number else f"group {state.id}"


def of_said(
    tx: Tx,
    state: Group,
    said: Said,
    channels: Mapping[str, Channel],
    rules: RuleSet,
    live: Callable[[], Iterable[Group]] = tuple,
) -> Iterator[Delivery]:
    """One delivery per channel and recipient of a text; a page's one is already ``sent``.

    ``live`` gives the states of all live groups; asked for channels that mirror alone.
    """
    for name, text in said.posts.items():
        if name in said.pages and not said.shadow:
            yield row_of(tx, state, said.update, name, "", b"{}", Audience.public, sent=True)
            continue
        channel = channels.get(name)
        internal = name in said.internal
        if channel is None or (said.shadow and not internal):
            continue
        post = post_of(state, said, name, text, rules, internal=internal)
        if post.first:
            post = replace(post, standing=Standing(post.began, state.at))
        if channel.capabilities.mirrors:
            post = replace(post, states=component_states(state, said, name, live(), rules))
        doubts = first_doubts(tx, state, name) if said.status is Status.resolved and not internal else {}
        for row in _rows(tx, state, channel, post):
            row.waits_for = doubts.get(row.recipient)
            yield row


def post_of(state: Group, said: Said, channel: str, text: str, rules: RuleSet, *, internal: bool) -> Post:
    """The words as they go to a channel, with where the incident stood when they were said."""
    first = state.channels[channel].first
    return Post(
        key="",
        incident=incident_name(state),
        title=state.title,
        text=text,
        audience=Audience.internal if internal else Audience.public,
        status=said.status.name,
        impact=said.impact.name,
        components=_names(said.components, rules),
        first=first == said.update,
        page_name=rules.site.name,
        page_url=page_url(state, rules),
        at=state.at,
        update=said.update,
        thread=first,
        facts=_facts(state) if internal else {},
        public_id=state.public_id,
        began=state.opened_at or state.created_at,
    )


def first_doubts(tx: Tx, state: Group, channel: str) -> dict[str, int]:
    """Each recipient's first post on a channel whose fate is unknown: "resolved" waits behind it.

    If it never was there, whoever got nothing else hears nothing of the end.
    """
    if not tx.in_doubt(state.id, channel):
        return {}
    first: dict[str, int] = {}
    sent: set[str] = set()
    for row in tx.read_deliveries(state.id, MAY_BE_THERE):
        if row.channel == channel:
            first.setdefault(row.recipient, row.id)
            if row.state is DeliveryState.sent:
                sent.add(row.recipient)
    return {recipient: row for recipient, row in first.items() if recipient not in sent}


def of_asked(
    tx: Tx, state: Group, asked: Asked, channels: Mapping[str, Channel], rules: RuleSet
) -> Iterator[Delivery]:
    """The delivery of a question to its internal channel, if it has one."""
    channel = channels.get(asked.channel)
    if channel is None:
        return
    post = Post(
        key="",
        incident=incident_name(state),
        title=state.title,
        text=asked.text,
        audience=Audience.internal,
        status=state.status.name,
        impact=state.impact.name,
        components=_names(state.components, rules),
        first=state.channels[asked.channel].first == asked.update,
        page_name=rules.site.name,
        page_url=page_url(state, rules),
        at=state.at,
        mention=asked.mention,
        update=asked.update,
        thread=state.channels[asked.channel].first,
        facts=_facts(state),
        question=_question(state, asked),
    )
    yield from _rows(tx, state, channel, post)


def _question(state: Group, asked: Asked) -> Question | None:
    """What people may answer at once: that they work on it, and yes or no to a text that waits."""
    answers: list[Literal["acknowledge", "approve", "veto"]] = []
    if state.number and state.is_live and not state.acked_by:
        answers.append("acknowledge")
    pending = state.waiting.get(asked.waits)
    if pending is not None:
        answers += ["veto"] if pending.need == "veto" else ["approve", "veto"]
    if not answers:
        return None
    return Question(tuple(answers), pending.step if pending else "", pending.occasion if pending else "")


def page_url(state: Group, rules: RuleSet) -> str:
    """The incident's public page, or the home page while the incident is not on it."""
    base = rules.site.url.rstrip("/")
    return f"{base}/incidents/{state.public_id}" if state.page_told and not state.shadow else base


def _names(components: tuple[str, ...], rules: RuleSet) -> tuple[str, ...]:
    return tuple(rules.components[one].name if one in rules.components else one for one in components)


def _facts(state: Group) -> dict[str, str]:
    facts = {"alerts firing": str(state.firing)}
    if state.note:
        facts["summary"] = state.note
    if state.link.startswith(("https://", "http://")):
        facts["source"] = state.link
    return facts | dict(sorted((state.common or {}).items())[:MOST_FACTS])


def _rows(tx: Tx, state: Group, channel: Channel, post: Post) -> Iterator[Delivery]:
    left_out = in_force(tx, channel.name) if channel.capabilities.per_recipient else ()
    for recipient in channel.recipients():
        if recipient in left_out:
            continue
        key = delivery_key(post.update, channel.name, recipient)
        payload = channel.render(replace(post, key=key), recipient)
        body = msgspec.json.encode(payload, order="deterministic")
        yield row_of(tx, state, post.update, channel.name, recipient, body, channel.audience, sent=False)


def row_of(
    tx: Tx,
    state: Group,
    update: str,
    channel: str,
    recipient: str,
    payload: bytes,
    audience: Audience,
    *,
    sent: bool,
) -> Delivery:
    """A new row of the outbox, or one that is ``sent`` as it is written."""
    now: Instant = state.at
    number = tx.next_id("delivery")
    return Delivery(
        id=number,
        key=delivery_key(update, channel, recipient),
        group=state.id,
        update=update,
        channel=channel,
        audience=audience,
        recipient=recipient,
        payload=payload,
        state=DeliveryState.sent if sent else DeliveryState.queued,
        created_at=now,
        not_before=now,
        sequence=number,
    )
