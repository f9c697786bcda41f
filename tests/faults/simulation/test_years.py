"""Whole years of incident time with every fault on, from one seed (goal G6).

A quiet week costs a few steps: time goes from one thing that is due to the next.
TOCSIN_SEED and TOCSIN_SIMULATED_YEARS choose which and how many; both are printed.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND, Span
from tests.faults.figures import record, size
from tests.faults.seed import SEED
from tests.faults.simulation.ground import SqliteGround, make_template
from tests.faults.simulation.home import CHANNELS
from tests.faults.simulation.people import ACTS, People
from tests.faults.simulation.provider import Broken, Mood
from tests.faults.simulation.rules import VERSIONS
from tests.faults.simulation.world import World

YEARS = size("SIMULATED_YEARS", here=1, ci=1)
YEAR: Span = 365 * DAY

BETWEEN: Span = 4 * DAY
"""From one burst of trouble to the next, on average."""

SERVICES = ("checkout", "search", "billing")
SEVERITIES = ("critical", "page", "warning")


class Year:
    """What happens in a year, drawn as it goes; ``log`` is the history so far, newest last."""

    def __init__(self, world: World, seed: str) -> None:
        self.world = world
        self.people = People(world)
        self.random = random.Random(seed)  # noqa: S311 - a test must be repeatable
        self.log: list[str] = []

    async def run(self, span: Span) -> None:
        """Bursts of trouble with quiet between them, until that much time has passed."""
        world = self.world
        end = world.clock.true + span
        while world.clock.true < end:
            quiet = min(int(self.random.expovariate(1 / BETWEEN)), end - world.clock.true)
            await world.forward(quiet)
            await self.trouble()
            await world.inspect()

    async def trouble(self) -> None:
        """Some alerts, and whatever else happens until they are over."""
        for _ in range(self.random.randint(4, 30)):
            await self._step()
            if self.random.random() < 0.6:
                await self.world.forward(int(self.random.expovariate(1 / (9 * MINUTE))))
        await self._calm()

    async def _step(self) -> None:
        name = self.random.choices(list(STEPS), weights=list(STEPS.values()))[0]
        self.log = [*self.log[-60:], f"{self.world.clock.now()} {name}"]
        await getattr(self, f"_{name}")()

    async def _calm(self) -> None:
        """Channels and database are well again, monitors clear, people tidy up."""
        world = self.world
        await world.mend()
        over = [world.monitor.clear(one.fingerprint, world.clock.now()) for one in world.monitor.firing()]
        await world.report(over)
        if self.random.random() < 0.5:
            await self.people.resume("ana")
        await self.people.settle_held(drop=self.random.random() < 0.5)
        await world.forward(self.random.choice([HOUR, 3 * HOUR]))
        for number in await world.open_numbers():
            if self.random.random() < 0.9:
                await self.people.act(number, "resolve")

    async def _fire(self) -> None:
        monitor, now = self.world.monitor, self.world.clock.now()
        chosen = [
            (self.random.choice(SERVICES), self.random.choice(SEVERITIES))
            for _ in range(self.random.choice([1, 1, 1, 4]))
        ]
        alerts = [monitor.fire(service, severity, now) for service, severity in dict.fromkeys(chosen)]
        await self.world.report(alerts)

    async def _repeat(self) -> None:
        await self.world.report(self.world.monitor.firing(), self.random.choice([0, 0, 3]))

    async def _clear(self) -> None:
        monitor = self.world.monitor
        firing = monitor.firing()
        if firing:
            name = self.random.choice(firing).fingerprint
            await self.world.report(
                [monitor.clear(name, self.world.clock.now())], self.random.choice([0, 0, 0, 1])
            )

    async def _flap(self) -> None:
        monitor, clock = self.world.monitor, self.world.clock
        for _ in range(self.random.randint(2, 5)):
            await self.world.report([monitor.fire("checkout", "page", clock.now())])
            await self.world.forward(self.random.randint(1, 90) * SECOND)
            await self.world.report([monitor.clear("checkout-page", clock.now())])
            await self.world.forward(self.random.randint(1, 90) * SECOND)

    async def _late(self) -> None:
        if self.world.monitor.bodies:
            body = self.random.choice(self.world.monitor.bodies)
            await self.world.report(body.alerts, body.truncated)

    async def _person(self) -> None:
        numbers = await self.world.open_numbers()
        if numbers:
            who = self.random.choice(["ana", "bo"])
            await self.people.act(self.random.choice(numbers), self.random.choice(ACTS), who)

    async def _opens(self) -> None:
        await self.people.open("ana", self.random.choice(SERVICES[:2]))

    async def _pause(self) -> None:
        await self.people.pause("bo", self.random.randint(5, 90))

    async def _resume(self) -> None:
        await self.people.resume("bo")

    async def _held(self) -> None:
        await self.people.settle_held(drop=self.random.random() < 0.5)

    async def _dead(self) -> None:
        await self.people.replay_dead()

    async def _moods(self) -> None:
        provider = self.world.providers[self.random.choice(sorted(CHANNELS))]
        provider.moods[:] = self.random.choices(list(Mood), k=self.random.randint(1, 3))

    async def _down(self) -> None:
        provider = self.world.providers[self.random.choice(sorted(CHANNELS))]
        provider.mood = self.random.choice([Mood.unreachable, Mood.limited, Mood.revoked, Mood.lost])
        provider.unreadable = self.random.random() < 0.3

    async def _up(self) -> None:
        for provider in self.world.providers.values():
            provider.mood, provider.unreadable = Mood.fine, False

    async def _die(self) -> None:
        await self.world.crash(int(self.random.expovariate(1 / (2 * MINUTE))))

    async def _fuse(self) -> None:
        self.world.fuse.arm(self.random.randint(1, 60))

    async def _refuse(self) -> None:
        self.world.refuse(self.random.choice(["begin", "commit"]), self.random.randint(1, 120) * SECOND)

    async def _jump(self) -> None:
        await self.world.jump(self.random.choice([-50 * SECOND, 2 * MINUTE, HOUR, DAY]))

    async def _sleep(self) -> None:
        await self.world.suspend(int(self.random.expovariate(1 / HOUR)))

    async def _reload(self) -> None:
        await self.world.reload(self.random.randrange(len(VERSIONS)))


STEPS = {
    "fire": 30, "repeat": 10, "clear": 20, "flap": 3, "late": 6,
    "person": 25, "opens": 1, "pause": 1, "resume": 2, "held": 4, "dead": 2,
    "moods": 14, "down": 4, "up": 3, "die": 3, "fuse": 12, "refuse": 4, "jump": 3, "sleep": 3, "reload": 2,
}  # fmt: skip
"""What may happen next in a time of trouble, and how often beside the others."""


@pytest.mark.slow
@pytest.mark.timeout(5_000)
async def test_years_of_incidents_keep_the_invariants(quick_folder: Path) -> None:
    """I1 to I15, with nothing lost, nothing said twice where that is promised, and quiet at the end."""
    template = await make_template(quick_folder / "template.db")
    total: dict[str, int] = {}
    for number in range(YEARS):
        folder = quick_folder / str(number)
        folder.mkdir()
        seed = f"{SEED}/{number}"
        world = await World.open(folder, SqliteGround(folder, template))
        year = Year(world, seed)
        try:
            await year.run(YEAR)
            await world.mend()
            await year.people.see_to_the_end()
        except Broken as error:
            error.add_note(f"TOCSIN_SEED={SEED}, year {number}; it ends with:\n" + "\n".join(year.log))
            raise
        finally:
            await world.close()
        for name, value in world.figures().items():
            total[name] = total.get(name, 0) + value
    assert total["crashes"], "nothing ever died: the test proves nothing"
    record("simulated time", years=YEARS, **total)
