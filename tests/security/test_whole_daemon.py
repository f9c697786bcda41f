"""Rows XSS, template injection, SSRF, cardinality and secrets, against the real daemon on loopback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.faults.rules import QUIET
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import ADMIN, SOURCE, Site
from tests.processes.waiting import until_heard

EVIL = "<img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}@everyone <!channel>\r\nBcc: a@b.c\x00\x1b[31m\u202e"
RULES = (
    QUIET
    + """
texts:
  title: "{{ labels.service }}"
  investigating: { default: "{{ labels.service }} {{ labels.note }}" }
"""
)
PRIVATE = (
    "/metrics", "/-/ready", "/-/healthy", "/-/reload", "/hooks/am", "/api/v1/incidents",
    "/api/v1/openapi.json", "/api/v1/deliveries", "//metrics", "/%6detrics", "/static/../metrics",
    "/static/%2e%2e/metrics", "/..%2f..%2fetc/passwd", "/.git/config", "/%00", "/%ff",
)  # fmt: skip


class Trap:
    """Counts who connects to an address that stands in an alert."""

    def __init__(self) -> None:
        self.visits = 0

    async def visit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


async def test_labels_are_text_everywhere_and_links_are_never_followed(tmp_path: Path) -> None:
    """On the page, in its JSON, in the log and in the metrics; and nobody calls the alert's addresses."""
    trap = Trap()
    server = await asyncio.start_server(trap.visit, "127.0.0.1", 0)
    link = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    site = Site.make(tmp_path, RULES)
    labels = {"alertname": EVIL, "service": EVIL, "note": EVIL, "runbook": link}
    notes = {"summary": EVIL, "dashboard": link, "description": link}
    async with server, Daemon(site) as daemon:
        sent = body(alert(labels=labels, annotations=notes, generatorURL=link), externalURL=link)
        assert (await daemon.post(sent))[0] == 200
        await until_heard(lambda: _shows(daemon, "&lt;img src=x"))
        _, home = await daemon.get("/", public=True)
        assert "<img" not in home
        (incident,) = json.loads((await daemon.get("/api/v2/summary.json", public=True))[1])["incidents"]
        assert "{{ 7*7 }}" in incident["name"]
        assert not set(incident["name"]) & set("\x00\x1b\r\n\u202e")
        _, metrics = await daemon.get("/metrics")
        assert "onerror" not in metrics
        lines = daemon.log.splitlines()
        assert [json.loads(line)["event"] for line in lines]
        assert not {SOURCE, ADMIN} & {word for line in lines for word in line.split('"')}
        assert daemon.events("request failed") == []
        assert trap.visits == 0


async def test_the_public_listener_gives_away_nothing_private(tmp_path: Path) -> None:
    """No spelling of a private path reaches it there, with our own token neither; no versions, no paths."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        for path in PRIVATE:
            for method in ("GET", "POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
                answer = await _raw(site.public, method, path)
                assert answer.split(b" ")[1] in (b"404", b"405"), (method, path, answer[:80])
                low = answer.lower()
                for given_away in (b"aiohttp", b"python", b"tocsin_", b"traceback", str(tmp_path).encode()):
                    assert given_away not in low, (method, path)
        before = len((await daemon.get("/metrics"))[1].splitlines())
        for number in range(50):
            await _raw(site.public, "GET", f"/nowhere{number}")
            await _raw(site.private, "POST", f"/hooks/nobody{number}")
        after = (await daemon.get("/metrics"))[1]
        assert "nobody1" not in after
        assert len(after.splitlines()) <= before + 20, "invented names make no series of their own"


async def _shows(daemon: Daemon, words: str) -> bool:
    return words in (await daemon.get("/", public=True))[1]


async def _raw(port: int, method: str, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close"
    )
    writer.write(f"{head}\r\nContent-Length: 0\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize("who", ["<b>who-canary</b>", "{{ 7*7 }} who-canary", "@everyone who-canary"])
async def test_who_acts_is_told_inside_alone(tmp_path: Path, who: str) -> None:
    """A person's name is in the journal and on no public page, whatever it looks like."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon, aiohttp.ClientSession() as session:
        asked = {"who": who, "title": "T", "text": "Words.", "impact": "major", "to": ["page"]}
        headers = {"Authorization": f"Bearer {ADMIN}"}
        address = f"{site.private_url}/api/v1/incidents"
        async with session.post(address, json=asked, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
        await until_heard(lambda: _shows(daemon, "Words."))
        for path in ("/", "/history", "/api/v2/summary.json", "/api/v2/incidents.json"):
            assert "who-canary" not in (await daemon.get(path, public=True))[1]
