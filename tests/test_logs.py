"""Logs are lines of JSON that say what happened, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import warnings
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from daemon import logs
from daemon.core.clock import FakeClock

CANARY = 'c4nary-"quoted"-ö/slash+plus'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs go to memory, as JSON, and the canary is a known secret."""
    memory = io.StringIO()
    logs.configure(FakeClock(0), level="debug", style="json", stream=memory, redactor=logs.Redactor([CANARY]))
    yield memory
    logs.reset()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_writes_one_object_a_line(stream: io.StringIO) -> None:
    """An event has time, level, logger and its own fields."""
    structlog.get_logger("tocsin.outbox").info("sent", channel="x", attempts=2)
    assert lines(stream) == [
        {
            "event": "sent",
            "channel": "x",
            "attempts": 2,
            "level": "info",
            "logger": "tocsin.outbox",
            "time": "1970-01-01T00:00:00.000Z",
        }
    ]


def test_takes_the_standard_library_along(stream: io.StringIO) -> None:
    """A library's record looks like ours, its extra fields too."""
    logging.getLogger("aiohttp.access").warning("slow %s", "answer", extra={"path": "/hooks/am"})
    [line] = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("slow answer", "warning", "aiohttp.access")
    assert line["path"] == "/hooks/am"


def test_takes_warnings_along(stream: io.StringIO) -> None:
    """A Python warning is a log line, not a stray text on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in lines(stream)[-1]["event"]


def test_exceptions_are_structured_without_locals(stream: io.StringIO) -> None:
    """An exception is a list of type, value and frames; local variables stay out."""
    try:
        own_local = "only-in-a-local-variable"
        int(own_local[:0])
    except ValueError:
        structlog.get_logger().exception("failed")
    [line] = lines(stream)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"][-1]["name"] == "test_exceptions_are_structured_without_locals"
    assert "only-in-a-local-variable" not in stream.getvalue()


class Teller:
    """An object whose repr tells everything."""

    def __repr__(self) -> str:
        return f"Teller({CANARY})"


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_known_secret_gets_out(style: Any) -> None:
    """The canary is in no output, whichever way it was logged."""
    memory = io.StringIO()
    logs.configure(FakeClock(), level="debug", style=style, stream=memory, redactor=logs.Redactor([CANARY]))
    ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
    ours.info(f"text {CANARY} text")
    ours.info("field", harmless=CANARY, deep={"list": [CANARY, {"deeper": CANARY}]}, raw=CANARY.encode())
    ours.info("repr", thing=Teller(), things=[Teller()], key={CANARY: 1})
    ours.info(
        "encoded",
        json=json.dumps({"a": CANARY}),
        url="https://x.example/?q=c4nary-%22quoted%22-%C3%B6%2Fslash%2Bplus",
    )
    theirs.error("argument %s %r", CANARY, {"k": CANARY})
    theirs.error("extra", extra={"whatever": CANARY, "thing": Teller()})
    try:
        raise RuntimeError(CANARY) from ValueError([CANARY])  # noqa: TRY301 - the raise is what is tested
    except RuntimeError:
        ours.exception("raised")
        theirs.exception("raised there")
    logs.reset()
    text = memory.getvalue()
    assert text.count(logs.HIDDEN) >= 12
    assert "c4nary" not in text


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"token": "plain-value"}, id="token"),
        pytest.param({"headers": {"Authorization": "plain-value"}}, id="header"),
        pytest.param({"api_key": "plain-value"}, id="api_key"),
        pytest.param({"smtp_password": "plain-value"}, id="password"),
        pytest.param({"client-secret": "plain-value"}, id="secret"),
        pytest.param({"thing": SecretStr("plain-value")}, id="secret type"),
        pytest.param({"things": [SecretStr("plain-value")]}, id="list of secret type"),
        pytest.param({"webhook_url": "https://x.example/plain-value"}, id="webhook address"),
    ],
)
def test_telling_keys_hide_their_value(stream: io.StringIO, fields: dict[str, Any]) -> None:
    """A value under a telling key goes, known or not."""
    structlog.get_logger().info("event", **fields)
    assert "plain-value" not in stream.getvalue()
    assert logs.HIDDEN in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "hidden", "kept"),
    [
        pytest.param("postgresql://tocsin:pa55@db/x", "pa55", "@db/x", id="database"),
        pytest.param(
            "POST https://hooks.slack.com/services/T0/B0/XXsecretXX: 500", "XXsecretXX", " 500", id="slack"
        ),
        pytest.param(
            "https://discord.com/api/webhooks/1/abcSECRET failed", "abcSECRET", "failed", id="discord"
        ),
        pytest.param(
            "https://api.telegram.org/bot123:AAsecret/sendMessage", "AAsecret", "/sendMessage", id="telegram"
        ),
        pytest.param("https://x.logic.azure.com/flow?a=1&sig=SECRET&b=2", "SECRET", "&b=2", id="teams"),
        pytest.param("header Bearer abcdefgh.ijklmnop-qrst end", "abcdefgh", "end", id="bearer"),
        pytest.param(f"Basic {b64encode(b'user:password').decode()}", "dXNlcj", "Basic", id="basic"),
        pytest.param("GET /manage/abcdefghijklmnopqrst HTTP/1.1", "abcdefghij", "HTTP/1.1", id="subscriber"),
    ],
)
def test_patterns_hide_secrets_that_nobody_registered(
    stream: io.StringIO, text: str, hidden: str, kept: str
) -> None:
    """What looks like a credential goes from any text, and the rest stays readable."""
    logging.getLogger("library").info(text)
    event = lines(stream)[0]["event"]
    assert hidden not in event
    assert kept in event


def test_ordinary_words_stay(stream: io.StringIO) -> None:
    """Redaction does not eat prose."""
    text = "basic authentication refused; bot messages wait; see https://status.example.com/incidents/abc"
    structlog.get_logger().info(text, token_file="/etc/tocsin/token", keys=3)
    [line] = lines(stream)
    assert line["event"] == text
    assert line["token_file"] == "/etc/tocsin/token"


def test_secrets_may_become_known_later(stream: io.StringIO) -> None:
    """A secret that a reload brings is hidden from then on; each line of it alone, too."""
    redactor = logs.configure(FakeClock(), style="json", stream=stream)
    redactor.learn(["first-token\nsecond-token\n"])
    structlog.get_logger().info("saw second-token and first-token")
    assert lines(stream)[0]["event"] == f"saw {logs.HIDDEN} and {logs.HIDDEN}"


def test_level_counts_for_both(stream: io.StringIO) -> None:
    """Below the level nothing is written, neither ours nor theirs."""
    logs.configure(FakeClock(), level="warning", style="json", stream=stream)
    structlog.get_logger().info("ours")
    logging.getLogger("x").info("theirs")
    assert stream.getvalue() == ""


def test_a_stream_that_fails_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """A log line that cannot be written is dropped without a trace on stderr."""

    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(text)

    logs.configure(FakeClock(), style="json", stream=Broken())
    structlog.get_logger().error("lost", token=CANARY)
    logs.reset()
    assert capsys.readouterr().err == ""


def test_auto_is_json_unless_a_terminal() -> None:
    """`auto` writes JSON into a pipe and readable lines onto a terminal."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        logs.configure(FakeClock(), style="auto", stream=stream)
        structlog.get_logger().info("hello")
    logs.reset()
    assert json.loads(pipe.getvalue())["event"] == "hello"
    assert not terminal.getvalue().startswith("{")
