"""Who may send: every route with no, wrong and right credentials, from here and from elsewhere."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from daemon.core.errors import BadConfig
from daemon.web.credentials import SourceCredentials, digest
from daemon.web.peer import Certificate
from daemon.web.server import check_exposure
from daemon.web.sources import Source
from tests.intake.bodies import recorded
from tests.web.rig import ADMIN, OUTSIDE, SOURCES, TOKENS, Starter

BEARER = {"Authorization": "Bearer new-token"}
NO: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {ADMIN}x"},
    {"Authorization": "Basic !"},
)


def basic(pair: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode(encoding)).decode()}


@pytest.mark.parametrize("peer", ["", OUTSIDE])
@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"Authorization": "bearer  old-token "},
        basic("am:secret"),
        basic("second:geheim ü"),
    ],
)
async def test_each_live_credential_opens_its_source(
    starter: Starter, peer: str, headers: dict[str, str]
) -> None:
    """While one replaces another both are good."""
    rig = await starter(peer=peer)
    assert (await rig.post("/hooks/locked", recorded("firing"), headers=headers)).status == 200


@pytest.mark.parametrize("peer", ["", OUTSIDE])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer new-token2"},
        {"Authorization": "Bearer NEW-TOKEN"},
        {"Authorization": "Token new-token"},
        {"Authorization": f"Bearer {ADMIN}"},
        {"Authorization": "Basic new-token"},
        {"Authorization": "Bearer am:secret"},
        {"Authorization": "Bearer \udcff"},
        basic("am:wrong"),
        basic("unknown:secret"),
        basic("am"),
        basic("am:secret2"),
        basic("second:geheim ü", "latin-1"),
        {"Authorization": "Basic ===="},
        {"Authorization": "Basic YW06\x0bc2VjcmV0"},
    ],
)
async def test_wrong_or_no_credentials_store_nothing(
    starter: Starter, peer: str, headers: dict[str, str]
) -> None:
    """401 tells what is asked for and not what was wrong."""
    rig = await starter(peer=peer)
    try:
        answer = await rig.post("/hooks/locked", recorded("firing"), headers=headers)
    except (ValueError, UnicodeError):  # the client refuses to send such a header
        return
    if answer.status == 400:
        assert answer.json["detail"] == "the request is not valid HTTP"
    else:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="tocsin", Basic realm="tocsin"')
        assert answer.json["detail"] == "source 'locked' needs its credentials"
    assert rig.shelf.empty


async def test_a_source_without_credentials_is_for_loopback(starter: Starter) -> None:
    """403 from elsewhere: nobody can have what was never given out."""
    assert (await (await starter()).post("/hooks/open", recorded("firing"))).status == 200
    rig = await starter(peer=OUTSIDE)
    answer = await rig.post("/hooks/open", recorded("firing"), headers=BEARER)
    assert answer.status == 403
    assert rig.shelf.empty


@pytest.mark.parametrize("peer", ["::1", "127.8.9.1", "::ffff:127.0.0.1"])
async def test_every_spelling_of_loopback_is_loopback(starter: Starter, peer: str) -> None:
    """Also the mapped one of dual-stack sockets."""
    assert (await (await starter(peer=peer)).post("/hooks/open", recorded("firing"))).status == 200


@pytest.mark.parametrize("peer", ["::ffff:203.0.113.7", "0.0.0.0", "169.254.1.1", "128.0.0.1"])
async def test_what_is_not_loopback_is_not(starter: Starter, peer: str) -> None:
    """Nothing near it will do."""
    assert (await (await starter(peer=peer)).post("/hooks/open", recorded("firing"))).status == 403


async def test_credentials_of_one_source_open_no_other(starter: Starter) -> None:
    """A token belongs to its source."""
    other = Source("other", "alertmanager", SourceCredentials(tokens=(digest("other-token"),)))
    rig = await starter(sources=(*SOURCES, other))
    assert (await rig.post("/hooks/other", recorded("firing"), headers=BEARER)).status == 401
    headers = {"Authorization": "Bearer other-token"}
    assert (await rig.post("/hooks/other", recorded("firing"), headers=headers)).status == 200


async def test_a_refused_body_is_not_read_and_the_connection_ends(starter: Starter) -> None:
    """Whoever may not send cannot make us read, and the rest is no second request."""
    rig = await starter()
    answer = await rig.raw(
        b"POST /hooks/locked HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        b"GET /metrics HTTP/1.1\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1


MATRIX = [
    # method, path, answers on loopback, outside, outside with the administrator's token
    ("POST", "/hooks/open", 400, 403, 403),
    ("POST", "/hooks/locked", 401, 401, 401),
    ("POST", "/hooks/none", 404, 404, 404),
    ("GET", "/metrics", 200, 401, 200),
    ("GET", "/-/healthy", 200, 200, 200),
    ("GET", "/-/ready", 200, 200, 200),
    ("POST", "/-/reload", 401, 401, 200),
]


@pytest.mark.parametrize(("method", "path", "local", "outside", "token"), MATRIX)
async def test_every_route_with_no_bad_and_good_credentials(
    starter: Starter, method: str, path: str, local: int, outside: int, token: int
) -> None:
    """Reads are open on loopback, acts need the token everywhere, probes are for all."""
    here, there = await starter(), await starter(peer=OUTSIDE)
    for headers in NO:
        assert (await here.ask(method, path, headers=headers)).status == local
        assert (await there.ask(method, path, headers=headers)).status == outside
    good: dict[str, Any] = {"headers": {"Authorization": f"Bearer {ADMIN}"}}
    assert (await there.ask(method, path, **good)).status == token
    assert here.shelf.reports == there.shelf.reports == []


async def test_the_matrix_has_every_route(starter: Starter) -> None:
    """A new route cannot be forgotten there."""
    rig = await starter()
    served = {
        (route.method, route.resource.canonical)
        for route in rig.listener._app.router.routes()
        if route.resource
    }
    known = {(method, "/hooks/{source}" if "hooks" in path else path) for method, path, *_ in MATRIX}
    assert {(method, path) for method, path in served if method != "HEAD"} == known


def test_off_loopback_a_listener_without_credentials_does_not_start() -> None:
    """The error names the sources and what to do."""
    locked = Source("locked", "alertmanager", TOKENS)
    for host in ("127.0.0.1", "::1", "localhost"):
        check_exposure(host, SOURCES, [])
    check_exposure("0.0.0.0", [locked], [digest(ADMIN)])
    with pytest.raises(BadConfig, match="without credentials are open; give each a token_file"):
        check_exposure("0.0.0.0", SOURCES, [digest(ADMIN)])
    with pytest.raises(BadConfig, match="set admin_token_file"):
        check_exposure("status.internal", [locked], [])


def test_a_user_and_its_password_are_one_secret() -> None:
    """The digest covers name and password as they are sent."""
    assert TOKENS.accept(basic("am:secret")["Authorization"], None)
    assert not TOKENS.accept(basic("am:secret:")["Authorization"], None)


def test_a_certificate_without_a_name_is_nobody() -> None:
    """An empty entry in a configuration must not open a source to every nameless certificate."""
    nameless = Certificate("", digest("der"))
    assert not SourceCredentials(common_names=("",)).accept("", nameless)
    assert SourceCredentials(fingerprints=(digest("der"),)).accept("", nameless)
