"""Mail without a daemon, a process of its own: letters rendered and sent one after the other, memory watched.

``python -m bench.mail_client WHO PORT RECIPIENTS CONNECTIONS CHAT`` prints one line of JSON: a ``Sent``.
WHO is ``tocsin`` (the channel's own ``render`` and ``send``) or ``library``
(aiosmtplib's ``send_message`` on connections that are kept, the letter built for each recipient).
CHAT is the port of a server that gets a post twenty times a second meanwhile; 0: none.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from email import message_from_string, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import aiohttp
import aiosmtplib
import msgspec
import uvloop
from pydantic import TypeAdapter

from bench.load import percentile
from channels import registry
from channels.base import ChannelSettings
from channels.http import open_session
from daemon.core import ports
from daemon.core.clock import SystemClock
from daemon.core.words import Audience

CLOCK = SystemClock()
EVERY = 0.05  # seconds between two posts to the chat
SENDER = "status@example.com"
MAIL = {
    "name": "mail", "kind": "email", "host": "127.0.0.1", "sender": SENDER,
    "bounces": "b+TOKEN@bounces.example.com", "token_secret": "a-secret-of-the-benchmark",
    "unsubscribe_url": "https://status.example.com/unsubscribe/TOKEN",
}  # fmt: skip
CHAT = {"name": "chat", "kind": "slack"}
POST = ports.Post(
    key="", incident="INC-42", title="Checkout errors", audience=Audience.public, status="investigating",
    text="You may be unable to pay for your orders. We are looking into it, and post again by 10:30 UTC.",
    impact="major", components=("Checkout",), first=True, page_name="Example", at=1_798_797_600_000,
    page_url="https://status.example.com/incidents/abc123def456", update="update-1", thread="update-1",
)  # fmt: skip


class Sent(msgspec.Struct):
    """Spans in seconds, memory in bytes; ``chat``: from the call to the answer, at p99."""

    mails: int
    elapsed: float
    cpu: float
    before: int
    most: int
    chat: float = 0.0

    @property
    def rate(self) -> float:
        return self.mails / self.elapsed


def memory() -> int:
    """Resident bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def channel(fields: Mapping[str, object], session: aiohttp.ClientSession) -> ports.Channel:
    settings: ChannelSettings = TypeAdapter(registry.settings_model()).validate_python(fields)
    return registry.build(settings, session, CLOCK)


def post_of(number: int) -> ports.Post:
    return replace(POST, key=f"{number:032x}")


def must_be_sent(outcome: ports.Outcome) -> None:
    if outcome.__class__ is not ports.Sent:
        raise RuntimeError(f"not sent: {outcome}")


async def by_channel(mail: ports.Channel, numbers: Iterator[int]) -> None:
    """What the outbox does for each row, without the rows."""
    for number in numbers:
        one = post_of(number)
        must_be_sent(await mail.send(mail.render(one, f"user{number}@example.org"), None, one.key))
        await CLOCK.sleep(0)  # as between two rows: whoever else is there has a turn


async def by_library(port: int, mail: ports.Channel, numbers: Iterator[int]) -> None:
    """The same letter by the mail library, as its manual shows."""
    first = str(mail.render(post_of(0), "user0@example.org")["message"])
    text = message_from_string(first, _class=EmailMessage, policy=policy.SMTP)
    parts = [part.get_content() for part in text.iter_parts()]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        for number in numbers:
            message = EmailMessage()
            message["From"], message["To"] = SENDER, f"user{number}@example.org"
            message["Subject"], message["Message-ID"] = str(text["Subject"]), "<update-1@example.com>"
            message.set_content(parts[0])
            message.add_alternative(parts[1], subtype="html")
            await smtp.send_message(message)


async def chatter(chat: ports.Channel, spans: list[float]) -> None:
    while True:
        began = CLOCK.monotonic()
        must_be_sent(await chat.send(chat.render(POST), None, "key"))
        spans.append(CLOCK.monotonic() - began)
        await CLOCK.sleep(EVERY)


async def run(who: str, port: int, recipients: int, connections: int, chat_port: int) -> Sent:
    async with open_session() as session:
        mail = channel({**MAIL, "port": port, "connections": connections}, session)
        numbers = iter(range(recipients))
        worker = partial(by_library, port) if who == "library" else by_channel
        spans: list[float] = []
        talking = None
        if chat_port:
            hook = {**CHAT, "webhook_url": f"http://127.0.0.1:{chat_port}/hook"}
            talking = asyncio.create_task(chatter(channel(hook, session), spans))
        result = await _measured(partial(worker, mail, numbers), recipients, connections)
        if talking is not None:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        await mail.close()
    result.chat = percentile(spans, 0.99)
    return result


async def _measured(worker: Callable[[], Awaitable[None]], recipients: int, connections: int) -> Sent:
    before = most = memory()
    began, cpu = CLOCK.monotonic(), _cpu()
    work = asyncio.gather(*(worker() for _ in range(connections)))
    while not work.done():
        await asyncio.wait({work}, timeout=0.25)
        most = max(most, memory())
    await work
    return Sent(recipients, CLOCK.monotonic() - began, _cpu() - cpu, before, most)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    name, *numbers_given = sys.argv[1:]
    print(msgspec.json.encode(uvloop.run(run(name, *map(int, numbers_given)))).decode())
