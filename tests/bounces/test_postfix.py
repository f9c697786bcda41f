"""With a real mail system: a mail that nobody takes comes back, and its recipient gets no more of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.smtp import MailSink
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.ports import free_port
from tests.processes.postfix import Postfix, why_not
from tests.processes.site import Site
from tests.processes.waiting import until, until_heard

pytestmark = [
    pytest.mark.external,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]

ANN, GONE = "ann@example.org", "gone@example.org"
RULES = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
components:
  - { id: checkout, name: Checkout, matchers: [ 'service="checkout"' ], customers_cannot: pay }
  - { id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: find products }
routes:
  - id: services
    matchers: [ 'severity="critical"' ]
    group_by: [ component ]
    for: 1s
    open: { components: matched, impact: major, plan: public }
plans:
  public:
    to: [ page, mail ]
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: done, on: resolved, say: resolved, to: [ told ] }
"""


def down(service: str) -> bytes:
    labels = {"alertname": "Down", "service": service, "severity": "critical"}
    return body(alert(labels=labels, fingerprint=service), groupKey=service)


class Street:
    """A daemon, the Postfix beside it, and the mail system of the recipients."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self.stack, self.door = folder, stack, free_port()
        self.theirs = MailSink()
        self.theirs.refuse(GONE, "550 5.1.1 no such person")
        self.daemon: Daemon
        self.postfix: Postfix

    async def open(self) -> None:
        await self.stack.enter_async_context(self.theirs)
        routes = {"bounces.example.com": f"lmtp:inet:127.0.0.1:{self.door}"}
        self.postfix = self.stack.enter_context(Postfix(self.theirs.port, routes))
        channel = {
            "name": "mail", "kind": "email", "host": "127.0.0.1", "port": self.postfix.port,
            "sender": "status@example.com", "recipients": [GONE, ANN], "token_secret": "s" * 32,
            "bounces": "b+TOKEN@bounces.example.com",
            "unsubscribe_url": "https://status.example.com/unsubscribe/TOKEN",
        }  # fmt: skip
        site = Site.make(self.folder / "site", RULES, [channel])
        environ = {"TOCSIN_LISTEN__BOUNCES": f"127.0.0.1:{self.door}"}
        self.daemon = await self.stack.enter_async_context(Daemon(site, environ=environ))

    async def get(self, path: str) -> Any:
        status, text = await self.daemon.get(f"/api/v1{path}")
        assert status == 200, text
        return json.loads(text)

    async def suppressed(self) -> Any:
        return (await self.get("/suppressions"))["items"]

    def state(self) -> str:
        return f"{self.postfix.log}\n{self.daemon.log}"


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        found = Street(tmp_path, stack)
        await found.open()
        yield found


async def test_a_mail_that_nobody_takes_comes_back(street: Street) -> None:
    """Postfix accepts it, is refused, and tells us; the next incident is told to the others alone."""
    assert (await street.daemon.post(down("checkout")))[0] == 200
    (why,) = await until_heard(street.suppressed, within=30, what=street.state)
    assert (why["channel"], why["recipient"], why["status"], why["bounces"]) == ("mail", GONE, "5.1.1", 1)
    assert "no such person" in why["detail"]
    await until(lambda: len(street.theirs.mails(ANN)) == 1, within=20, what=street.state)
    (stored,) = street.theirs.posts
    mail = street.theirs.mails(ANN)[0]
    assert stored["sender"].startswith("b+")
    assert stored["sender"].endswith("@bounces.example.com")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.defects == []

    assert (await street.daemon.post(down("search")))[0] == 200
    await until(lambda: len(street.theirs.mails(ANN)) == 2, within=20, what=street.state)
    rows = (await street.get("/deliveries?channel=mail"))["items"]
    whole = [await street.get(f"/deliveries/{row['id']}") for row in rows]
    assert sorted(row["recipient"] for row in whole) == [ANN, ANN, GONE]
    assert {row["state"] for row in whole} == {"sent"}, "the relay took them all"
    _, metrics = await street.daemon.get("/metrics")
    assert 'tocsin_bounces_total{channel="mail",outcome="suppressed"} 1.0' in metrics
    assert "removed" in street.postfix.log
    assert street.theirs.counts().most_common(1)[0][1] == 1
