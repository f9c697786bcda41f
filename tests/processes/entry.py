"""``tocsin serve`` as tests start it when they need what the command has not.

``--speed --origin --start``: a clock that runs fast, and on from where the
process before was killed; with ``--server`` the database's clock is that fast, and ``--skew``
is how wrong this machine's is.  SIGUSR1 blocks the event loop until SIGUSR2.
``--failpoints FILE``: what is to happen at which failpoint (tests/faults/failpoints);
for children of the failpoints' own nursery alone.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from config.environment import environment
from config.load import load
from daemon import logs
from daemon.cli.serve import _fast_loop
from daemon.core.clock import Clock, SystemClock
from daemon.core.errors import BadConfig, Unavailable
from daemon.serve import serve
from tests.processes.fast_clock import FastClock, FastServerClock


def block(_number: int, _frame: object) -> None:
    """Hold the main thread, and the event loop with it, until SIGUSR2."""
    signal.sigwait({signal.SIGUSR2})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", dest="file", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=0.0)
    parser.add_argument("--origin", type=float, default=0.0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--skew", type=int, default=0)
    parser.add_argument("--failpoints", type=Path)
    given = parser.parse_args(arguments)
    clock: Clock = SystemClock()
    if given.speed:
        clock = fast = FastClock(given.speed, given.origin, given.start)
        if given.server:
            clock = FastServerClock(fast, given.skew)
    if given.failpoints is not None:
        from tests.faults.failpoints import trigger  # noqa: PLC0415 - Alembic comes with it, and costs a start

        trigger.arm(given.failpoints, clock)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    signal.signal(signal.SIGUSR1, block)
    try:
        configuration = load(given.file, environment())
        redactor = logs.configure(clock, style="json")
        redactor.learn(configuration.secrets)
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            return runner.run(serve(configuration, clock))
    except (BadConfig, Unavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
