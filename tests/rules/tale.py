"""A rule file in YAML and one incident under it: alerts, people and gaps at named minutes.

``World`` plays prepared stories; a ``Tale`` is told line by line, on rules that
went through the loader, and one may look at it between the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.core import journal as j
from daemon.core.clock import MINUTE, Instant
from daemon.core.journal import Recorded
from rules.model import RuleSet
from tests.rules.files import load_text
from tests.rules.world import START, World

CHANNELS = """\
  page: { kind: status_page }
  mail: { kind: email }
  x: { kind: x }
  ops: { kind: slack, audience: internal }
"""

FIRST = "{ id: first, after: 0s, say: investigating, promise: 30m }"
NAG = "{ id: nag, every: 25m, ask: comms }"
HOLDING = "{ id: holding, every: 30m, say: holding, promise: 30m }"
CLEAR = "{ id: clear, on: monitoring, say: monitoring, limit: 3 }"
RELAPSE = "{ id: relapse, on: [ refired, reopened ], say: relapse, promise: 30m, limit: 3 }"
DONE = "{ id: done, on: resolved, say: resolved, to: [ told, ops ] }"
SORRY = "{ id: sorry, on: retracted, say: false_alarm, to: [ told, ops ] }"
SOCIAL = '{ id: social, after: 2h, say: short, to: [ x ], if: "impact >= major", approve: veto 5m }'
USUAL = (FIRST, NAG, HOLDING, SOCIAL, CLEAR, RELAPSE, DONE, SORRY)


def ruled(
    *steps: str,
    to: str = "page, mail, ops",
    route: str = "for: 1m, keep_firing_for: 5m, monitor_for: 10m",
    raises: str = "",
    more: str = "",
    channels: str = CHANNELS,
    plan: str = "public",
    limits: str = "{ take_over: 60m }",
) -> RuleSet:
    """A loaded rule set with one plan ``public`` made of these steps, and ``internal`` beside it."""
    lines = "\n".join(f"      - {step}" for step in (steps or USUAL))
    raising = f"    raise: [ {raises} ]\n" if raises else ""
    return load_text(f"""\
channels:
{channels}
components:
  - {{ id: checkout, name: Checkout, matchers: [ 'service="checkout"' ], customers_cannot: "pay" }}
  - {{ id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: "find products" }}
defaults:
  route: {{ {route} }}
routes:
  - id: services
    matchers: [ 'severity=~"critical|page|warning"' ]
{raising}    open:
      components: matched
      impact: {{ label: severity, values: {{ critical: critical, page: major }}, else: minor }}
      plan: {plan}
  - {{ id: rest, open: {{ components: [], impact: none, plan: internal }} }}
plans:
  public:
    to: [ {to} ]
    ask: comms
    steps:
{lines}
  internal:
    to: [ ops ]
    ask: comms
    steps:
      - {{ id: tell, after: 0s, say: internal_note }}
      - {{ id: end, on: resolved, say: internal_end }}
people:
  comms: {{ channel: ops, mention: "@comms" }}
  lead: {{ channel: ops, mention: "@lead" }}
windows:
  hours: [ {{ times: [ {{ start_time: "11:00", end_time: "18:00" }} ] }} ]
limits: {limits}
{more}""")


@dataclass
class Tale(World):
    """One group, told line by line; minutes count from ``start``."""

    start: Instant = START
    mute: frozenset[str] = frozenset()  # channels that take nothing: their posts stay queued
    alerts: dict[str, int] = field(default_factory=dict)  # name -> its newest episode

    def step(self, inputs: Sequence[j.Entry], now: Instant) -> tuple[Recorded, ...]:
        """One settling; then the outbox tells what it sent."""
        self.sends = False
        recorded = super().step(inputs, now)
        moved: list[j.Entry] = [
            j.DeliveryMoved(name, one.entry.update, "sent")
            for one in recorded if isinstance(one.entry, j.Said)
            for name in one.entry.posts if name not in one.entry.pages and name not in self.mute
            and not (one.entry.shadow and name not in one.entry.internal)
        ]  # fmt: skip
        if moved:
            super().step(moved, now)
        return recorded

    # -- what happens --------------------------------------------------------

    def forward(self, minute: float) -> Tale:
        """Decide whatever is due up to and including that minute."""
        until = self.start + round(minute * MINUTE)
        while self.due is not None and self.due <= until:
            self.step([], self.due)
        return self

    def happen(self, minute: float, *entries: j.Entry) -> Tale:
        """Something comes in, after everything that was due before and before what is due then."""
        now = self.start + round(minute * MINUTE)
        while self.due is not None and self.due < now:
            self.step([], self.due)
        self.step(entries, now)
        return self

    def fire(self, minute: float, name: str = "a", **labels: str) -> Tale:
        """A new episode of that alert; the first one makes the group, by the rules' own routes."""
        shown = {"alertname": name, "service": "checkout", "severity": "page"} | labels
        taken = self.rules.router(shown)[0]
        inputs: list[j.Entry] = []
        if not self.state.public_id:
            group = dict(taken.key)
            inputs.append(j.Created("abcdefghijkl", self.rules.version, route=taken.route.id, labels=group))
        episode = max(self.alerts.values(), default=0) + 1
        self.alerts[name] = episode
        at = self.start + round(minute * MINUTE)
        fired = j.Fired(episode, at, taken.component, taken.impact)
        return self.happen(minute, *inputs, j.Alerts(fired=(fired,), common=shown))

    def clear(self, minute: float, *names: str) -> Tale:
        return self.happen(minute, j.Alerts(cleared=tuple(self.alerts[name] for name in names or ("a",))))

    def act(self, minute: float, act: str = "update", who: str = "ana", **fields: Any) -> Tale:
        return self.happen(minute, j.Acted(act=act, who=who, **fields))

    def vote(self, minute: float, act: str, who: str, step: str) -> Tale:
        """A vote on the occasion of that step that waits then."""
        self.forward(minute)
        (occasion,) = [one.occasion for one in self.state.waiting.values() if one.step == step]
        return self.act(minute, act, who, occasion=occasion)

    def away(self, since: float, minute: float) -> Tale:
        """Nothing was decided between the two minutes; at the second the daemon is back."""
        self.forward(since)
        self.oversleep()
        return self.happen(minute, j.Gap(self.start + round(since * MINUTE)))

    # -- what is seen --------------------------------------------------------

    def minutes(self, at: Instant) -> float:
        return (at - self.start) / MINUTE

    def posts(self, channel: str) -> list[tuple[float, str]]:
        """(minute, step) of each text that was said on a channel."""
        return [
            (self.minutes(one.at), one.entry.step) for one in self.journal
            if isinstance(one.entry, j.Said) and channel in one.entry.posts
        ]  # fmt: skip

    def texts(self, channel: str) -> list[str]:
        return [
            one.entry.posts[channel] for one in self.journal
            if isinstance(one.entry, j.Said) and channel in one.entry.posts
        ]  # fmt: skip

    def asked(self, reason: str = "ask") -> list[tuple[float, str]]:
        """(minute, step) of each question for that reason."""
        return [
            (self.minutes(one.at), one.entry.step) for one in self.journal
            if isinstance(one.entry, j.Asked) and one.entry.reason == reason
        ]  # fmt: skip

    def skipped(self) -> list[tuple[str, str]]:
        return [
            (one.entry.step, one.entry.reason) for one in self.journal if isinstance(one.entry, j.Skipped)
        ]

    def waiting(self) -> list[str]:
        return [one.step for one in self.state.waiting.values()]

    def entries(self, kind: str) -> list[tuple[float, Any]]:
        return [(self.minutes(one.at), one.entry) for one in self.journal if one.entry.kind == kind]
