"""Everybody beside the monitors: senders of bad bodies, people with the API, operators.

Each visitor does one thing over and over.  A daemon that dies meanwhile is no
news to any of them; what they got from it is checked elsewhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from itertools import count
from typing import Any, Self

import aiohttp

from tests.faults.load import Book
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import ADMIN, SOURCE
from tests.processes.waiting import CLOCK

BODY_LIMIT = 1_100_000
"""What the configuration of a visited daemon says; a body beyond 1 MiB is parsed in a thread already."""

PAUSE = 0.1  # seconds between two acts of one visitor
HOOK = "/hooks/am"
API = "/api/v1"
ANYBODY = {"who": "ana"}
TWINS = "twins"  # the service of alerts that are told twice at once


class Visitors:
    """``async with Visitors(daemon) as visitors``: they come until the end of the context."""

    def __init__(self, daemon: Daemon, book: Book) -> None:
        self._daemon = daemon
        self._book = book
        self._numbers = count()
        self._session: aiohttp.ClientSession
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._daemon.site.private_url, timeout=aiohttp.ClientTimeout(total=5)
        )
        acts = (
            self.bad_body, self.too_large_body, self.noted_body, self.packed_body, self.large_body,
            self.slow_body, self.broken_body, self.twins, self.own_incident, self.votes, self.doubts,
            self.questions, self.past_rules,
        )  # fmt: skip
        self._tasks = [asyncio.create_task(self._over_and_over(act)) for act in acts]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        wrong = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not wrong, f"visitors that went home early: {wrong}"

    async def _over_and_over(self, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError):
                await act()
            await CLOCK.sleep(PAUSE)

    async def _send(self, data: Any, **headers: str) -> int:
        own = {"Content-Type": "application/json", "Authorization": f"Bearer {SOURCE}", **headers}
        async with self._session.post(HOOK, data=data, headers=own) as answer:
            await answer.read()
            return answer.status

    async def _ask(self, method: str, path: str, **fields: object) -> Any:
        """The answer's JSON; None when it refuses."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        given = json.dumps(fields).encode() if method == "POST" else None
        async with self._session.request(method, API + path, data=given, headers=headers) as answer:
            text = await answer.read()
            return json.loads(text) if answer.status < 300 else None

    # -- senders -------------------------------------------------------------

    async def bad_body(self) -> None:
        """Kept for a person, once: so each is another one."""
        await self._send(f'{{"alerts": {next(self._numbers)}'.encode())

    async def too_large_body(self) -> None:
        await CLOCK.sleep(0.3)
        await self._send(BytesIO(b"x" * (BODY_LIMIT + 1)))

    async def noted_body(self) -> None:
        """Understood in part."""
        await self._send(body(version=f"5.{next(self._numbers)}"))

    async def packed_body(self) -> None:
        await self._send(body(), **{"Content-Encoding": "br"})

    async def large_body(self) -> None:
        await CLOCK.sleep(0.3)
        await self._send(BytesIO(body() + b" " * (BODY_LIMIT - 10_000)))

    async def slow_body(self) -> None:
        """One that comes in two parts, and one that never ends."""
        whole = body()

        async def parts(pause: float) -> AsyncIterator[bytes]:
            yield whole[:20]
            await CLOCK.sleep(pause)
            yield whole[20:]

        await self._send(parts(0.05))
        await self._send(parts(4))

    async def broken_body(self) -> None:
        """Its framing is wrong."""
        port = self._daemon.site.private
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                f"POST {HOOK} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {SOURCE}\r\n"
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            )
            await writer.drain()
            await CLOCK.sleep(PAUSE)  # the daemon reads already when it comes
            writer.write(b"no size\r\n")
            async with asyncio.timeout(2):
                await reader.read()
        finally:
            writer.close()

    async def twins(self) -> None:
        """The same news twice at once: the second waits for the commit of the first."""
        name = f"twin-{next(self._numbers)}"
        content = body(alert(fingerprint=name, labels={"service": TWINS, "instance": name}))
        self._book.services.add(TWINS)
        answers = await asyncio.gather(self._send(content), self._send(content), return_exceptions=True)
        if 200 in answers:
            self._book.acknowledged[name] = True

    # -- people --------------------------------------------------------------

    async def own_incident(self) -> None:
        """An incident from its opening to its end, by a person alone, who never says the same twice (X)."""
        number = next(self._numbers)
        title, text = f"A person's, {number}", f"We look into it, {number}."
        opened = await self._ask("POST", "/incidents", **ANYBODY, title=title, text=text)
        if opened is None:
            return
        path = f"/incidents/{opened['incident']['id']}"
        for act, fields in (
            ("ack", {}), ("take-over", {}), ("update", {"text": f"We know more, {number}."}),
            ("hand-back", {}), ("resolve", {"text": f"It is over, {number}."}), ("retract", {}),
        ):  # fmt: skip
            await self._ask("POST", f"{path}/{act}", **ANYBODY, **fields)
        await self._ask("GET", path)
        await self._ask("GET", f"{path}/journal")
        await self._ask("POST", "/incidents/INC-999999/ack", **ANYBODY)

    async def votes(self) -> None:
        for incident in (await self._ask("GET", "/incidents?status=open") or {"items": []})["items"][:3]:
            await self._ask("POST", f"/incidents/{incident['id']}/veto", **ANYBODY, step="wide")

    async def doubts(self) -> None:
        """A person looks at the news channel, and finds what is held there."""
        for row in (await self._ask("GET", "/deliveries?state=held") or {"items": []})["items"][:3]:
            await self._ask("POST", f"/deliveries/{row['id']}/confirm", **ANYBODY, reference="seen")

    async def questions(self) -> None:
        paths = ("/alerts", "/deliveries", "/deliveries/1", "/incidents", "/rules", "/suppressions")
        for path in (*paths, "/incidents/INC-1/scenario"):
            await self._ask("GET", path)

    async def past_rules(self) -> None:
        """What was loaded when, what of it was used, and why a step acted."""
        for version in (await self._ask("GET", "/rules/versions") or {"items": []})["items"][:1]:
            await self._ask("GET", f"/rules/versions/{version['version']}")
        await self._ask("GET", "/rules/coverage?since=1d")
        await self._ask("GET", f"/incidents/INC-{next(self._numbers) % 9 + 1}/explain")

    # -- operators: when they are called -------------------------------------

    async def pause_and_resume(self) -> None:
        """All rules ask for a moment."""
        await self._ask("POST", "/pause", **ANYBODY)
        await self._ask("POST", "/resume", **ANYBODY)

    async def reload(self) -> None:
        """Other rules, which mean the same."""
        text = self._daemon.site.rules.read_text("utf-8")
        self._daemon.site.rules.write_text(f"{text}# {next(self._numbers)}\n", "utf-8")
        await self._daemon.act("/-/reload")

    async def rest(self) -> None:
        """Nobody has paused anything any more, and the twins have been heard."""
        await self._ask("POST", "/resume", **ANYBODY)
        while not any(name.startswith("twin-") for name in self._book.acknowledged):
            await self.twins()
