"""A channel's other side: counts what it really took, and lies about it.

Every call is held against what is committed at that moment (I5, I6, I11), every
post against what was taken before (I3, I4), every resend against its proof (I7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from daemon.core.clock import HOUR, SECOND, Span
from daemon.core.ports import (
    CannotTell,
    Found,
    NotThere,
    Outcome,
    Payload,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Unknown,
)
from tests.faults.simulation.clock import WorldClock
from tests.faults.simulation.crash import Fuse
from tests.faults.simulation.ground import Ground
from tests.stories.house import Loudspeaker

LATEST: Span = 55 * SECOND
"""A provider applies a call that was given up no later than this (its ``late_apply`` says 60)."""

LAG: Span = 12 * SECOND
"""From taking a post to showing it in the list that is read back."""


class Mood(Enum):
    """What the next call meets.  ``took`` means that the post is there afterwards."""

    fine = "fine"
    took_but_silent = "took it, the answer is lost"
    lost = "lost the request, no answer"
    late = "takes it later, no answer now"
    broken = "an exception that the channel did not foresee"
    unreachable = "refused before any byte left"
    limited = "too many requests"
    refused = "this post is refused for good"
    revoked = "our credentials are refused"
    slept = "took it while the machine slept for hours"
    died_before = "the daemon dies with nothing sent"
    died_after = "took it, and the daemon dies"


ANSWERS: dict[Mood, Outcome] = {
    Mood.unreachable: Retry(Reason.network, "refused"),
    Mood.limited: Retry(Reason.rate_limited, "429", after=90.0),
    Mood.refused: Rejected(Reason.content, "400"),
    Mood.revoked: Rejected(Reason.auth, "401", Scope.destination),
}
"""The moods in which nothing happens but an honest answer."""


class Broken(AssertionError):
    """An invariant of reliability 3.5 does not hold."""


@dataclass
class Provider(Loudspeaker):
    """A channel with moods: ``moods`` are met one by one, then ``mood`` for as long as it lasts."""

    world_clock: WorldClock = field(kw_only=True)
    ground: Ground = field(kw_only=True)
    fuse: Fuse = field(kw_only=True)
    mood: Mood = Mood.fine
    moods: list[Mood] = field(default_factory=list)
    unreadable: bool = False  # the list that is read back cannot be had
    taken: dict[str, list[int]] = field(default_factory=dict)  # key -> true instants
    doubts: Counter[str] = field(default_factory=Counter)  # key -> outcomes that were unknown
    order: list[tuple[str, int]] = field(default_factory=list)  # every post taken: key, true instant
    posts: dict[str, bytes] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    said_again: Counter[str] = field(default_factory=Counter)  # key -> a person's orders to post it
    heard_post: list[Callable[[str, str], None]] = field(default_factory=list)
    _in_doubt: dict[str, int] = field(default_factory=dict)  # key -> true instant of the newest doubt
    _absent: dict[str, list[int]] = field(
        default_factory=dict
    )  # key -> read-backs since then that found nothing
    _late: list[tuple[int, str]] = field(default_factory=list)
    shows: dict[str, bytes] = field(default_factory=dict)  # key -> what an edit made the post say last
    _late_edits: list[tuple[int, str, bytes]] = field(default_factory=list)

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        self.fuse.burn(f"before {self.name}.send")
        self.catch_up()
        await self._check(payload, key)
        mood = self.moods.pop(0) if self.moods else self.mood
        return self._meet(mood, key)

    def _meet(self, mood: Mood, key: str) -> Outcome:
        now = self.world_clock.true
        if mood in ANSWERS:
            return ANSWERS[mood]
        if mood is Mood.slept:
            self.world_clock.suspend(6 * HOUR)
        if mood in (Mood.fine, Mood.slept):
            return self._sent(key)
        self._doubt(key)
        if mood in (Mood.took_but_silent, Mood.died_after):
            self._take(key, now)
        elif mood is Mood.late:
            self._late.append((now + LATEST, key))
        elif mood is Mood.broken:
            raise RuntimeError("what no channel foresaw")
        if mood in (Mood.died_before, Mood.died_after):
            self.fuse.arm(1)
            self.fuse.burn(f"in {self.name}.send")
        return Unknown(Reason.server if mood is Mood.lost else Reason.timeout)

    def _doubt(self, key: str) -> None:
        self.doubts[key] += 1
        self._in_doubt[key], self._absent[key] = self.world_clock.true, []

    def order_again(self, key: str) -> None:
        """A person looked, did not find it, and has it posted."""
        self.said_again[key] += 1
        self._in_doubt.pop(key, None)

    def _sent(self, key: str) -> Outcome:
        self._take(key, self.world_clock.true)
        try:
            self.fuse.burn(f"after {self.name}.send")
        except BaseException:
            self._doubt(key)
            raise
        return Sent(Ref({"id": key}))

    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        self.fuse.burn(f"before {self.name}.edit")
        self.catch_up()
        key, body = ref.ids.get("id"), msgspec.json.encode(payload, order="deterministic")
        if key is None:  # a person's word for it
            return Rejected(Reason.gone, "no name")
        in_hand = [row.payload for row in await self.ground.edits(key) if row.state == "attempted"]
        if in_hand != [body]:
            raise Broken(f"I5: {self.name} is to change {key} to {body!r}, committed is {in_hand}")
        outcome = self._meet_edit(self.moods.pop(0) if self.moods else self.mood, key, body)
        self.fuse.burn(f"after {self.name}.edit")
        return outcome or Sent(ref)

    def _meet_edit(self, mood: Mood, key: str, body: bytes) -> Outcome | None:
        """As ``_meet``; None where all went well."""
        if mood in ANSWERS:
            return ANSWERS[mood]
        if mood is Mood.slept:
            self.world_clock.suspend(6 * HOUR)
        if mood in (Mood.fine, Mood.slept, Mood.took_but_silent, Mood.died_after):
            self.shows[key] = body
        if mood in (Mood.fine, Mood.slept):
            return None
        if mood is Mood.late:
            self._late_edits.append((self.world_clock.true + LATEST, key, body))
        elif mood is Mood.broken:
            raise RuntimeError("what no channel foresaw")
        if mood in (Mood.died_before, Mood.died_after):
            self.fuse.arm(1)
            self.fuse.burn(f"in {self.name}.edit")
        return Unknown(Reason.server if mood is Mood.lost else Reason.timeout)

    async def find(self, payload: Payload, key: str, since: int, parent: Ref | None = None) -> Found:
        self.fuse.burn(f"before {self.name}.find")
        self.catch_up()
        if self.unreadable:
            return CannotTell("503")
        seen = self.world_clock.true - LAG
        there = any(at <= seen for at in self.taken.get(key, ()))
        if not there:
            self._absent.setdefault(key, []).append(self.world_clock.true)
        self.fuse.burn(f"after {self.name}.find")
        return Ref({"id": key}) if there else NotThere()

    def catch_up(self) -> None:
        """Take what was to be taken late and is due by now."""
        now = self.world_clock.true
        due = sorted(one for one in self._late if one[0] <= now)
        self._late = [one for one in self._late if one[0] > now]
        for at, key in due:
            self._take(key, at)
        for one in sorted(one for one in self._late_edits if one[0] <= now):
            self._late_edits.remove(one)
            self.shows[one[1]] = one[2]

    def has(self, key: str) -> bool:
        """Whether the post is there: what a person who looks would see."""
        self.catch_up()
        return key in self.taken

    @property
    def second_posts(self) -> int:
        return sum(len(times) - 1 for times in self.taken.values())

    async def _check(self, payload: Payload, key: str) -> None:
        row = await self.ground.delivery(key)
        if row is None or row.state != "attempted":
            raise Broken(f"I5: {self.name} was called for {key}, committed is {row}")
        body = msgspec.json.encode(payload, order="deterministic")
        if body != row.payload or self.posts.setdefault(key, body) != body:
            raise Broken(f"I11: {self.name} was given other bytes for {key} than were approved")
        if row.token <= self.tokens.get(key, 0):
            raise Broken(f"I6: the token of {key} did not grow: {self.tokens[key]}, then {row.token}")
        self.tokens[key] = row.token
        self._check_proof(key)

    def _check_proof(self, key: str) -> None:
        """What is sent again out of a doubt was absent twice after its quarantine, or may be resent."""
        since = self._in_doubt.pop(key, None)
        if since is None or self.capabilities.on_doubt == "resend":
            return
        quarantined = since + int(self.capabilities.late_apply * SECOND)
        reads = [at for at in self._absent[key] if at >= quarantined]
        if self.capabilities.on_doubt == "hold" or len(reads) < 2 or reads[-1] - reads[0] < LAG:
            raise Broken(f"I7: {self.name} is sent {key} again, in doubt since {since}, absent at {reads}")

    def _take(self, key: str, at: int) -> None:
        times = self.taken.setdefault(key, [])
        times.append(at)
        self.order.append((key, at))
        most = 1
        if self.capabilities.on_doubt == "resend":
            most = min(1 + self.doubts[key], 2)
        most += self.said_again[key]
        if len(times) > most:
            name = "I4" if self.capabilities.on_doubt == "resend" else "I3"
            raise Broken(f"{name}: {self.name} took {key} {len(times)} times, {self.doubts[key]} doubts")
        for listener in self.heard_post:
            listener(self.name, key)
