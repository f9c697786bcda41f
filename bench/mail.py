"""Mail: how many a second, in how much memory, and whether a chat waits meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bench.bodies import SERVICES, Bodies, Place
from bench.load import percentile
from bench.mail_client import MAIL, Sent
from bench.reach import Talk, one_by_one, open_incident
from bench.report import Row, judge, milliseconds
from bench.sink import Sink
from bench.systems import CLOCK, ROOT, Tocsin, free_port

CONNECTIONS = 8
TARGET = 2_000  # mails a second
MEGA = 1_000_000
FLAT = 10 * MEGA  # bytes that memory may grow by, however many recipients there are
CONFIGURED = 5_000  # recipients in the configuration of a whole daemon
PATIENCE = 120.0
PLAN = """\
  mailing:
    to: [ page, mail ]
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: done, on: resolved, say: resolved, to: [ told ] }
"""
SENT = 'tocsin_notifications_total{channel="mail",kind="email",outcome="sent",reason="none"} '


@asynccontextmanager
async def smtp_sink() -> AsyncIterator[int]:
    """Postfix's own sink in a process of its own: takes everything and keeps nothing."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec("smtp-sink", *user, f"127.0.0.1:{port}", "256")
    try:
        until = CLOCK.monotonic() + 10.0
        while not await _listens(port):
            if CLOCK.monotonic() > until:
                raise RuntimeError("smtp-sink does not listen")
            await CLOCK.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def compare(recipients: int) -> list[Row]:
    """The channel beside the library that it is built on and Postfix's own source, in the same minutes."""
    if shutil.which("smtp-sink") is None:
        return []
    sink = Sink()
    await sink.start()
    async with smtp_sink() as port:
        ours = await _client("tocsin", port, recipients, sink.port)
        library = await _client("library", port, max(recipients // 20, 500), 0)
        source = await _smtp_source(port, recipients // 5)
    await sink.stop()
    grown = ours.most - ours.before
    return [
        Row(
            f"mail to {recipients:,} recipients, the channel alone, {CONNECTIONS} connections",
            f"{ours.rate:,.0f}/s, {ours.cpu / ours.mails * 1e6:,.0f} µs of CPU a mail",
            f"{TARGET:,}/s", judge(("rate", ours.rate >= TARGET)),
            alertmanager=f"smtp-source (C) {source:,.0f}/s; aiosmtplib's send_message {library.rate:,.0f}/s",
            ratio=f"{ours.rate / source:.2f}; {ours.rate / library.rate:.1f}",
        ),
        Row("memory meanwhile", f"{ours.before / MEGA:.0f} MB, at most {grown / MEGA:.1f} more",
            f"{FLAT / MEGA:.0f} MB more", judge(("size", grown <= FLAT))),
        Row("a chat meanwhile, in the same event loop", f"p99 {milliseconds(ours.chat)}", "p99 1,000 ms",
            judge(("p99", ours.chat <= 1.0))),
    ]  # fmt: skip


async def _client(who: str, port: int, recipients: int, chat: int) -> Sent:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.mail_client", who, str(port), str(recipients), str(CONNECTIONS)),
        str(chat),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    return msgspec.json.decode(await _answer(process), type=Sent)


async def _smtp_source(port: int, mails: int) -> float:
    """Mails a second by Postfix's generator, of about our size, 100 on each connection as we do."""
    began = CLOCK.monotonic()
    process = await asyncio.create_subprocess_exec(
        *("smtp-source", "-s", str(CONNECTIONS), "-d", "-l", "3500", "-m", str(mails)),
        *("-f", "status@example.com", "-t", "user@example.org", f"127.0.0.1:{port}"),
        stdout=asyncio.subprocess.PIPE,
    )
    await _answer(process)
    return mails / (CLOCK.monotonic() - began)


async def _answer(process: Process) -> bytes:
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("a client of the mail benchmark failed; its words are above")
    return out


async def whole(folder: Path, recipients: int = CONFIGURED) -> list[Row]:
    """The whole daemon with so many configured recipients: rows, intents, outcomes; and chats beside."""
    if shutil.which("smtp-sink") is None:
        return []
    sink = Sink()
    await sink.start()
    async with smtp_sink() as port:
        system = Tocsin(folder / "mail", sink.port)
        _with_mail(system, port, recipients)
        async with system:
            rate, cpu, taken, spans = await _mailing(system, sink, recipients)
    await sink.stop()
    slow = percentile(spans, 0.99)
    return [
        Row(
            f"mail by the whole daemon, {recipients:,} configured recipients",
            f"{rate:,.0f}/s, {cpu / recipients * 1e6:,.0f} µs of CPU a mail; "
            f"the 200 for its alert after {milliseconds(taken)}",
            f"{TARGET:,}/s", judge(("rate", rate >= TARGET)),
        ),
        Row("alert accepted → first byte at a channel, while that mail goes out",
            f"p99 {milliseconds(slow)} ({len(spans)} incidents)", "p99 1,000 ms",
            judge(("p99", slow <= 1.0))),
    ]  # fmt: skip


def _with_mail(system: Tocsin, port: int, recipients: int) -> None:
    """A mail channel, for the incidents of one service alone: what the others say is the chat."""
    fields = {**MAIL, "port": port, "connections": CONNECTIONS}
    fields["recipients"] = [f"user{number}@example.org" for number in range(recipients)]
    mail = msgspec.json.encode(fields).decode()  # JSON is YAML too
    text = system.config.read_text()
    system.config.write_text(text.replace("log:", f"  - {mail}\nlog:", 1))
    rules = system.folder / "rules.yaml"
    text = rules.read_text().replace("plan: public", "plan: mailing", 1)
    text = text.replace("  ops: {", "  mail: { kind: email }\n  ops: {", 1)
    rules.write_text(text.replace("plans:\n", f"plans:\n{PLAN}", 1))


async def _mailing(system: Tocsin, sink: Sink, recipients: int) -> tuple[float, float, float, list[float]]:
    """Mails a second, processor time, seconds to make all rows, and each incident's to its channel."""
    talk, spans = Talk(system.port), list[float]()
    await talk.open()
    numbers = (number for number in itertools.count(1) if number % SERVICES)
    await one_by_one(system, sink, [next(numbers)])  # whatever is done once is done
    began, cpu = CLOCK.monotonic(), system.cpu()
    await open_incident(talk, Bodies(1), Place("service_0", "cluster-0"))
    taken = CLOCK.monotonic() - began
    while await _sent(talk) < recipients:
        if CLOCK.monotonic() - began > PATIENCE:
            raise RuntimeError("the mails do not go out")
        spans += (await one_by_one(system, sink, [next(numbers)]))[1]
    rate = recipients / (CLOCK.monotonic() - began)
    talk.close()
    return rate, system.cpu() - cpu, taken, spans


async def _sent(talk: Talk) -> float:
    _, text = await talk.ask("GET /metrics")
    return next(
        (float(line.split()[-1]) for line in text.decode().splitlines() if line.startswith(SENT)), 0.0
    )
