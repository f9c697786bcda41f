"""One Tocsin daemon as the benchmark starts it: ``python -m bench.node CONFIG``.

The same objects as `tocsin serve`, without the command line around them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop

from config.load import load
from daemon import logs
from daemon.core.clock import SystemClock
from daemon.serve import serve


def main() -> int:
    configuration = load(Path(sys.argv[1]), {})
    clock = SystemClock()
    logs.configure(
        clock, level=configuration.settings.log.level, redactor=logs.Redactor(configuration.secrets)
    )
    return uvloop.run(serve(configuration, clock))


if __name__ == "__main__":
    sys.exit(main())
