"""The story as it happens: webhooks, journal entries and what the stand-ins took, in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from daemon.core import journal as j
from daemon.core.clock import MINUTE, Instant
from daemon.core.group import Group
from daemon.core.words import Status
from daemon.demo.stand_in import Receipt

NAMES = {
    "first": "first update",
    "holding": "holding update",
    "social": "the two-hour post",
    "clear": "recovery: we are watching",
    "relapse": "it is back",
    "done": "resolved",
    "nag": "people are asked for an update",
    "person": "a person's update",
}
"""The starter pack's steps in words."""

TROUBLE = frozenset({"unknown", "held", "dead"})
LOOK = 60
"""Characters by which words are known again in what a channel made of them."""


class Kind(StrEnum):
    """What an event is about; the views give each a colour."""

    alert = "alert"
    incident = "incident"
    page = "page"
    mail = "mail"
    slack = "slack"
    nag = "nag"
    veto = "veto"
    x = "X"
    person = "person"
    trouble = "trouble"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    at: Instant
    kind: Kind
    title: str
    words: str = ""


@dataclass(slots=True)
class Story:
    """Everything that happened so far; ``listeners`` hear of each event as it comes."""

    began: Instant
    recipients: int
    events: list[Event] = field(default_factory=list)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    group: Group | None = None
    first_alert: Instant | None = None
    people_took_part: bool = False
    _firing: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)  # update id -> what it is
    _said: list[tuple[str, str]] = field(default_factory=list)  # words, what they are
    _mails: dict[str, int] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)

    def tell(self, at: Instant, kind: Kind, title: str, words: str = "") -> None:
        event = Event(at, kind, title, _flat(words))
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    # -- what comes in -----------------------------------------------------

    def webhook(self, at: Instant, body: bytes) -> None:
        """A body that the daemon has acknowledged."""
        self.first_alert = at if self.first_alert is None else self.first_alert
        alerts: list[dict[str, Any]] = json.loads(body)["alerts"]
        now = {
            one["fingerprint"]: one["annotations"]["summary"] for one in alerts if one["status"] == "firing"
        }
        new = [summary for fingerprint, summary in now.items() if fingerprint not in self._firing]
        gone = len(self._firing.keys() - now.keys())
        self._firing = now
        self.tell(at, Kind.alert, *_alert_words(now, new, gone))

    # -- what the daemon decides -------------------------------------------

    def entry(self, group: Group, recorded: j.Recorded) -> None:
        """An entry of the journal that is durable now."""
        self.group = group
        at = recorded.at
        match recorded.entry:
            case j.Opened() as opened:
                self._opened(at, group, opened)
            case j.Said() as said:
                self._say(at, said)
            case j.Asked() as asked:
                self._names[asked.update] = NAMES.get(asked.step, asked.step)
            case j.Waiting() as waiting:
                self._waiting(at, waiting)
            case j.Withdrawn() as withdrawn:
                self.tell(at, Kind.veto, f"the waiting post is withdrawn: {withdrawn.reason}")
            case j.Acted() as acted:
                self.people_took_part = True
                self.tell(at, Kind.person, f"{acted.who}: {acted.act.replace('_', ' ')}")
            case j.DeliveryMoved() as moved:
                self._moved(at, moved)
            case _:
                pass

    def _opened(self, at: Instant, group: Group, opened: j.Opened) -> None:
        waited = round((opened.due - group.created_at) / MINUTE)
        title = f"INC-{group.number} opens, {opened.impact.name} impact: it fires for {waited} min now"
        self.tell(at, Kind.incident, title, opened.title)

    def _waiting(self, at: Instant, waiting: j.Waiting) -> None:
        minutes, where = round((waiting.until - at) / MINUTE), ", ".join(waiting.posts).upper()
        self.tell(at, Kind.veto, f"two hours: a post for {where} waits {minutes} min for a veto")

    def _say(self, at: Instant, said: j.Said) -> None:
        self._names[said.update] = name = NAMES.get(said.step, said.step)
        self._said += [(_flat(words)[:LOOK], name) for words in said.posts.values()]
        if said.pages:
            self.tell(at, Kind.page, name, said.posts[said.pages[0]])
        if said.status is Status.resolved and said.pages:
            self.tell(at, Kind.incident, "the incident is over")

    def _moved(self, at: Instant, moved: j.DeliveryMoved) -> None:
        if moved.state in TROUBLE and not moved.edits:
            self.tell(at, Kind.trouble, f"a post on {moved.channel} is {moved.state}: {moved.reason}")

    # -- what arrives ------------------------------------------------------

    def receipt(self, one: Receipt) -> None:
        """Something that a stand-in took."""
        match one.channel:
            case "subscribers":
                self._mail(one)
            case "ops":
                self._slack(one)
            case _:
                self.tell(one.at, Kind.x, self._name(one.text), one.text)

    def refusal(self, channel: str, at: Instant) -> None:
        """A stand-in took nothing; told once."""
        if channel not in self._refused:
            self._refused.add(channel)
            self.tell(at, Kind.trouble, f"{channel} refuses what it is sent; Tocsin goes on and tries again")

    def _mail(self, one: Receipt) -> None:
        count = self._mails[one.intent] = self._mails.get(one.intent, 0) + 1
        if count == self.recipients:
            self.tell(
                one.at,
                Kind.mail,
                f"{count} mails: {self._name(one.text)}",
                "" if one.thread else f"“{one.title}”, the beginning of a thread",
            )

    def _name(self, text: str) -> str:
        """What the words in a text are, by how they begin."""
        whole = _flat(text)
        return next((name for words, name in reversed(self._said) if words in whole), "a post")

    def _slack(self, one: Receipt) -> None:
        name = self._names.get(one.title, "a message")
        if "tocsin veto" in one.text:
            self.tell(one.at, Kind.slack, "#ops: the post, and how to veto it", _question(one.text) or "")
        elif (question := _question(one.text)) is not None:
            self.tell(one.at, Kind.nag, f"#ops: {name}", question)
        else:
            self.tell(
                one.at,
                Kind.slack,
                f"#ops: {name}",
                "" if one.thread else "with the facts customers never see",
            )


def _alert_words(now: dict[str, str], new: list[str], gone: int) -> tuple[str, str]:
    if new:
        more = "more " if len(now) > len(new) else ""
        return f"{len(new)} {more}{'alert fires' if len(new) == 1 else 'alerts fire'}", "; ".join(new)
    if gone and not now:
        return "all alerts have recovered", ""
    if gone:
        left = "1 still fires" if len(now) == 1 else f"{len(now)} still fire"
        return f"{gone} {'alert has' if gone == 1 else 'alerts have'} recovered, {left}", ""
    return "Alertmanager repeats itself: nothing new, nothing said", ""


def _question(text: str) -> str | None:
    """The line of a message that turns to somebody."""
    return next((line for line in text.splitlines() if line.startswith("@")), None)


def _flat(text: str) -> str:
    return " ".join(text.split())
