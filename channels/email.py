"""E-mail by SMTP: one message and one connection for each recipient and update.

The commands are driven one by one, because where it broke decides what it
means: before the final dot nothing was sent (``Retry``), after it nobody knows
(``Unknown``).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl

import aiosmtplib
from typing_extensions import override

from channels.base import BaseChannel
from channels.email_settings import Settings
from channels.letter import id_of, letter, mail_address
from channels.letter_reading import read
from channels.smtp_wire import Wire
from daemon.core.ports import (
    Capabilities,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Shown,
    Unknown,
)

_POLICY = re.compile(r"\b5\.7\.\d{1,3}\b")
_REFUSED_LOGIN = frozenset({530, 534, 535, 538})


class EmailChannel(BaseChannel[Settings]):
    """Mail to the configured recipients through one relay."""

    _tls: ssl.SSLContext | None = None  # made once: reading the authorities takes some 20 ms

    @override
    def _capabilities(self) -> Capabilities:
        # threads=False: no parent is needed, the frozen bytes hold the thread's Message-ID.
        return Capabilities(
            "email",
            markup="html",
            per_recipient=True,
            on_doubt="resend",
            late_apply=0.0,
            secrets=("password",),
        )

    @override
    def recipients(self) -> tuple[str, ...]:
        return self.settings.recipients

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        to = mail_address(recipient)
        text = letter(
            post,
            sender=self.settings.sender,
            sender_name=self.settings.sender_name,
            recipient=to,
            channel=self.settings.name,
        )
        return {"sender": self.settings.sender, "recipient": to, "message": text}

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload["message"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        smtp, wire = self._client(), Wire()
        try:
            async with asyncio.timeout(self.settings.timeout):
                await smtp.connect()
                await smtp.mail(payload["sender"])
                await smtp.rcpt(payload["recipient"])
                wire.watch(smtp)
                await smtp.data(payload["message"])
            await _part(smtp)
            return Sent(Ref({"message_id": id_of(payload["message"])}))
        except aiosmtplib.SMTPResponseException as refusal:
            return self._refused(refusal.code, refusal.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return self._lost(error, dotted=wire.dotted)
        finally:
            smtp.close()

    @override
    async def check(self) -> str | None:
        smtp = self._client()
        try:
            async with asyncio.timeout(self.settings.timeout):
                await smtp.connect()
                await smtp.noop()
            await _part(smtp)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return self.scrub(f"{type(error).__name__}: {error}")
        finally:
            smtp.close()
        return None

    def _client(self) -> aiosmtplib.SMTP:
        settings = self.settings
        secret = settings.password.get_secret_value() if settings.password else None
        if self._tls is None and (settings.upgrades or settings.implicit_tls):
            self._tls = ssl.create_default_context(cafile=settings.ca_file)
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout,
            use_tls=settings.implicit_tls,
            start_tls=settings.upgrades,
            tls_context=self._tls,
            username=settings.username,
            password=secret,
        )

    def _refused(self, code: int, message: str) -> Outcome:
        """RFC 5321 4.2.1 and RFC 3463: 4 is for later, 5 for good, 5.7 about us, not the recipient."""
        detail = self.scrub(f"{code} {message}")
        if 400 <= code < 500:
            return Retry(Reason.rate_limited if "4.7." in message else Reason.server, detail)
        if code in _REFUSED_LOGIN or _POLICY.search(message):
            return Rejected(Reason.auth, detail, Scope.destination)
        if code in (550, 551, 553):
            return Rejected(Reason.gone, detail)
        return Rejected(Reason.content, detail)

    def _lost(self, error: Exception, *, dotted: bool) -> Outcome:
        reason = Reason.timeout if isinstance(error, TimeoutError) else Reason.network
        detail = self.scrub(f"{type(error).__name__}: {error}")
        if dotted:
            return Unknown(reason, f"after the final dot: {detail}")
        # No TLS where it is required, a wrong certificate, no way to log in: it is about the relay.
        tls = any(isinstance(problem, ssl.SSLError) for problem in (error, error.__cause__))
        relay = tls or type(error) is aiosmtplib.SMTPException
        return Retry(reason, detail, scope=Scope.destination if relay else Scope.delivery)


async def _part(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye for a second at most; what was accepted stays accepted."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await smtp.quit()
