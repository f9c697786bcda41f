"""The door for bounces: SMTP and LMTP in one, for the mail system beside us and nobody else.

It takes a mail from the empty sender to one of our own return paths, and
refuses all else before a byte of it was read.  What a mail is about is said by
its recipient alone, a word that we made and sealed; the mail only adds what
went wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from daemon.bounces.report import parse
from daemon.core.errors import Unavailable
from daemon.core.suppression import Taken

log = structlog.get_logger("tocsin.bounces")

MESSAGE_BYTES = 1 << 20
"""A notice comes with the headers of our mail, or with the whole of it; both are far smaller."""

MOST_CONNECTIONS = 20
STALLED = 60.0
"""Seconds for one command, the mail itself included."""

MOST_COMMANDS = 200
"""Of each kind on one connection."""

NOBODY = {None, "", "<>"}  # how aiosmtpd writes the empty sender, in its versions
REFUSED = "550 5.1.1 no such address here"
LATER = "451 4.3.0 cannot be stored now"

Read = Callable[[str], str | None]
"""Client key of the delivery whose return path this is; None for any other address."""

TakeIn = Callable[[str, str, str, str], Awaitable[Taken]]
"""``BounceDesk.take_in``: channel, client key, status, detail."""


class _Session(SMTP):
    """aiosmtpd's protocol that also answers to LMTP's greeting."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self.smtp_EHLO(arg)


class BounceListener:
    """Serves on one address; ``channels``: how the return paths of each channel are read.

    Port 0 takes a free one; ``port`` then tells which.  ``told`` hears of each
    mail: the channel and what became of it.
    """

    def __init__(
        self,
        channels: Mapping[str, Read],
        take_in: TakeIn,
        told: Callable[[str, Taken | None], object],
        host: str,
        port: int,
    ) -> None:
        self._channels = channels
        self._take_in = take_in
        self._told = told
        self._host = host
        self.port = port
        self._open: set[SMTP] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.  Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more; a mail whose end was not answered comes again."""
        if self._server is not None:
            self._server.close()
        for session in self._living():
            if session.transport is not None:
                session.transport.close()

    def _living(self) -> list[SMTP]:
        self._open = {one for one in self._open if one.transport is not None}
        return list(self._open)

    def _session(self) -> asyncio.Protocol:
        if len(self._living()) >= MOST_CONNECTIONS:
            return _Full()
        session = _Session(
            self,
            data_size_limit=MESSAGE_BYTES,
            hostname="tocsin",
            ident="bounces",
            timeout=STALLED,
            command_call_limit=MOST_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._open.add(session)
        return session

    def _whose(self, address: str) -> tuple[str, str] | None:
        """Channel and client key."""
        for channel, read in self._channels.items():
            key = read(address)
            if key is not None:
                return channel, key
        return None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str | None, options: list[str]
    ) -> str:
        """A notice comes from nobody (RFC 3464 section 2); a person's answer, or a loop, does not."""
        del server, session
        if address not in NOBODY:
            return "550 5.7.1 only delivery status notifications are taken here"
        envelope.mail_from = "<>"  # else it takes the sender for missing
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One recipient a mail: LMTP would want an answer for each."""
        del server, session, options
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient a mail"
        if self._whose(address) is None:
            return REFUSED
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """250 whatever it says: to bounce a bounce helps nobody."""
        del server, session
        whose = self._whose(envelope.rcpt_tos[0])
        if whose is None:
            return REFUSED
        channel, key = whose
        content: Any = envelope.content
        report = parse(content)
        if report is None or (report.envelope and report.envelope != key):
            self._tell(channel, key, None, "")
            return "250 2.0.0 no failure of ours"
        try:
            taken = await self._take_in(channel, key, report.status, report.detail)
        except Unavailable:
            return LATER
        self._tell(channel, key, taken, report.status)
        return "250 2.0.0 taken"

    def _tell(self, channel: str, key: str, taken: Taken | None, status: str) -> None:
        self._told(channel, taken)
        word = taken.value if taken is not None else "no failure"
        log.info("bounce", channel=channel, key=key, taken=word, status=status)

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw must not lose a notice."""
        self._told("", None)
        log.error("a bounce could not be read", exc_info=error)
        return LATER


class _Full(asyncio.Protocol):
    """Too many connections: this one is told to come later."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 too many connections\r\n")
        transport.close()
