"""The formats that sources may send, by the name that a configuration uses."""

from __future__ import annotations

from collections.abc import Callable

from daemon.core.alert import Report
from daemon.core.clock import Instant
from daemon.intake import alertmanager

Parser = Callable[[bytes, str, Instant], Report]
"""Body, source name, instant of receipt.  Raises BadInput and nothing else."""

PARSERS: dict[str, Parser] = {
    "alertmanager": alertmanager.parse,
}
