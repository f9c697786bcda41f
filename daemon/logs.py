"""Logs: structlog and the standard library through one chain, JSON on stderr, no secret in it.

Redaction happens twice.  Before rendering, values under telling keys and secret
types go.  After rendering, every known secret value and every pattern that
carries one goes from the finished line, so that a repr, a traceback or a
library's message cannot leak either.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import EventDict, ProcessorReturnValue, WrappedLogger

from daemon.core.clock import Clock, to_iso

HIDDEN = "[redacted]"
SHORTEST = 6
"""Shorter values would blank out ordinary words; SecretStr and key names still hide them."""

_MACHINERY = frozenset({"exc_info", "stack_info", "_record", "_from_structlog"})
_TELLING_KEY = re.compile(
    r"(?i)(^|[_-])(token|tokens|password|passwd|authorization|secret|secrets|cookie|api_?key|private_key|credentials?|webhook_url)$"
)
# Each is linear in the length of the line: labels of alerts are logged, and strangers write those.  So no
# pattern starts with something repeated before what makes it telling.
_PATTERNS = (
    (re.compile(r"://[^\s/?#@\"']++@"), rf"://{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic|bot)\s+[a-z0-9._~+/=-]{16,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)(https?://hooks\.slack(?:-gov)?\.com/)[^\s\"'<>\\]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(/api(?:/v\d{1,3})?/webhooks/)[^\s\"'<>\\]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(/bot)\d+:[^\s\"'<>\\/]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(/manage/)[a-z0-9_-]{16,}"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(?i)([?&](?:sig|token|access_token|key|api_key|secret|password)=)[^&\s\"'<>\\]+"),
        rf"\1{HIDDEN}",
    ),
)


CHATTY = ("alembic", "asyncio", "aiosmtplib", "mail")
"""Libraries whose news is for their developers."""


class Redactor:
    """Takes secrets out of events and of finished lines; secrets are registered as they are read."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: re.Pattern[str] | None = None
        self._values: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Never show these values again, however they are written (JSON, percent-encoded)."""
        for secret in secrets:
            for line in (secret, *secret.splitlines()):
                value = line.strip()
                if len(value) >= SHORTEST:
                    self._values |= _spellings(value)
        if self._values:
            # The longest first: one secret may be the beginning of another.
            ordered = sorted(self._values, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, ordered)))

    def line(self, text: str) -> str:
        """Hide known values and telling patterns in a finished text."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def event(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """Hide what stands under a telling key, and secret types (a structlog processor)."""
        for key, value in event.items():
            if key not in _MACHINERY:
                event[key] = HIDDEN if _TELLING_KEY.search(key) else self._clean(value)
        return event

    def rendered(self, _logger: WrappedLogger, _name: str, event: ProcessorReturnValue) -> str:
        """Hide secrets in what the renderer made (the last structlog processor)."""
        return self.line(str(event))

    def _clean(self, value: object, depth: int = 6) -> Any:
        if isinstance(value, (SecretStr, SecretBytes)) or depth == 0:
            return HIDDEN
        if isinstance(value, Mapping):
            return {
                str(key): HIDDEN if _TELLING_KEY.search(str(key)) else self._clean(item, depth - 1)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(item, depth - 1) for item in value]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "backslashreplace")
        return self.line(value) if isinstance(value, str) else value


def _spellings(value: str) -> set[str]:
    """The ways in which a value shows up in a line: as it is, as JSON, as JSON within JSON, in an address."""
    found = {value, repr(value)[1:-1], quote(value), quote(value, safe="")}
    for _ in range(2):
        found |= {json.dumps(one, ensure_ascii=flag)[1:-1] for one in found for flag in (True, False)}
    return found


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be written is counted, never printed raw and never raised."""

    dropped = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class names it
        del record  # the default prints its arguments unredacted
        self.dropped += 1


def configure(
    clock: Clock,
    *,
    level: str = "info",
    style: Literal["json", "console", "auto"] = "auto",
    redactor: Redactor | None = None,
    stream: TextIO | None = None,
) -> Redactor:
    """Send all logs of the process to ``stream`` (stderr); ``auto`` is JSON unless that is a terminal.

    Returns the redactor, which takes secrets that become known later.  Calling
    it again replaces what it set up before.
    """
    redactor = redactor if redactor is not None else Redactor()
    stream = stream if stream is not None else sys.stderr
    console = style == "console" or (style == "auto" and stream.isatty())
    shared = _shared_chain(clock, redactor)
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=_rendering_chain(redactor, console=console, colors=stream.isatty()),
        )
    )
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # configure may be called again with another level
    )
    return redactor


def reset() -> None:
    """Undo ``configure``; tests call it."""
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _shared_chain(clock: Clock, redactor: Redactor) -> list[structlog.typing.Processor]:
    def stamp(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["time"] = to_iso(clock.now())
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        stamp,
        redactor.event,
    ]


def _visible(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Nothing that a terminal would obey (JSON escapes it anyway); a structlog processor."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in value)
    return event


def _rendering_chain(redactor: Redactor, *, console: bool, colors: bool) -> list[structlog.typing.Processor]:
    first: structlog.typing.Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if console:
        # The plain formatter: prettier ones print local variables, secrets among them.
        pretty = structlog.dev.ConsoleRenderer(
            colors=colors, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
        )
        return [first, _visible, pretty, redactor.rendered]
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    return [
        first,
        structlog.processors.ExceptionRenderer(frames),
        structlog.processors.JSONRenderer(),
        redactor.rendered,
    ]
