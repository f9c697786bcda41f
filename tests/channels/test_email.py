"""E-mail: the letter's headers and bytes, and what each moment of failure means."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from pydantic import ValidationError

from channels.email import EmailChannel
from channels.email_settings import Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, Outcome, Reason, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes.raw import raw_server, tick
from tests.fakes.smtp import MailFault, MailSink, parsed

TO = "team@example.com"


OPENED: list[EmailChannel] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """No channel of a test keeps connections."""
    yield
    while OPENED:
        await OPENED.pop().close()


def channel_at(port: int, session: aiohttp.ClientSession, clock: FakeClock, **fields: object) -> EmailChannel:
    usual: dict[str, object] = {
        "name": "subscribers",
        "kind": "email",
        "host": "127.0.0.1",
        "port": port,
        "sender": "status@example.com",
        "recipients": [TO],
        "timeout": 1.0,
    }
    found = settings(**{**usual, **fields})
    assert isinstance(found, Settings)
    OPENED.append(EmailChannel(found, session, clock))
    return OPENED[-1]


async def test_a_letter_has_what_a_mail_program_needs(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Text before HTML, a stable Message-ID and Subject, and headers of an automatic list."""
    channel = channel_at(relay.port, session, clock)
    assert channel.recipients() == (TO,)
    outcome = await channel.send(channel.render(post(), TO), None, "key-1")
    assert isinstance(outcome, Sent)
    assert outcome.ref.ids == {"message_id": "<update-1@example.com>"}
    mail = relay.mails(TO)[0]
    assert mail["Subject"] == "[Example] Checkout errors"
    assert mail["From"] == "Example <status@example.com>"
    assert mail["To"] == TO
    assert mail["Message-ID"] == "<update-1@example.com>"
    assert mail["In-Reply-To"] is None
    assert mail["Date"] == "Fri, 01 Jan 2027 10:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<subscribers.example.com>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for part in mail.iter_parts():
        words = part.get_content()
        assert "Some orders fail at the moment. We are looking into it." in words
        assert "https://status.example.com/incidents/abc123def456" in words
        assert "INC-42" not in words
    assert relay.posts[0]["sender"] == "status@example.com"


async def test_updates_of_an_incident_are_one_thread(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Each later letter points to the first one, and the Subject stays."""
    channel = channel_at(relay.port, session, clock)
    later = parsed(channel.render(post(update="update-2", status="resolved", first=False), TO)["message"])
    assert later["In-Reply-To"] == later["References"] == "<update-1@example.com>"
    assert later["Subject"] == parsed(channel.render(post(), TO)["message"])["Subject"]


async def test_ids_stay_whole_with_a_long_domain(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """No id is folded or encoded, however long the domain and however odd the update's id."""
    sender = f"status@{'a' * 60}.{'b' * 60}.example.com"
    channel = channel_at(relay.port, session, clock, sender=sender)
    later = post(update="update/2 \N{SNOWMAN}" * 20, thread="x" * 200, title="Überlang " * 30, first=False)
    head = channel.render(later, TO)["message"].partition("\r\n\r\n")[0]
    lines = dict(line.split(": ", 1) for line in head.split("\r\n") if ": " in line)
    for name in ("Message-ID", "In-Reply-To", "References", "List-Id"):
        assert lines[name].startswith("<")
        assert lines[name].endswith(f"{sender.partition('@')[2]}>")
    assert lines["Message-ID"] != lines["References"]


async def test_the_same_post_gives_the_same_bytes(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Render is pure and JSON-able; what arrives after a retry is what was frozen, dots and all."""
    channel = channel_at(relay.port, session, clock)
    text = ".\n..two\n.hidden\n" + "ü" * 300
    payload = channel.render(post(text=text), TO)
    clock.advance(999_999)
    assert channel.render(post(text=text), TO) == payload
    relay.script(MailFault("dot", "451 4.3.0 later"))
    assert isinstance(await channel.send(json.loads(json.dumps(payload)), None, "key-1"), Retry)
    assert isinstance(await channel.send(json.loads(json.dumps(payload)), None, "key-1"), Sent)
    assert relay.posts[0]["message"].rstrip("\r\n") == payload["message"].rstrip("\r\n")
    assert payload["message"].isascii()
    assert max(len(line) for line in payload["message"].split("\r\n")) <= 78
    body = relay.mails()[0].get_body(("plain",))
    assert body is not None
    assert ".\n..two\n.hidden\n" + "ü" * 300 in body.get_content().replace("\r\n", "\n")


async def test_every_recipient_has_the_same_message_id(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One update is one Message-ID, so that mail programs see one message."""
    channel = channel_at(relay.port, session, clock, recipients=[TO, "b@example.org"])
    ids = {parsed(channel.render(post(), to)["message"])["Message-ID"] for to in channel.recipients()}
    assert ids == {"<update-1@example.com>"}


async def test_an_internal_channel_shows_facts(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Number, mention and facts are for people inside, in both parts, escaped in HTML."""
    channel = channel_at(relay.port, session, clock, audience="internal")
    inside = post(audience=Audience.internal, facts={"region": "<eu>"}, mention="@lead")
    mail = parsed(channel.render(inside, TO)["message"])
    plain, page = (part.get_content() for part in mail.iter_parts())
    assert "region: <eu>" in plain
    assert "@lead Some orders" in plain
    assert "region: &lt;eu&gt;" in page
    assert mail["Subject"] == "[Example] INC-42 Checkout errors"


FAILURES: dict[str, tuple[MailFault, type[Outcome], Reason, int, Scope | None]] = {
    "sender refused for now": (MailFault("mail", "451 4.3.2 busy"), Retry, Reason.server, 0, None),
    "sender refused": (
        MailFault("mail", "550 5.7.1 not yours"), Rejected, Reason.auth, 0, Scope.destination
    ),
    "login needed": (MailFault("mail", "530 5.7.0 log in"), Rejected, Reason.auth, 0, Scope.destination),
    "greylisted": (MailFault("rcpt", "450 4.7.1 come back"), Retry, Reason.rate_limited, 0, None),
    "shutting down": (MailFault("rcpt", "421 4.3.2 bye"), Retry, Reason.server, 0, None),
    "mailbox full": (MailFault("rcpt", "452 4.2.2 full"), Retry, Reason.server, 0, None),
    "no such person": (MailFault("rcpt", "550 5.1.1 who"), Rejected, Reason.gone, 0, Scope.delivery),
    "relaying denied": (MailFault("rcpt", "554 5.7.1 no"), Rejected, Reason.auth, 0, Scope.destination),
    "DATA refused": (MailFault("data", "554 5.3.4 too big"), Rejected, Reason.content, 0, Scope.delivery),
    "content refused": (MailFault("dot", "554 5.6.0 no"), Rejected, Reason.content, 0, Scope.delivery),
    "content refused for now": (MailFault("dot", "451 4.3.0 wait"), Retry, Reason.server, 0, None),
    "dropped at the sender": (MailFault("mail", drops=True), Retry, Reason.network, 0, None),
    "dropped at the recipient": (MailFault("rcpt", drops=True), Retry, Reason.network, 0, None),
    "dropped at DATA": (MailFault("data", drops=True), Retry, Reason.network, 0, None),
    "dropped after the dot": (MailFault("dot", drops=True, stores=True), Unknown, Reason.network, 1, None),
    "silent at the sender": (MailFault("mail", hangs=True), Retry, Reason.timeout, 0, None),
    "silent at DATA": (MailFault("data", hangs=True), Retry, Reason.timeout, 0, None),
    "silent after the dot": (MailFault("dot", hangs=True, stores=True), Unknown, Reason.timeout, 1, None),
    "nonsense at the recipient": (MailFault("rcpt", "hello there"), Retry, Reason.network, 0, None),
    "nonsense after the dot": (
        MailFault("dot", "hello there", stores=True), Unknown, Reason.network, 1, None
    ),
    "silent after the dot, not kept": (MailFault("dot", hangs=True), Unknown, Reason.timeout, 0, None),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "kind", "reason", "held", "scope"), FAILURES.values(), ids=FAILURES)
async def test_rows_51_to_53_and_61_to_63_the_moment_of_failure_decides(
    fault: MailFault,
    kind: type[Outcome],
    reason: Reason,
    held: int,
    scope: Scope | None,
    relay: MailSink,
    session: aiohttp.ClientSession,
    clock: FakeClock,
) -> None:
    """Before the final dot nothing was sent; after it nobody knows; a code always does."""
    channel = channel_at(relay.port, session, clock, timeout=1.0)
    relay.script(fault)
    outcome = await channel.send(channel.render(post(), TO), None, "key-1")
    assert type(outcome) is kind, outcome
    assert not isinstance(outcome, Sent)
    assert outcome.reason is reason
    assert len(relay.posts) == held
    if isinstance(outcome, Rejected):
        assert outcome.scope is scope


async def test_row_51_nobody_listens(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A refused connection is Retry, and check says it in a line."""
    channel = channel_at(relay.port, session, clock)
    await relay.stop()
    outcome = await channel.send(channel.render(post(), TO), None, "key-1")
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.network
    assert "Connect" in (await channel.check() or "")


async def test_row_61_mixed_recipients_have_outcomes_of_their_own(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One bad address does not touch the good one."""
    channel = channel_at(relay.port, session, clock, recipients=[TO, "gone@example.org"])
    relay.refuse("gone@example.org", "550 5.1.1 no such person")
    outcomes = [await channel.send(channel.render(post(), to), None, to) for to in channel.recipients()]
    assert [type(outcome) for outcome in outcomes] == [Sent, Rejected]
    assert relay.counts() == {("<update-1@example.com>", TO): 1}


async def test_row_63_a_trickling_greeting_ends_at_the_deadline(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One byte a second keeps no attempt alive beyond its deadline."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"2")
            await writer.drain()
            await tick(0.05)

    async with raw_server(trickle) as port:
        channel = channel_at(port, session, clock, timeout=1.0)
        outcome = await channel.send(channel.render(post(), TO), None, "key-1")
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.timeout


async def test_row_63_stripped_starttls_is_refused(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Where STARTTLS is required and not offered, nothing is sent and nothing falls back to plain."""
    channel = channel_at(relay.port, session, clock, start_tls=True)
    outcome = await channel.send(channel.render(post(), TO), None, "key-1")
    assert isinstance(outcome, Retry)
    assert outcome.scope is Scope.destination
    assert relay.posts == []


async def test_login_is_used_and_its_refusal_stops_the_relay(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A right password sends; a wrong one is the operator's business and is never printed."""
    async with MailSink(clock=clock, login=("status", "right-password")) as relay:
        good = channel_at(relay.port, session, clock, username="status", password="right-password")
        assert await good.check() is None
        assert isinstance(await good.send(good.render(post(), TO), None, "key-1"), Sent)
        bad = channel_at(relay.port, session, clock, username="status", password="wrong-password")
        outcome = await bad.send(bad.render(post(), TO), None, "key-1")
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.scope) == (Reason.auth, Scope.destination)
        said = f"{outcome} {await bad.check()} {bad.settings!r}"
        assert "wrong-password" not in said
        assert "535" in said


async def test_mail_cannot_be_read_back_and_is_sent_again_on_doubt(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The policy of reliability's table: once more, the same bytes; an operator may hold instead."""
    channel = channel_at(relay.port, session, clock)
    assert channel.capabilities.on_doubt == "resend"
    assert channel.capabilities.per_recipient
    assert isinstance(await channel.find(channel.render(post(), TO), "key-1", clock.now()), CannotTell)
    assert channel_at(relay.port, session, clock, on_doubt="hold").capabilities.on_doubt == "hold"


async def test_tls_is_required_off_loopback_alone() -> None:
    """The default is safe: STARTTLS everywhere but to this machine, none on top of implicit TLS."""

    def upgrades(**fields: object) -> bool:
        found = settings(name="m", kind="email", sender="a@b.example", **fields)
        assert isinstance(found, Settings)
        return found.upgrades

    assert upgrades(host="mail.example.com")
    assert not upgrades(host="localhost")
    assert not upgrades(host="mail.example.com", implicit_tls=True, port=465)
    assert not upgrades(host="mail.example.com", start_tls=False)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"sender": "status"}, "write an address"),
        ({"sender": "a@b.example\r\nBcc: x@y.example"}, "write an address"),
        ({"recipients": ["Team <team@example.com>"]}, "write an address"),
        ({"recipients": ["a@b.example, c@d.example"]}, "write an address"),
        ({"username": "x"}, "go together"),
        ({"start_tls": True, "implicit_tls": True}, "not both"),
        ({"username": "x", "password": "secret-word", "start_tls": False}, "in the clear"),
        ({"ca_file": "/no/such/file"}, "path"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_settings_say_what_to_write(fields: dict[str, object], says: str) -> None:
    """Addresses are bare addresses, passwords do not leave in the clear."""
    usual = {"name": "m", "kind": "email", "host": "mail.example.com", "sender": "a@b.example"}
    with pytest.raises(ValidationError, match=says) as found:
        settings(**{**usual, **fields})
    assert "secret-word" not in str(found.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine that only its own file vouches for, and a server's context with it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, path = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", path, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key)
    return path, context


@pytest.mark.external
async def test_implicit_tls_is_verified(
    certificate: tuple[Path, ssl.SSLContext], session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A certificate that nobody vouches for sends nothing; with its authority in ca_file it does."""
    path, context = certificate
    async with MailSink(clock=clock, tls=context) as relay:
        blind = channel_at(relay.port, session, clock, implicit_tls=True)
        outcome = await blind.send(blind.render(post(), TO), None, "key-1")
        assert isinstance(outcome, Retry)
        assert outcome.scope is Scope.destination
        assert relay.posts == []
        seeing = channel_at(relay.port, session, clock, implicit_tls=True, ca_file=str(path))
        assert await seeing.check() is None
        assert isinstance(await seeing.send(seeing.render(post(), TO), None, "key-1"), Sent)


@pytest.mark.external
async def test_starttls_comes_before_everything(
    certificate: tuple[Path, ssl.SSLContext], session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Password and mails travel encrypted, on a connection that is used again; a stranger gets nothing."""
    path, context = certificate
    async with MailSink(clock=clock, upgrade=context, login=("status", "right-password")) as relay:
        fields = {"start_tls": True, "username": "status", "password": "right-password"}
        seeing = channel_at(relay.port, session, clock, ca_file=str(path), **fields)
        for _ in range(2):
            assert isinstance(await seeing.send(seeing.render(post(), TO), None, "key-1"), Sent)
        assert relay.connections == 1
        outcome = await (blind := channel_at(relay.port, session, clock, **fields)).send(
            blind.render(post(), TO), None, "key-1"
        )
        assert isinstance(outcome, Retry)
        assert outcome.scope is Scope.destination
        assert len(relay.posts) == 2
