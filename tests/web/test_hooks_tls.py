"""Client certificates from a test authority, over real TLS."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from daemon.core.errors import BadConfig
from daemon.web.credentials import SourceCredentials, digest
from daemon.web.sources import Source
from daemon.web.tls import server_context
from tests.intake.bodies import recorded
from tests.web.rig import Rig, Starter

FIRING = recorded("firing")


class Authority:
    """Issues what the tests need, and makes clients of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.ca.cert_pem.write_to_path(folder / "ca.pem")
        server = self.ca.issue_cert("127.0.0.1", "localhost")
        server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        self.monitor = self.ca.issue_cert("monitor.example.com", common_name="monitor")
        self.other = self.ca.issue_cert("other.example.com", common_name="other")
        self.stranger = trustme.CA().issue_cert("monitor.example.com", common_name="monitor")

    def server(self) -> ssl.SSLContext:
        return server_context(self.folder / "server.pem", client_ca_file=self.folder / "ca.pem")

    def client(self, certificate: trustme.LeafCert | None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        return context

    def fingerprint(self, certificate: trustme.LeafCert) -> bytes:
        pem = certificate.cert_chain_pems[0].bytes().decode()
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority with a server, two clients, and a stranger that claims a client's name."""
    return Authority(tmp_path)


@pytest.fixture
async def secured(starter: Starter, authority: Authority) -> Rig:
    """A listener with TLS and a source of each kind."""
    return await starter(
        ssl_context=authority.server(),
        sources=(
            Source("named", "alertmanager", SourceCredentials(common_names=("monitor",))),
            Source(
                "pinned",
                "alertmanager",
                SourceCredentials(fingerprints=(authority.fingerprint(authority.monitor),)),
            ),
            Source(
                "either",
                "alertmanager",
                SourceCredentials(tokens=(digest("token"),), common_names=("monitor",)),
            ),
        ),
    )


@pytest.mark.parametrize("name", ["named", "pinned", "either"])
async def test_the_right_certificate_opens_its_source(secured: Rig, authority: Authority, name: str) -> None:
    """By its common name or by its fingerprint."""
    answer = await secured.post(f"/hooks/{name}", FIRING, ssl=authority.client(authority.monitor))
    assert (answer.status, len(secured.shelf.reports)) == (200, 1)


@pytest.mark.parametrize(("name", "code"), [("named", 403), ("pinned", 403), ("either", 401)])
async def test_no_or_another_certificate_opens_nothing(
    secured: Rig, authority: Authority, name: str, code: int
) -> None:
    """403 where only a certificate would do, 401 where a token would."""
    for certificate in (None, authority.other):
        answer = await secured.post(f"/hooks/{name}", FIRING, ssl=authority.client(certificate))
        assert answer.status == code
    assert secured.shelf.empty


async def test_a_token_is_enough_where_either_will_do(secured: Rig, authority: Authority) -> None:
    """A client without a certificate may still connect."""
    headers = {"Authorization": "Bearer token"}
    answer = await secured.post("/hooks/either", FIRING, ssl=authority.client(None), headers=headers)
    assert answer.status == 200


async def test_a_certificate_of_another_authority_ends_the_handshake(
    secured: Rig, authority: Authority
) -> None:
    """The right name from the wrong authority is worth nothing."""
    with pytest.raises(aiohttp.ClientError):
        await secured.post("/hooks/named", FIRING, ssl=authority.client(authority.stranger))
    assert secured.shelf.empty


async def test_plain_http_on_the_tls_port_gets_nothing(secured: Rig) -> None:
    """No answer in the clear."""
    try:
        answer = await secured.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    except ConnectionError:
        return
    assert b"HTTP" not in answer


async def test_without_tls_no_certificate_source_opens(starter: Starter) -> None:
    """A header cannot stand in for a certificate."""
    rig = await starter(
        sources=(Source("named", "alertmanager", SourceCredentials(common_names=("monitor", ""))),)
    )
    headers = {"X-SSL-Client-CN": "monitor", "X-Client-Cert": "monitor"}
    assert (await rig.post("/hooks/named", FIRING, headers=headers)).status == 403


def test_bad_files_are_named(tmp_path: Path, authority: Authority) -> None:
    """The error says which key of the configuration is meant."""
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with pytest.raises(BadConfig, match=r"listen\.tls: .*missing\.pem"):
        server_context(tmp_path / "missing.pem")
    with pytest.raises(BadConfig, match=r"listen\.tls: .*broken\.pem"):
        server_context(broken)
    with pytest.raises(BadConfig, match=r"listen\.tls\.client_ca_file: .*broken\.pem"):
        server_context(tmp_path / "server.pem", client_ca_file=broken)
