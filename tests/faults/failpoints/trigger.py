"""The child's side: counts how often each failpoint is passed, and carries out its orders."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import NoReturn

from daemon.core.clock import Clock
from tests.faults.failpoints import migration, passing
from tests.faults.failpoints.orders import Order
from tests.processes.fast_clock import LEAP, FastClock


class Hurt(RuntimeError):
    """What an order to raise raises: an error that nobody expects."""


class Trigger:
    """``told`` is appended to at once, because the next thing may be the end."""

    def __init__(self, orders: list[Order], told: Path) -> None:
        self._orders = {order.point: order for order in orders}
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._passed: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        self._passed[name] += 1
        count = self._passed[name]
        if count == 1:
            self._tell("reached", name)
        order = self._orders.get(name)
        if order is not None and order.first <= count <= order.last:
            self._tell(order.act, name)
            self._obey(order)

    def _tell(self, act: str, name: str) -> None:
        os.write(self._told, f"{act} {name}\n".encode())

    def _obey(self, order: Order) -> None:
        match order.act:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "raise":
                raise Hurt(order.point)
            case "spin":
                spin()


def spin() -> NoReturn:
    """What a defect in the daemon could do: the event loop never turns again."""
    while True:
        pass


def arm(file: Path, clock: Clock) -> None:
    """Take the orders of this file for the rest of the process; the signal ``LEAP`` moves its clock."""
    if isinstance(clock, FastClock):
        signal.signal(LEAP, lambda _number, _frame: clock.leap())
    given = json.loads(file.read_text("utf-8"))
    orders = [Order(**fields) for fields in given["orders"]]
    passing.trigger = Trigger(orders, Path(given["told"]))
    migration.watch(passing.passed)
