"""The demo's clocks: fast, steady where the machine stalls, and real where real work is waited for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from daemon.core.clock import HOUR, MINUTE, SECOND, FakeClock, ScaledClock, WorkClock


class Machine:
    """The machine's own clock, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(
        "daemon.core.clock.time", SimpleNamespace(monotonic=machine.monotonic, time_ns=lambda: 0)
    )
    return machine


def test_it_runs_as_many_times_as_fast(machine: Machine) -> None:
    """At speed 60 a second of the machine is a minute, for both kinds of reading."""
    clock = ScaledClock(60, start=HOUR, longest=HOUR)
    before = clock.monotonic()
    machine.seconds += 1
    assert clock.now() == HOUR + MINUTE
    assert clock.monotonic() - before == pytest.approx(60)


def test_a_stalled_machine_stops_time(machine: Machine) -> None:
    """After a stall of the machine the clock goes on by its longest step, not by the whole stall."""
    clock = ScaledClock(60, start=0, longest=5 * SECOND)
    machine.seconds += 10
    assert clock.now() == 5 * SECOND
    machine.seconds += 0.0625
    assert clock.now() == 8_750


def test_a_change_of_speed_does_not_jump(machine: Machine) -> None:
    """What had passed stays, what comes is counted at the new speed."""
    clock = ScaledClock(60, start=0, longest=HOUR)
    machine.seconds += 1
    clock.change_speed(1)
    assert clock.now() == MINUTE
    machine.seconds += 1
    assert clock.now() == MINUTE + SECOND


def test_work_is_waited_for_in_real_time(machine: Machine) -> None:
    """Deadlines of real work see the machine's spans and the incident's instants."""
    clock = WorkClock(FakeClock(HOUR))
    assert clock.now() == HOUR
    before = clock.monotonic()
    machine.seconds += 3
    assert clock.monotonic() - before == 3
