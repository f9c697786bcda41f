"""systemd's notify protocol: one datagram per message to the socket that systemd names.

Owns the protocol and nothing else: who calls ``alive`` decides what "alive"
means.  Without systemd every call does nothing.  sd_notify(3) and
sd_watchdog_enabled(3) describe the variables and the messages.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Self

from daemon.core.clock import Clock

MICROSECONDS = 1_000_000


class Notifier:
    """Tells the service manager how we are; never raises and never blocks.

    ``address`` is a path, or ``@name`` for an abstract socket; empty means that
    nobody listens.  ``watchdog`` is the time in seconds after which systemd
    kills us when it has not heard ``alive``.
    """

    def __init__(self, clock: Clock, address: str = "", watchdog: float | None = None) -> None:
        self._clock = clock
        self._address = address
        self.watchdog = watchdog
        self.failures = 0
        self._socket: socket.socket | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], clock: Clock, pid: int | None = None) -> Self:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; what is malformed counts as absent."""
        address = environ.get("NOTIFY_SOCKET", "")
        if address[:1] not in {"/", "@"}:
            address = ""
        return cls(clock, address, _watchdog(environ, os.getpid() if pid is None else pid))

    @property
    def feed_every(self) -> float | None:
        """Seconds between two ``alive``: a third of the limit, so that two may be late."""
        return None if self.watchdog is None else self.watchdog / 3

    def ready(self, status: str = "") -> bool:
        """Start-up, or a reload, is complete: we accept work."""
        return self._send("READY=1", *self._status(status))

    def status(self, text: str) -> bool:
        """Set one line for ``systemctl status``."""
        return self._send(*self._status(text))

    def alive(self, status: str = "") -> bool:
        """Feed the watchdog."""
        return self._send("WATCHDOG=1", *self._status(status))

    def reloading(self) -> bool:
        """A reload begins; ``ready`` ends it."""
        stamp = int(self._clock.monotonic() * MICROSECONDS)
        return self._send("RELOADING=1", f"MONOTONIC_USEC={stamp}")

    def stopping(self, status: str = "") -> bool:
        """Shutting down begins."""
        return self._send("STOPPING=1", *self._status(status))

    def extend(self, seconds: float) -> bool:
        """Ask for that much more time to start, reload or stop (a migration runs)."""
        return self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * MICROSECONDS)}")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _status(text: str) -> tuple[str, ...]:
        # A line break would start another assignment.
        return (f"STATUS={' '.join(text.split())}",) if text else ()

    def _send(self, *lines: str) -> bool:
        if not self._address or not lines:
            return False
        target = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)  # a full queue must not stop the event loop
            self._socket.sendto("\n".join(lines).encode(), target)
        except OSError:
            # systemd restarting or gone: it will not hear us, and customers still must.
            self.failures += 1
            return False
        return True


def _watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None  # meant for another process of the service
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / MICROSECONDS if text.isdecimal() and int(text) > 0 else None
