"""E-mail by SMTP: one message for each recipient and update, on a few connections to one relay.

The commands are driven one by one, because where it broke decides what it
means: before the final dot nothing was sent (``Retry``), after it nobody knows
(``Unknown``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Hashable
from dataclasses import fields
from operator import attrgetter

import aiohttp
import aiosmtplib
from typing_extensions import override

from channels.base import BaseChannel
from channels.email_settings import TOKEN, Settings
from channels.letter import Sender, Template, id_of, mail_address, template
from channels.letter_reading import read
from channels.smtp_outcome import lost, refused
from channels.smtp_pool import Pool
from channels.smtp_wire import Line
from channels.tokens import Tokens
from daemon.core.clock import Clock
from daemon.core.ports import Capabilities, Outcome, Payload, Post, Ref, Sent, Shown

TEMPLATES = 8  # updates whose template is kept: those that are being rendered now
_TOLD = attrgetter(*(field.name for field in fields(Post) if field.name not in ("key", "facts")))


class EmailChannel(BaseChannel[Settings]):
    """Mail to the configured recipients through one relay.

    ``unsubscribe_token`` makes the word in the addresses by which a recipient
    ends the mails; whoever keeps subscribers puts in the words that it knows.
    """

    _tls: ssl.SSLContext | None = None  # made once: reading the authorities takes some 20 ms

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        self._pool = Pool(self._client, clock, settings.connections)
        secret = settings.token_secret
        self._tokens = Tokens(secret.get_secret_value()) if secret else None
        self.unsubscribe_token: Callable[[str], str] = self._tokens.of_recipient if self._tokens else str
        self._templates: dict[tuple[Hashable, ...], Template] = {}

    @override
    def _capabilities(self) -> Capabilities:
        # threads=False: no parent is needed, the frozen bytes hold the thread's Message-ID.
        return Capabilities(
            "email",
            markup="html",
            per_recipient=True,
            side_by_side=self.settings.connections,
            on_doubt="resend",
            late_apply=0.0,
            secrets=("password", "token_secret"),
        )

    @override
    def recipients(self) -> tuple[str, ...]:
        return self.settings.recipients

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        to = mail_address(recipient)
        letter = self._template(post)
        settings = self.settings
        word = self.unsubscribe_token(to)
        text = letter.fill(
            to,
            web=settings.unsubscribe_url.replace(TOKEN, word),
            mail=settings.unsubscribe_mail.replace(TOKEN, word),
        )
        return {"sender": self._return_path(post.key), "recipient": to, "message": text}

    def _template(self, post: Post) -> Template:
        """Made once for all recipients of an update, who differ in the key of the delivery alone."""
        told = (*_TOLD(post), *post.facts.items(), post.update or post.key)
        found = self._templates.get(told)
        if found is None:
            settings = self.settings
            ways = {
                "stops_by_web": bool(settings.unsubscribe_url),
                "stops_by_mail": bool(settings.unsubscribe_mail),
            }
            sender = Sender(settings.sender, settings.sender_name, settings.name, **ways)
            found = self._templates[told] = template(post, sender)
            if len(self._templates) > TEMPLATES:
                del self._templates[next(iter(self._templates))]
        return found

    def _return_path(self, key: str) -> str:
        """Where a bounce of this one mail goes: an address that says which mail it was."""
        if self._tokens is None or not self.settings.bounces:
            return self.settings.sender
        return self.settings.bounces.replace(TOKEN, self._tokens.of_delivery(key))

    def read_return_path(self, address: str) -> str | None:
        """The client key of the delivery whose return path this is; None for any other address."""
        if self._tokens is None or not self.settings.bounces:
            return None
        before, _, after = self.settings.bounces.lower().partition(TOKEN.lower())
        inside = address.lower().removeprefix(before).removesuffix(after)
        return self._tokens.delivery(inside) if f"{before}{inside}{after}" == address.lower() else None

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload["message"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        line: Line | None = None
        try:
            async with asyncio.timeout(self.settings.timeout):
                line = await self._pool.take()
                await line.hand_over(payload["sender"], payload["recipient"], payload["message"], key)
        except aiosmtplib.SMTPResponseException as refusal:
            understood = 400 <= refusal.code < 600
            if line is not None and understood:
                await self._pool.give_back(line, refused=refusal.code)
            elif line is not None:
                self._pool.drop(line)
            if not understood:  # no refusal of SMTP's: who knows what it is about
                return lost(refusal, self._said(refusal), dotted=line is not None and line.dotted)
            return refused(refusal.code, refusal.message, self.scrub(f"{refusal.code} {refusal.message}"))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if line is not None:
                self._pool.drop(line)
            return lost(error, self._said(error), dotted=line is not None and line.dotted)
        except BaseException:
            if line is not None:
                self._pool.drop(line)
            raise
        await self._pool.give_back(line)
        return Sent(Ref({"message_id": id_of(payload["message"])}))

    @override
    async def check(self) -> str | None:
        line = Line(self._client(), self._clock)
        try:
            async with asyncio.timeout(self.settings.timeout):
                await line.open()
            await line.part()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return self._said(error)
        finally:
            line.close()
        return None

    @override
    async def close(self) -> None:
        await self._pool.close()

    def _said(self, error: Exception) -> str:
        return self.scrub(f"{type(error).__name__}: {error}")

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
