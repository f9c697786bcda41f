"""A mail server that keeps what it is given: aiosmtpd, from the extra `demo`."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from daemon.demo.stand_in import Ledger


class Mail:
    """Takes every message for every recipient."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.port = 0
        self._server: asyncio.Server | None = None
        self._peers: list[SMTP] = []

    async def start(self) -> Self:
        """Take a free port on loopback."""
        self._server = await asyncio.get_running_loop().create_server(self._peer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close, and end the conversations that are still under way."""
        if self._server is not None:
            self._server.close()
        talks = [peer._handler_coroutine for peer in self._peers if peer._handler_coroutine is not None]  # noqa: SLF001 - aiosmtpd has no other way to end a conversation
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _peer(self) -> SMTP:
        peer = SMTP(self, hostname="demo.invalid", loop=asyncio.get_running_loop())
        self._peers.append(peer)
        return peer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one copy per recipient."""
        if self.ledger.refuses:
            self.ledger.refuse()
            return "554 5.7.1 not here"
        content = envelope.content or b""
        message = message_from_bytes(
            content if isinstance(content, bytes) else content.encode(),
            _class=EmailMessage,
            policy=policy.SMTP,
        )
        plain = message.get_body(("plain",))
        for recipient in envelope.rcpt_tos:
            self.ledger.take(
                plain.get_content() if plain is not None else "",
                str(message["Message-ID"]),
                to=recipient,
                thread=str(message["In-Reply-To"] or ""),
                title=str(message["Subject"]),
            )
        return "250 2.0.0 kept"
