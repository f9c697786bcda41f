"""The page over HTTP: tags, encodings, methods, policies, unknown addresses."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientSession, TCPConnector, web
from multidict import CIMultiDict

from daemon.core.clock import MINUTE
from daemon.page.site import PageSite, takes_gzip
from tests.page.sample import CALM, NOW, OPEN, PAST, TROUBLE

PATHS = (
    "/",
    "/history",
    "/history/2026-11",
    f"/incidents/{OPEN.public_id}",
    f"/incidents/{PAST[0].public_id}",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
)


class Visitor:
    """A client that unpacks nothing by itself."""

    def __init__(self, session: ClientSession, address: str, site: PageSite) -> None:
        self.session, self.address, self.site = session, address, site

    async def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, CIMultiDict[str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.address + path, headers=named) as answer:
            return answer.status, CIMultiDict(answer.headers), await answer.read()


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    """A real server on loopback whose site is still empty."""
    site = PageSite()
    app = web.Application()
    app.add_routes(site.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        session = ClientSession(
            auto_decompress=False,
            connector=TCPConnector(force_close=True),
            skip_auto_headers=["Accept-Encoding"],
        )
        async with session:
            yield Visitor(session, f"http://{host}:{port}", site)
    finally:
        await runner.cleanup()


@pytest.fixture
def shown(visitor: Visitor) -> Visitor:
    visitor.site.replace(TROUBLE)
    return visitor


@pytest.mark.parametrize("path", PATHS)
async def test_every_address_answers_plain_packed_unchanged_and_head(shown: Visitor, path: str) -> None:
    """One document, four ways to ask for it, one tag."""
    status, plain, body = await shown.ask(path)
    assert status == 200
    assert "Content-Encoding" not in plain
    status, packed, small = await shown.ask(path, Accept_Encoding="br, gzip")
    assert (status, packed["Content-Encoding"], packed["ETag"]) == (200, "gzip", plain["ETag"])
    assert gzip.decompress(small) == body
    assert len(small) == int(packed["Content-Length"])
    for accept in ("", "gzip"):
        status, headers, nothing = await shown.ask(path, If_None_Match=plain["ETag"], Accept_Encoding=accept)
        assert (status, nothing, headers["ETag"]) == (304, b"", plain["ETag"])
        assert headers["Cache-Control"] == plain["Cache-Control"]
        assert headers["Vary"] == "Accept-Encoding"
    status, headers, nothing = await shown.ask(path, "HEAD")
    assert (status, nothing) == (200, b"")
    del headers["Date"], plain["Date"]
    assert headers == plain


@pytest.mark.parametrize(
    ("header", "status"),
    [('"other"', 200), ("*", 304), ('"a", {tag}, "b"', 304), ("{strong}", 304), ("garbage", 200), ("", 200)],
)
async def test_if_none_match_in_all_its_forms(shown: Visitor, header: str, status: int) -> None:
    """Lists, weak and strong tags, the star, and nonsense."""
    _, headers, _ = await shown.ask("/")
    tag = headers["ETag"]
    sent = header.format(tag=tag, strong=tag.removeprefix("W/"))
    assert (await shown.ask("/", If_None_Match=sent))[0] == status


async def test_a_change_changes_the_tag_and_only_what_it_touches(shown: Visitor) -> None:
    """After an update home and JSON are new; a past incident's page keeps its tag."""
    untouched = f"/incidents/{PAST[0].public_id}"
    before = {path: (await shown.ask(path))[1]["ETag"] for path in ("/", "/api/v2/summary.json", untouched)}
    shown.site.replace(replace(TROUBLE, open_incidents=(replace(OPEN, title="Worse"),)))
    after = {path: (await shown.ask(path))[1]["ETag"] for path in before}
    assert {path for path in before if before[path] != after[path]} == {"/", "/api/v2/summary.json"}
    assert b"Worse" in (await shown.ask("/"))[2]


async def test_a_stamp_moves_the_time_of_the_page_and_not_the_json(shown: Visitor) -> None:
    """A running daemon says that the page is still true; nobody fetches JSON again for that."""
    _, headers, _ = await shown.ask("/api/v2/summary.json")
    shown.site.stamp(NOW + MINUTE)
    assert b"14:03:11 UTC" in (await shown.ask("/"))[2]
    assert (await shown.ask("/api/v2/summary.json", If_None_Match=headers["ETag"]))[0] == 304


async def test_unknown_addresses_get_a_page_that_helps(shown: Visitor) -> None:
    """404 with the way back; JSON under /api."""
    for path in ("/nowhere", "/incidents/zzzzzzzzzzzz", "/history/2020-01", "/static/other.js", "//", "/%00"):
        status, headers, body = await shown.ask(path)
        assert (status, headers["Cache-Control"]) == (404, "no-store"), path
        assert b"There is no page at this address" in body
    status, headers, body = await shown.ask("/api/v2/nothing.json")
    assert (status, headers["Content-Type"]) == (404, "application/json; charset=utf-8")
    assert body == b'{"error": "not found"}'


async def test_only_get_and_head_are_answered(shown: Visitor) -> None:
    """Nothing here can be changed from outside."""
    status, headers, _ = await shown.ask("/", "POST")
    assert (status, headers["Allow"]) == (405, "GET,HEAD")


async def test_before_the_first_view_the_page_says_that_it_starts(visitor: Visitor) -> None:
    """503 with a hint when to come back, and nothing cached."""
    status, headers, body = await visitor.ask("/")
    assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "2", "no-store")
    assert b"is starting" in body


async def test_the_policy_allows_no_foreign_and_no_inline_script(shown: Visitor) -> None:
    """The headers that browsers obey, on found and unknown pages alike."""
    for path in ("/", "/nowhere"):
        _, headers, body = await shown.ask(path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert b" style=" not in body
    _, headers, _ = await shown.ask("/api/v2/summary.json")
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_an_old_copy_may_stand_in_for_a_dead_daemon(shown: Visitor) -> None:
    """Caches are told to ask, to be quick about it, and to go on when nobody answers."""
    _, headers, _ = await shown.ask("/")
    assert headers["Cache-Control"] == (
        "public, max-age=0, s-maxage=5, stale-while-revalidate=5, stale-if-error=86400"
    )
    assert headers["Last-Modified"] == "Sat, 21 Nov 2026 14:02:11 GMT"


async def test_the_script_is_named_by_its_content_and_kept_for_ever(shown: Visitor) -> None:
    """The only second request of a first visit; under 2 kB."""
    _, _, body = await shown.ask("/")
    [path] = re.findall(rb'src="([^"]+)"', body)
    status, headers, script = await shown.ask(path.decode())
    assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    assert len(script) < 2_048


async def test_a_first_load_is_small(shown: Visitor) -> None:
    """Ten components and one incident: two requests and well under 15 kB."""
    _, _, page = await shown.ask("/", Accept_Encoding="gzip")
    _, _, plain = await shown.ask("/")
    [path] = re.findall(rb'src="([^"]+)"', plain)
    _, _, script = await shown.ask(path.decode(), Accept_Encoding="gzip")
    assert len(page) + len(script) < 8_000


async def test_readers_during_changes_never_see_half_a_page(shown: Visitor) -> None:
    """Every answer is one whole view, while views are replaced."""

    async def read() -> None:
        for _ in range(20):
            _, headers, body = await shown.ask("/")
            assert int(headers["Content-Length"]) == len(body)
            assert body.endswith(b"</html>")

    async def change() -> None:
        for number in range(20):
            shown.site.replace(CALM if number % 2 else TROUBLE)
            await shown.ask("/api/v2/status.json")

    await asyncio.gather(read(), read(), change())


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("br, *", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=abc", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_sent_only_to_who_takes_it(header: str, answer: bool) -> None:
    """RFC 9110's rules, weights included."""
    assert takes_gzip(header) is answer
