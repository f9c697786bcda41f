"""The life behind test_all_channels_down: a day without a channel, in a process of its own.

Everything is the daemon's own but its sockets; the clock is virtual.  Prints one
JSON object with what was seen.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from daemon.core.alert import Report
from daemon.core.clock import HOUR, MINUTE, SECOND, Instant
from daemon.core.delivery import DeliveryState
from daemon.core.ports import Outcome, Payload, Reason, Ref, Retry
from tests.stories.house import RULES, START, House, Loudspeaker

COHORTS = 10
PER_MINUTE = 150.0
DOWN_AT: Instant = START + 30 * MINUTE
UP_AT: Instant = DOWN_AT + 24 * HOUR
REFUSED = Retry(Reason.network, "no connection")
RULES_HERE = (
    RULES.replace("for: 1m", "for: 0s")
    .replace("group_by: [ component ]", "group_by: [ thing ]")
    .replace("      - { id: nag, every: 25m, ask: comms }\n", "")
    .replace("every: 30m", "every: 60m")
    .replace("promise: 30m", "promise: 60m")
    .replace("[ page, mail, ops ]\n    ask: comms", "[ page, mail, x, ops ]\n    ask: comms")
)  # fmt: skip


@dataclass
class Day:
    """One run with so many incidents; half are told before the channels go, a third resolve meanwhile."""

    house: House
    incidents: int
    told: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    tried_at: Instant = 0

    async def run(self) -> dict[str, object]:
        size = self.incidents // COHORTS
        for cohort in range(COHORTS):
            late = cohort >= COHORTS // 2
            await self.until(START + cohort * MINUTE + (2 * HOUR if late else 0))
            things = range(cohort * size, (cohort + 1) * size)
            await self.house.alerts.take_in(self.report(things))
            if not late:
                self.told += [str(one) for one in things]
            if cohort == COHORTS // 2 - 1:
                await self.until(DOWN_AT)
                self.cut()
        for hour in range(3, 20):
            await self.until(START + hour * HOUR + 20 * MINUTE)
            some = range(hour, self.incidents, 51)
            await self.house.alerts.take_in(self.report(some, firing=False))
            self.resolved += [str(one) for one in some]
        await self.until(UP_AT)
        waiting = sum(row.count for row in await self.house.store.delivery_counts())
        for speaker in self.house.speakers.values():
            speaker.heard.clear()
            del speaker.send
        drained = await self.drain()
        return {
            "waiting": waiting,
            "drained_seconds": drained,
            "calls_while_down": max(self.calls.values()),
            "peak_mb": peak() // 1024,
            "heard": {name: self.heard(one) for name, one in self.house.speakers.items()},
            "told": self.told,
            "resolved": self.resolved,
        }

    def report(self, things: range, *, firing: bool = True) -> Report:
        return Report([self.house.make(thing=str(number), firing=firing) for number in things])

    def heard(self, speaker: Loudspeaker) -> list[tuple[str, str]]:
        """(thing, text) of what a channel got after the return, in its order."""
        things = {}
        for group, state in self.house.desk.memory.states.items():
            things[f"INC-{state.number}"] = state.labels["thing"]
            assert group == state.id
        return [(things[payload["incident"]], payload["text"]) for _, payload in speaker.heard]

    def cut(self) -> None:
        for name, speaker in self.house.speakers.items():

            async def refused(payload: Payload, parent: Ref | None, key: str, name: str = name) -> Outcome:
                self.calls[name] += 1
                return REFUSED

            speaker.send = refused  # type: ignore[method-assign]  # no channel is there

    async def until(self, end: Instant) -> None:
        """Time passes: every timer at its instant; the channels are tried at those, when they may be."""
        while True:
            while await self.house.timers.tick():
                pass
            await self.try_channels()
            now = self.house.clock.now()
            if now >= end:
                return
            due = await self.house.store.earliest_due()
            if now < DOWN_AT and await self.waits():
                due = now + SECOND
            self.house.clock.advance(max(min(due or end, end), now + SECOND) - now)

    async def try_channels(self) -> None:
        """While they are down every five minutes is often enough: each try is two commits."""
        now = self.house.clock.now()
        if DOWN_AT <= now < self.tried_at + 5 * MINUTE:
            return
        self.tried_at = now
        for outbox in self.house.outboxes:
            while await outbox.step():
                pass
        await self.house.reconciler.step()

    async def waits(self) -> bool:
        """Whether something is queued."""
        counts = await self.house.store.delivery_counts()
        return any(row.state is DeliveryState.queued for row in counts)

    async def drain(self) -> float:
        """Seconds until nothing waits any more."""
        while True:
            for outbox in self.house.outboxes:
                while await outbox.step():
                    pass
            if not await self.waits():
                return (self.house.clock.now() - UP_AT) / SECOND
            assert self.house.clock.now() - UP_AT < HOUR, "it never drains"
            self.house.clock.advance(SECOND // 2)


def peak() -> int:
    """The most memory that this process had, in kB; ``getrusage`` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


async def main(folder: Path, incidents: int) -> None:
    structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=Silent())
    house = await House.open(folder, RULES_HERE)
    for name, speaker in house.speakers.items():
        rate = None if name == "mail" else PER_MINUTE
        speaker.capabilities = replace(speaker.capabilities, per_minute=rate)
    house.make_outboxes()
    seen = await Day(house, incidents).run()
    await house.close()
    sys.stdout.write(json.dumps(seen))


class Silent:
    """Half a million log lines are nobody's business here."""

    def __call__(self, *_: object) -> Silent:
        return self

    def msg(self, _: str) -> None:
        """Say nothing."""

    log = debug = info = warning = error = critical = msg


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
