"""One connection to a relay, and how far the mail on it got.

The moment that separates "not sent" from "nobody knows" is the final dot.
"""

from __future__ import annotations

import re
from asyncio import timeout

import aiosmtplib

from daemon.core.clock import Clock

ACCEPTED = frozenset({250, 251})
GOODBYE = 1.0  # seconds that QUIT or RSET may take
_ESCAPED = re.compile(r"[^!-*,-<>-~]")


class Line:
    """A connection that is open; ``mails`` is how many it was given."""

    def __init__(self, smtp: aiosmtplib.SMTP, clock: Clock) -> None:
        self._smtp = smtp
        self._clock = clock
        self._opened = clock.monotonic()
        self._handing_over = False
        self.mails = 0
        self.dotted = False  # whether the newest mail itself has been written, which ``data()`` does not tell

    async def open(self) -> None:
        """Connect, encrypt, log in; from then on the writes are watched."""
        await self._smtp.connect()
        self._opened = self._clock.monotonic()
        if self._smtp.is_ehlo_or_helo_needed:
            await self._greet()
        protocol = self._smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("gone after the greeting")
        write = protocol.write

        def seen(data: bytes) -> None:
            self.dotted = self.dotted or (self._handing_over and data != b"DATA\r\n")
            write(data)

        protocol.write = seen  # type: ignore[method-assign]  # this one connection's

    async def _greet(self) -> None:
        try:
            await self._smtp.ehlo()
        except aiosmtplib.SMTPHeloError:
            await self._smtp.helo()

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return self._clock.monotonic() - self._opened

    @property
    def is_open(self) -> bool:
        """Whether nothing was heard of its end; the relay may have closed it all the same."""
        return self._smtp.is_connected

    async def hand_over(self, sender: str, recipient: str, message: str, envelope: str) -> None:
        """One mail.  Raises aiosmtplib's errors; ``dotted`` says afterwards what they mean.

        Where the relay can, it is told whom to tell what about a failure (RFC 3461).
        """
        self.mails += 1
        self.dotted = False
        tells = self._smtp.supports_extension("dsn")
        await self._say(f"MAIL FROM:<{sender}>" + (f" RET=HDRS ENVID={xtext(envelope)}" if tells else ""))
        notice = f" NOTIFY=FAILURE ORCPT=rfc822;{xtext(recipient)}" if tells else ""
        await self._say(f"RCPT TO:<{recipient}>{notice}")
        self._handing_over = True
        try:
            await self._smtp.data(message)
        finally:
            self._handing_over = False

    async def _say(self, command: str) -> None:
        """Not the client's own ``mail`` and ``rcpt``: they parse the addresses, which are checked, anew."""
        answer = await self._smtp.execute_command(command.encode("ascii"))
        if answer.code not in ACCEPTED:
            raise aiosmtplib.SMTPResponseException(answer.code, answer.message)

    async def reset(self) -> bool:
        """Forget a mail that was refused; False when the connection is of no more use."""
        try:
            async with timeout(GOODBYE):
                await self._smtp.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            return False
        return True

    async def part(self) -> None:
        """Say goodbye, and close whatever the answer."""
        try:
            async with timeout(GOODBYE):
                await self._smtp.quit()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            pass  # what was accepted stays accepted
        finally:
            self.close()

    def close(self) -> None:
        """Without a goodbye, and at once."""
        self._smtp.close()


def xtext(text: str) -> str:
    """As a parameter's value (RFC 3461, section 4).

    >>> xtext("a+b=c@example.com")
    'a+2Bb+3Dc@example.com'
    """
    return _ESCAPED.sub(lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode()), text)
