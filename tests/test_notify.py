"""The notify protocol against a fake service manager: a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.notify import Notifier


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(2)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A listening manager, on a file and on an abstract address."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@tocsin-test-{tmp_path.name}"
    made = Manager(address)
    yield made
    made.socket.close()


@pytest.fixture
def notifier(manager: Manager) -> Iterator[Notifier]:
    """A notifier made from the environment that systemd would give."""
    made = Notifier.from_environment(
        {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000"}, FakeClock()
    )
    yield made
    made.close()


def test_says_ready_with_status(manager: Manager, notifier: Notifier) -> None:
    """READY and STATUS travel in one datagram."""
    assert notifier.ready("listening on 127.0.0.1:8080")
    assert manager.heard() == ["READY=1", "STATUS=listening on 127.0.0.1:8080"]


def test_status_is_one_line(manager: Manager, notifier: Notifier) -> None:
    """A line break in a status cannot smuggle in another assignment."""
    notifier.status("fine\nSTOPPING=1")
    assert manager.heard() == ["STATUS=fine STOPPING=1"]


def test_feeds_the_watchdog(manager: Manager, notifier: Notifier) -> None:
    """Being alive is told as WATCHDOG=1, three times per limit."""
    notifier.alive()
    assert manager.heard() == ["WATCHDOG=1"]
    assert notifier.watchdog == 30
    assert notifier.feed_every == 10


def test_reload_carries_the_monotonic_clock(manager: Manager, notifier: Notifier) -> None:
    """RELOADING comes with the microseconds that systemd orders reloads by."""
    clock = FakeClock(start=12_345)
    mine = Notifier(clock, manager.address)
    mine.reloading()
    mine.close()
    assert manager.heard() == ["RELOADING=1", "MONOTONIC_USEC=12345000"]
    assert notifier.failures == 0


def test_stops_and_asks_for_time(manager: Manager, notifier: Notifier) -> None:
    """Stopping and a longer time-out have messages of their own."""
    notifier.extend(1.5)
    assert manager.heard() == ["EXTEND_TIMEOUT_USEC=1500000"]
    notifier.stopping("finishing 2 deliveries")
    assert manager.heard() == ["STOPPING=1", "STATUS=finishing 2 deliveries"]


def test_survives_a_manager_that_is_gone(tmp_path: Path) -> None:
    """No socket there: the call says no, counts it, and raises nothing."""
    notifier = Notifier(FakeClock(), str(tmp_path / "nobody"))
    assert not notifier.ready()
    assert notifier.failures == 1
    notifier.close()


def test_survives_a_manager_that_does_not_read(manager: Manager, notifier: Notifier) -> None:
    """A full queue drops messages instead of stopping the event loop."""
    sent = [notifier.alive() for _ in range(5000)]
    assert sent[0]
    assert not sent[-1]
    assert notifier.failures == sent.count(False)
    assert manager.heard() == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    ("environ", "watchdog"),
    [
        pytest.param({}, None, id="no systemd"),
        pytest.param({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0, id="ours"),
        pytest.param({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, None, id="another process"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="zero"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="not a number"),
    ],
)
def test_reads_the_watchdog_limit(environ: dict[str, str], watchdog: float | None) -> None:
    """The limit counts only when it is a number and meant for this process."""
    notifier = Notifier.from_environment(environ, FakeClock(), pid=7)
    assert notifier.watchdog == watchdog
    assert not notifier.ready()
    assert notifier.failures == 0


def test_ignores_an_address_it_cannot_use() -> None:
    """A vsock or relative address counts as absent."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}, FakeClock())
    assert not notifier.ready()
    assert notifier.failures == 0
