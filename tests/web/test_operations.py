"""Metrics, health, readiness and reload, and the form of every other answer."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from daemon.core.errors import (
    BadConfig,
    BadInput,
    Conflict,
    NotFound,
    Refused,
    TocsinError,
    Unavailable,
)
from daemon.web.listener import Listener
from daemon.web.server import public_app
from tests.web.rig import ADMIN, OUTSIDE, Counted, Rig, Starter

GOOD = {"Authorization": f"Bearer {ADMIN}"}


async def test_metrics_are_the_registrys(rig: Rig) -> None:
    """In the format and with the type that Prometheus expects."""
    answer = await rig.ask("GET", "/metrics")
    assert answer.status == 200
    assert "tocsin_example_total 1.0" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


async def test_health_is_the_loops(rig: Rig) -> None:
    """A daemon that only answers is not healthy."""
    assert (await rig.ask("GET", "/-/healthy")).status == 200
    assert (await rig.ask("HEAD", "/-/healthy")).status == 200
    rig.state.alive = False
    assert (await rig.ask("GET", "/-/healthy")).status == 503


async def test_readiness_says_why_not(rig: Rig) -> None:
    """Each reason is told to callers on this machine."""
    assert (await rig.ask("GET", "/-/ready")).text == "ready\n"
    rig.state.reasons = ["the store is closed", "stopping"]
    answer = await rig.ask("GET", "/-/ready")
    assert (answer.status, answer.json["reasons"]) == (503, ["the store is closed", "stopping"])


async def test_readiness_tells_outsiders_only_yes_or_no(starter: Starter) -> None:
    """Probes need no token, and learn nothing else."""
    rig = await starter(peer=OUTSIDE)
    rig.state.reasons = ["/var/lib/tocsin is full"]
    answer = await rig.ask("GET", "/-/ready")
    assert (answer.status, answer.json["detail"]) == (503, "not ready")
    assert "var/lib" in (await rig.ask("GET", "/-/ready", headers=GOOD)).text


async def test_reload_answers_what_is_wrong(rig: Rig) -> None:
    """200 when the rules are new, 422 with each problem when the old ones stay."""
    assert (await rig.ask("POST", "/-/reload", headers=GOOD)).status == 200
    rig.state.problems = [
        "rules.yaml:3:5: unknown key 'sya'; did you mean 'say'?",
        "rules.yaml:9:1: no plan 'x'",
    ]
    answer = await rig.ask("POST", "/-/reload", headers=GOOD)
    assert answer.status == 422
    assert answer.json["problems"] == rig.state.problems
    assert answer.json["detail"].splitlines() == rig.state.problems
    assert rig.state.reloads == 2


async def test_reload_names_whoever_asks(rig: Rig) -> None:
    """For the history of the rules; a name that would break a line is refused."""
    await rig.ask("POST", "/-/reload", headers=GOOD)
    await rig.ask("POST", "/-/reload", headers=GOOD | {"X-Tocsin-User": "ana"})
    assert rig.state.reloaders == ["a request", "ana"]
    answer = await rig.ask("POST", "/-/reload", headers=GOOD | {"X-Tocsin-User": "x" * 101})
    assert (answer.status, rig.state.reloads) == (400, 2)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {ADMIN}"}])
async def test_reload_needs_the_token_even_here(rig: Rig, headers: dict[str, str]) -> None:
    """Another user of this machine is on loopback too."""
    answer = await rig.ask("POST", "/-/reload", headers=headers)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="tocsin"')
    assert rig.state.reloads == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("text"), 400),
        (Refused("text"), 409),
        (Conflict("text"), 409),
        (NotFound("text"), 404),
        (Unavailable("text"), 503),
        (BadConfig("text"), 422),
        (TocsinError("text"), 500),
        (ValueError("text"), 500),
        (web.HTTPUnsupportedMediaType(), 415),
    ],
)
async def test_errors_of_use_cases_become_problems(starter: Starter, error: Exception, status: int) -> None:
    """One table for all routes; what we did not raise on purpose tells nothing."""

    async def fail(_: web.Request) -> web.Response:
        raise error

    def setup(app: web.Application) -> None:
        app.router.add_get("/fail", fail)

    rig = await starter(setups=[setup])
    answer = await rig.ask("GET", "/fail")
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert (answer.json["detail"] == "text") == (isinstance(error, TocsinError) and status != 500)
    assert rig.counted.errors == (["web"] if isinstance(error, ValueError) else [])


async def test_redirects_are_no_errors(starter: Starter) -> None:
    """What a handler raises below 400 passes."""

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/-/healthy")

    rig = await starter(setups=[lambda app: app.router.add_get("/away", away) and None])
    assert (await rig.ask("GET", "/away", allow_redirects=False)).status == 303


async def test_request_ids_are_ours_and_differ(rig: Rig) -> None:
    """A sender cannot choose the name under which it is logged."""
    first, second = [await rig.ask("GET", "/x", headers={"X-Request-Id": "mine"}) for _ in range(2)]
    assert first.json["request"] == first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert "mine" not in first.text


async def test_the_public_application_has_its_own_headers() -> None:
    """Routes are the page's; errors are problems; a handler's own header wins."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(
            text="ok", headers={"Cache-Control": "max-age=5", "X-Frame-Options": "SAMEORIGIN"}
        )

    def setup(app: web.Application) -> None:
        app.router.add_get("/", page)

    listener = Listener(public_app(meter=Counted(), setups=[setup]), "127.0.0.1", 0)
    await listener.start()
    address = f"http://127.0.0.1:{listener.port}"
    headers: dict[str, Any] = {"Host": "status.example.com"}
    async with aiohttp.ClientSession() as session:
        async with session.get(address, headers=headers) as found:
            assert found.status == 200
            assert found.headers["X-Frame-Options"] == "SAMEORIGIN"
            assert found.headers["Cache-Control"] == "max-age=5"
            assert "script-src 'self'" in found.headers["Content-Security-Policy"]
        for path in ("/hooks/open", "/metrics", "/-/ready", "/api/v1/incidents"):
            async with session.post(address + path) as missing:
                assert missing.status == 404
                assert missing.content_type == "application/problem+json"
    await listener.stop()


async def test_an_address_that_is_taken_is_an_error(rig: Rig) -> None:
    """Two daemons on one port do not share it in silence."""
    second = Listener(public_app(meter=Counted()), "127.0.0.1", rig.listener.port)
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await second.stop()
