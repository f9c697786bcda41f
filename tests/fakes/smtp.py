"""A mail relay: accepts into memory (and a file), or misbehaves as scripted.

Run alone: ``python -m tests.fakes.smtp --port 0 --log FILE``.
"""

from __future__ import annotations

import asyncio
import collections
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from daemon.core.clock import Clock, SystemClock
from tests.fakes.server import Journal, Stored, standalone

Phase = Literal["mail", "rcpt", "data", "dot"]


@dataclass(frozen=True, slots=True)
class MailFault:
    """Once, when a mail gets to ``at``: a reply, or a dropped connection, or silence.

    ``dot`` is after the whole message has come; with ``stores`` it is kept first.
    """

    at: Phase
    reply: str = ""
    drops: bool = False
    hangs: bool = False
    stores: bool = False


class _Peer(SMTP):
    """aiosmtpd's server, able to vanish between DATA and the message."""

    sink: MailSink

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if answer := await self.sink.misbehave("data", self):
            await self.push(answer)
            return
        await super().smtp_DATA(arg)


class MailSink:
    """Keeps what it takes.

    ``login`` is the only name and password that AUTH takes; with ``tls`` all is
    encrypted, with ``upgrade`` all after STARTTLS, before which no mail is taken.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        log: Path | None = None,
        port: int = 0,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        upgrade: ssl.SSLContext | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.port = port
        self.login = login
        self._tls = tls
        self._upgrade = upgrade
        self.refused: dict[str, str] = {}
        self.faults: collections.deque[MailFault] = collections.deque()
        self._journal = Journal(log)
        self.posts: list[Stored] = self._journal.read()
        self._closing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._peers: list[_Peer] = []
        self.connections = 0  # that were made

    @property
    def open_connections(self) -> int:
        return sum(peer.transport is not None for peer in self._peers)

    def script(self, *faults: MailFault) -> None:
        """These happen, one each, to the next mails that reach their phase."""
        self.faults.extend(faults)

    def refuse(self, recipient: str, reply: str) -> None:
        """From now on the recipient always gets that reply, such as ``550 5.1.1 no such person``."""
        self.refused[recipient] = reply

    def counts(self) -> collections.Counter[tuple[str, str]]:
        """How often each (Message-ID, recipient) was accepted."""
        return collections.Counter((post["message_id"], post["recipient"]) for post in self.posts)

    def mails(self, recipient: str = "") -> list[EmailMessage]:
        """The parsed messages, of one recipient or of all."""
        return [parsed(p["message"]) for p in self.posts if not recipient or p["recipient"] == recipient]

    async def start(self) -> Self:
        loop = asyncio.get_running_loop()
        self._closing.clear()
        self._server = await loop.create_server(self._peer, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Refuse connections until ``start``, and drop those that are open."""
        self._closing.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        tasks = []
        for peer in self._peers:
            if peer.transport is not None:
                peer.transport.close()
            if peer._handler_coroutine is not None:
                peer._handler_coroutine.cancel()
                tasks.append(peer._handler_coroutine)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._peers.clear()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def misbehave(self, phase: Phase, peer: SMTP, store: Callable[[], None] | None = None) -> str:
        """Act out the next fault if it is for this phase; returns the reply to give, if any."""
        if not self.faults or self.faults[0].at != phase:
            return ""
        fault = self.faults.popleft()
        if fault.stores and store is not None:
            store()
        if fault.hangs:
            await self._closing.wait()
        if fault.drops and peer.transport is not None:
            peer.transport.close()
            return "421 gone"
        return fault.reply

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self.misbehave("mail", server):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self.misbehave("rcpt", server) or self.refused.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        def store() -> None:
            self._keep(envelope)

        if answer := await self.misbehave("dot", server, store):
            return answer
        store()
        return "250 2.0.0 kept"

    def _peer(self) -> _Peer:
        offered: dict[str, Any] = {}
        if self.login is not None:
            offered = {"authenticator": self._knows, "auth_require_tls": False}
        if self._upgrade is not None:
            offered |= {"tls_context": self._upgrade, "require_starttls": True}
        peer = _Peer(self, hostname="fake.invalid", loop=asyncio.get_running_loop(), **offered)
        peer.sink = self
        self.connections += 1
        self._peers.append(peer)
        return peer

    def _knows(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and self.login == (data.login.decode(), data.password.decode())
        return AuthResult(success=good, handled=False)

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        text = content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else content
        for recipient in envelope.rcpt_tos:
            post = {
                "message_id": str(parsed(text)["Message-ID"]),
                "recipient": recipient,
                "sender": envelope.mail_from,
                "message": text,
                "at": self.clock.now(),
            }
            self._journal.write(post)
            self.posts.append(post)


def parsed(text: str) -> EmailMessage:
    """The message by the standard library's own reader."""
    return message_from_string(text, _class=EmailMessage, policy=policy.SMTP)


if __name__ == "__main__":
    standalone(lambda log, port: MailSink(log=log, port=port))
