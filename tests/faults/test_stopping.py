"""Orders to a running daemon: stop, load the rules again, and the watchdog's view of it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailSink
from tests.fakes.x import FakeX
from tests.faults.ledger import Ledger, repeated
from tests.faults.load import Load
from tests.faults.rules import BUSY, QUIET
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import Site, mail, news, on_x, team
from tests.processes.waiting import CLOCK, until, until_heard

WATCHDOG = 1.8  # seconds; fed three times as often


class SlowSlack(FakeSlack):
    """Answers nobody until ``gate`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def accept(self, request: web.Request, answer: Callable[[], web.Response]) -> web.StreamResponse:
        await self.gate.wait()
        return await super().accept(request, answer)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_row_09_stopped_under_load(tmp_path: Path) -> None:
    """SIGTERM: exit 0, nothing acknowledged is lost, nothing in hand is left in doubt."""
    async with FakeSlack() as slack, FakeX() as x, MailSink() as sink:
        channels = [mail(sink, "ann@example.com"), news(slack), team(slack), on_x(x)]
        site = Site.make(tmp_path, BUSY, channels)
        ledger = Ledger(site.database)
        async with Daemon(site) as daemon, Load(daemon, "stop") as load:
            for _ in range(3):
                seen = len(load.book.acknowledged)
                await until(lambda seen=seen: len(load.book.acknowledged) > seen + 100, within=30)  # type: ignore[misc]
                assert await daemon.stop() == 0
                doubts = [state for state in ledger.states() if state.endswith(("attempted", "unknown"))]
                assert doubts == []
                await daemon.start()
            book = await load.finish()
            await until(lambda: ledger.unsettled() == 0, within=30, what=ledger.states)
            assert await daemon.stop() == 0
        assert not book.wrong
        stored = ledger.alerts()
        assert {name: stored.get(name) for name in book.acknowledged} == book.acknowledged
        assert not repeated(slack.counts())
        assert not repeated(x.counts())
        assert not repeated(sink.counts())


@pytest.mark.timeout(60)
async def test_row_09_a_stop_waits_for_the_post_in_hand(tmp_path: Path) -> None:
    """A post that is under way ends and is recorded; the process ends after it."""
    async with SlowSlack() as slack, FakeX() as x, MailSink() as sink:
        site = Site.make(tmp_path, BUSY, [mail(sink, "a@example.com"), news(slack), team(slack), on_x(x)])
        async with Daemon(site) as daemon:
            await daemon.post(body(alert()))
            await until(lambda: "POST /api/chat.postMessage" in slack.calls)
            daemon.signal(signal.SIGTERM)
            await daemon.manager.wait_for("STOPPING")
            slack.gate.set()
            assert await daemon.ended() == 0
        states = {row["state"] for row in Ledger(site.database).deliveries("team")}
        assert states == {"sent"}


@pytest.mark.timeout(60)
async def test_row_48_reload_by_signal_and_by_request(tmp_path: Path) -> None:
    """Good rules are in force at once; broken ones leave the old in force and the answer says why."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        await daemon.post(body(alert(labels={"service": "before"})))

        site.rules.write_text(QUIET.replace("group_by", "group_bye"), "utf-8")
        status, text = await daemon.act("/-/reload")
        assert status == 422
        assert "rules.yaml:6:5: routes[0].group_bye: " in text
        _, figures = await daemon.get("/metrics")
        assert "tocsin_rules_last_reload_successful 0.0" in figures
        daemon.signal(signal.SIGHUP)
        await until(lambda: len(daemon.events("rules not reloaded: the old ones stay")) == 2)
        await daemon.manager.wait_for("READY", 2)
        assert (await daemon.post(body(alert(fingerprint="1", labels={"service": "between"}))))[0] == 200

        site.rules.write_text(QUIET.replace("impact: major", "impact: critical"), "utf-8")
        daemon.signal(signal.SIGHUP)
        await daemon.manager.wait_for("READY", 3)
        assert len(daemon.manager.times("RELOADING")) == 2
        await daemon.post(body(alert(fingerprint="2", labels={"service": "after"})))
        _, figures = await daemon.get("/metrics")
        assert "tocsin_rules_last_reload_successful 1.0" in figures
        impacts = await until_heard(lambda: _impacts(daemon, 3))
        assert sorted(impacts) == ["critical", "major", "major"]


async def _impacts(daemon: Daemon, count: int) -> list[str]:
    _, text = await daemon.get("/api/v2/summary.json", public=True)
    found = [incident["impact"] for incident in json.loads(text)["incidents"]]
    return found if len(found) == count else []


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("row", "stop", "go_on"),
    [
        pytest.param("11", signal.SIGUSR1, signal.SIGUSR2, id="row_11 the event loop is blocked"),
        pytest.param("12", signal.SIGSTOP, signal.SIGCONT, id="row_12 the process is stopped"),
    ],
)
async def test_rows_11_and_12_the_watchdog_is_fed_by_what_turns(
    tmp_path: Path, row: str, stop: signal.Signals, go_on: signal.Signals
) -> None:
    """READY comes once; food comes while the loops turn, and at no other time."""
    site = Site.make(tmp_path, QUIET)
    environ = {"WATCHDOG_USEC": str(int(WATCHDOG * 1_000_000))}
    async with Daemon(site, entry=[], environ=environ) as daemon:
        assert len(daemon.manager.times("READY")) == 1
        await daemon.manager.wait_for("WATCHDOG", 2)
        daemon.signal(stop)
        await CLOCK.sleep(0.1)
        fed = len(daemon.manager.times("WATCHDOG"))
        await CLOCK.sleep(1.5 * WATCHDOG)  # systemd would have killed it by now
        assert len(daemon.manager.times("WATCHDOG")) == fed
        daemon.signal(go_on)
        async with asyncio.timeout(10):
            await daemon.manager.wait_for("WATCHDOG", fed + 1)
        assert (await daemon.get("/-/healthy"))[0] == 200
