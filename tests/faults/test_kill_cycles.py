"""Kill -9 again and again, under load, with channels that fail in the middle.

* what was acknowledged is there
* no channel that can be asked, or must be left in doubt, got a post twice
* a mail came twice at most, and only where its fate was unknown

TOCSIN_KILL_CYCLES and TOCSIN_SEED choose how many and which; both are printed.
"""

from __future__ import annotations

import random
import statistics
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes import faults
from tests.fakes.smtp import MailFault
from tests.faults.figures import record, size
from tests.faults.load import Load
from tests.faults.seed import SEED
from tests.faults.world import World, check_alerts, check_journals, check_mails, check_posts
from tests.processes.nursery import Nursery
from tests.processes.waiting import CLOCK

CYCLES = size("KILL_CYCLES", here=25, ci=60)

STARTING = 0.4  # seconds within which a life that is not to accept anything ends
UNDER_LOAD = 0.4  # seconds within which the others end, once they accept

PROVIDER_FAULTS = (
    faults.hang_before, faults.hang_after, faults.cut_before_answer, faults.cut_mid_answer,
    faults.html_502, faults.html_503, faults.invalid_json_200, faults.empty_200,
)  # fmt: skip
MAIL_FAULTS = (
    MailFault("dot", hangs=True, stores=True), MailFault("dot", hangs=True), MailFault("dot", drops=True),
    MailFault("dot", drops=True, stores=True), MailFault("data", drops=True), MailFault("rcpt", "450 later"),
)  # fmt: skip


class Killing:
    """Ends lives of a world at moments that the seed chooses."""

    def __init__(self, world: World, seed: str) -> None:
        self.starts: list[float] = []
        self._world = world
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    async def kill_and_restart(self, cycles: int) -> None:
        """One life in four ends while it starts, the others at some moment under load."""
        daemon = self._world.daemon
        await daemon.kill()
        for number in range(cycles):
            self._plan_trouble()
            began = CLOCK.monotonic()
            if self._random.random() < 0.25:
                await daemon.spawn()
                await CLOCK.sleep(self._random.uniform(0, STARTING))
            else:
                await daemon.start(execute=number % 20 == 10)
                self.starts.append(CLOCK.monotonic() - began)
                await CLOCK.sleep(self._random.uniform(0, UNDER_LOAD))
            assert daemon.is_running, f"it died by itself:\n{daemon.log[-4000:]}"
            await daemon.kill()
        await daemon.start()

    def _plan_trouble(self) -> None:
        world = self._world
        for fake in (world.slack, world.x):
            if not fake.faults and self._random.random() < 0.4:
                fake.script(self._random.choice(PROVIDER_FAULTS))
        if not world.sink.faults and self._random.random() < 0.4:
            world.sink.script(self._random.choice(MAIL_FAULTS))


@pytest.mark.slow
@pytest.mark.timeout(300 + 3 * CYCLES)
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.external)])
async def test_rows_01_to_08_kill_cycles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: str, request: pytest.FixtureRequest
) -> None:
    """Killed anywhere, any number of times: nothing acknowledged is lost, nothing is said twice."""
    database = request.getfixturevalue("address") if store == "postgresql" else ""
    with capsys.disabled():
        sys.stdout.write(f"\nTOCSIN_KILL_CYCLES={CYCLES} TOCSIN_SEED={SEED}\n")
    async with AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(Nursery())
        world = World(tmp_path / "site", stack, nursery, database=database)
        await world.open()
        killing = Killing(world, SEED)
        async with Load(world.daemon, SEED) as load:
            await killing.kill_and_restart(CYCLES)
            book = await load.finish()
        await world.come_to_rest()
        await world.daemon.stop()
    assert not book.wrong
    check_alerts(world.ledger, book.acknowledged, book.services)
    check_posts(world.ledger, world)
    check_mails(world.ledger, world.sink)
    await check_journals(world)
    with capsys.disabled():
        record(
            "kill -9 under load", store=store, cycles=CYCLES,
            median_start_seconds=round(statistics.median(killing.starts), 2),
            acknowledged=len(book.acknowledged), lost=0, incidents=len(book.services), doubled=0,
            second_posts=0, repeats=book.repeats, refusals=sum(book.refusals.values()),
        )  # fmt: skip
