"""Starts that must not succeed, and starts that are killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.seed import SEED
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon, NotStarted
from tests.processes.nursery import Nursery
from tests.processes.site import Site
from tests.processes.waiting import CLOCK

SITES, KILLS = 8, 5  # databases, and kills of each before it may start
WRONG = 2  # the exit code for a file or an order of the operator that is wrong


async def refused(site: Site) -> str:
    """What a daemon says that must not start."""
    with pytest.raises(NotStarted) as caught:
        async with Daemon(site):
            pass
    assert caught.value.code == WRONG
    said = caught.value.log
    assert "Traceback" not in said
    return said


@pytest.mark.timeout(120)
async def test_row_16_a_second_daemon_on_the_same_database(tmp_path: Path) -> None:
    """It refuses with one line that says why; the first one does not notice."""
    first = Site.make(tmp_path / "first", QUIET)
    second = Site.make(tmp_path / "second", QUIET, database=f"sqlite:///{first.database}")
    async with Daemon(first) as daemon:
        said = await refused(second)
        assert f"another tocsin is using {first.database}; stop it first" in said
        assert (await daemon.post(body(alert())))[0] == 200
        assert await daemon.stop() == 0
    async with Daemon(second) as daemon:  # the lock went with its owner
        assert daemon.is_running


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            QUIET.replace("group_by", "group_bye"), "rules.yaml:6:5: routes[0].group_bye: ", id="unknown key"
        ),
        pytest.param(
            QUIET.replace("plan: public", "plan: pubic"),
            "rules.yaml:7:50: routes[0].open.plan: ",
            id="unknown plan",
        ),
        pytest.param(
            QUIET.replace("[ page ]", "[ page"), "rules.yaml:11:10: is not YAML: ", id="not YAML"
        ),
    ],
)  # fmt: skip
async def test_broken_rules_at_start(tmp_path: Path, wrong: str, said: str) -> None:
    """Exit 2 with file:line:column of what is wrong."""
    site = Site.make(tmp_path, wrong)
    assert said in await refused(site)


async def test_row_24_a_damaged_database(tmp_path: Path) -> None:
    """The daemon does not start on it, and says what to do."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        await daemon.post(body(*(alert(fingerprint=f"{number:016x}") for number in range(50))))
        assert await daemon.stop() == 0
    content = bytearray(site.database.read_bytes())
    content[4096 : 4096 * 4] = bytes(4096 * 3)
    site.database.write_bytes(content)
    said = await refused(site)
    assert f"{site.database}" in said
    assert "restore it from a backup" in said


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_row_23_a_crash_loop_does_not_grow_the_log(tmp_path: Path) -> None:
    """The log that a killed process leaves is copied at the next start; acknowledged alerts stay."""
    site = Site.make(tmp_path, QUIET)
    log = site.database.with_name("tocsin.db-wal")
    async with Daemon(site) as daemon:
        for life in range(3):
            large = {"summary": "x" * 20_000}
            alerts = [alert(fingerprint=f"{life}-{number}", annotations=large) for number in range(30)]
            assert (await daemon.post(body(*alerts)))[0] == 200
            left = log.stat().st_size
            assert left > 300_000
            await daemon.kill()
            await daemon.start()
            assert log.stat().st_size < left / 2
    assert len(Ledger(site.database).alerts()) == 90


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_rows_07_and_08_killed_while_it_starts(tmp_path: Path) -> None:
    """Killed at any moment of a first start, migration included, or of a later one: the next start works."""
    chance = random.Random(SEED)  # noqa: S311 - a schedule, not a secret
    async with Nursery() as nursery:
        for number in range(SITES):
            site = Site.make(tmp_path / str(number), QUIET)
            daemon = Daemon(site, nursery=nursery)
            async with daemon.manager:
                for _ in range(KILLS):
                    await daemon.spawn()
                    await CLOCK.sleep(chance.uniform(0, 0.35))
                    await daemon.kill()
                await daemon.start()
                assert Ledger(site.database).check() == "ok"
                await daemon.kill()
    record("kill -9 while starting", databases=SITES, kills=SITES * KILLS, starts=SITES, damaged=0)
