"""What POST /hooks/{source} answers, and when."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.core.clock import FakeClock
from daemon.intake import registry
from tests.intake.bodies import alert, body, recorded
from tests.web.rig import OUTSIDE, Rig, Starter, drive, unavailable


async def test_a_real_body_is_taken(rig: Rig) -> None:
    """200 with the number of alerts; they reach the use case and the counters."""
    answer = await rig.post("/hooks/open", recorded("partly_resolved"))
    assert (answer.status, answer.json) == (200, {"alerts": 2, "notes": []})
    assert [one.fingerprint for one in rig.shelf.reports[0].alerts] == [
        "6fcd9c6e0d7e4637",
        "aeb067431082231c",
    ]
    assert rig.counted.alerts == [("open", 1, 1)]
    assert rig.counted.answers == [("open", 200)]
    assert rig.shelf.kept == []


async def test_any_content_type_will_do(rig: Rig) -> None:
    """What the body is shows in the body."""
    answer = await rig.post("/hooks/open", recorded("firing"), headers={"Content-Type": "text/plain"})
    assert answer.status == 200


async def test_the_answer_waits_for_the_commit(rig: Rig) -> None:
    """No 200 before the use case has returned."""
    rig.shelf.gate = asyncio.Event()
    asking = asyncio.create_task(rig.post("/hooks/open", recorded("firing")))
    await rig.shelf.entered.wait()
    assert not asking.done()
    assert rig.shelf.reports == []
    rig.shelf.gate.set()
    assert (await asking).status == 200


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"alerts", "not JSON: line 1, column 1"),
        (b"\xff", "not UTF-8"),
        (b'{"alerts":[NaN]}', "alerts[0]: NaN is not JSON"),
        (b'{"alerts":[],"alerts":[]}', 'the key "alerts" appears twice'),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"", "the body is empty"),
    ],
)
async def test_what_can_never_be_understood_is_kept_and_refused(rig: Rig, sent: bytes, reason: str) -> None:
    """400 with the reason; the raw body is kept for an operator first."""
    answer = await rig.post("/hooks/open", sent)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert reason in answer.json["detail"]
    assert (answer.json["title"], answer.json["status"]) == ("Bad Request", 400)
    ((source, noted, kept),) = rig.shelf.kept
    assert (source, kept) == ("open", sent)
    assert noted == answer.json["detail"]
    assert rig.shelf.reports == []
    assert rig.counted.answers == [("open", 400)]


async def test_a_body_that_is_partly_understood_is_taken_and_kept(rig: Rig) -> None:
    """The good alerts are stored; the raw body stays for the bad one."""
    sent = body(alert(), 7)
    answer = await rig.post("/hooks/open", sent)
    assert answer.status == 200
    assert answer.json["alerts"] == 1
    assert answer.json["notes"][0].startswith("alerts[1]")
    assert rig.shelf.kept == [("open", answer.json["notes"][0], sent)]
    assert len(rig.shelf.reports) == 1


async def test_a_parser_that_fails_costs_no_body(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is counted, and what was sent is kept; never a 500."""

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(registry.PARSERS, "alertmanager", broken)
    answer = await rig.post("/hooks/open", recorded("firing"))
    assert answer.status == 400
    assert "ZeroDivision" not in answer.text
    assert rig.counted.errors == ["intake"]
    assert rig.shelf.kept[0][2] == recorded("firing")


async def test_row_13_no_memory_for_a_body_is_no_fault_of_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, so that it comes again; a 400 would lose what is in it."""

    def greedy(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setitem(registry.PARSERS, "alertmanager", greedy)
    answer = await rig.post("/hooks/open", recorded("firing"))
    assert answer.status == 503
    assert rig.shelf.empty
    assert rig.counted.answers == [("open", 503)]


async def test_a_bad_body_that_cannot_be_kept_is_asked_for_again(rig: Rig) -> None:
    """400 would lose it: a sender does not repeat after a 4xx."""
    rig.shelf.refusal = unavailable()
    assert (await rig.post("/hooks/open", b"alerts")).status == 503


async def test_a_store_that_cannot_answers_503_held_back(starter: Starter) -> None:
    """Nothing is acknowledged, and a sender that retries at once is slowed down."""
    clock = FakeClock()
    rig = await starter(clock=clock)
    rig.shelf.refusal = unavailable()
    asking = asyncio.create_task(rig.post("/hooks/open", recorded("firing")))
    assert 0.25 <= await drive(clock, asking, 10) <= 0.6
    answer = asking.result()
    assert (answer.status, answer.json["detail"]) == (503, "the database is locked")
    assert rig.shelf.empty
    rig.shelf.refusal = None
    assert (await rig.post("/hooks/open", recorded("firing"))).status == 200


async def test_a_slow_store_is_answered_before_five_seconds_and_goes_on(starter: Starter) -> None:
    """503 near the deadline; the work is not thrown away, so that a repetition is cheap."""
    clock = FakeClock()
    rig = await starter(clock=clock)
    rig.shelf.gate = asyncio.Event()
    asking = asyncio.create_task(rig.post("/hooks/open", recorded("firing")))
    await rig.shelf.entered.wait()
    assert 4.0 <= await drive(clock, asking, 50) < 5.0
    assert asking.result().status == 503
    rig.shelf.gate.set()
    await drive(clock, asyncio.create_task(rig.hooks._deadlines.close()))
    assert len(rig.shelf.reports) == 1


async def test_a_store_that_fails_after_the_deadline_is_counted(starter: Starter) -> None:
    """An error that nobody waits for any more is not silent."""
    clock = FakeClock()
    rig = await starter(clock=clock)
    rig.shelf.gate, rig.shelf.refusal = asyncio.Event(), ValueError("a bug")
    asking = asyncio.create_task(rig.post("/hooks/open", recorded("firing")))
    await rig.shelf.entered.wait()
    await drive(clock, asking)
    rig.shelf.gate.set()
    await rig.hooks._deadlines.close()
    assert rig.counted.errors == ["intake"]


async def test_an_unexpected_error_is_500_counted_and_tells_nothing(rig: Rig) -> None:
    """The sender repeats after it; our insides stay ours."""
    rig.shelf.refusal = ValueError("secret detail")
    answer = await rig.post("/hooks/open", recorded("firing"))
    assert answer.status == 500
    assert "secret detail" not in answer.text
    assert answer.json["request"] == answer.headers["X-Request-Id"]
    assert rig.counted.errors == ["web"]
    assert rig.counted.answers == [("open", 500)]


async def test_an_unknown_source_is_told_the_known_ones_on_loopback(rig: Rig) -> None:
    """A typing error in alertmanager.yml explains itself."""
    answer = await rig.post("/hooks/opne", recorded("firing"))
    assert answer.status == 404
    assert answer.json["detail"] == "no source is called 'opne'; configured: locked, open"
    assert rig.shelf.empty
    assert rig.counted.answers == [("", 404)]


@pytest.mark.parametrize("options", [{"peer": OUTSIDE}, {"peer": "2001:db8::1"}, {"peer": "not an address"}])
async def test_an_unknown_source_tells_outsiders_nothing(starter: Starter, options: dict[str, Any]) -> None:
    """Names of sources are for callers on this machine."""
    rig = await starter(**options)
    answer = await rig.post("/hooks/opne", recorded("firing"))
    assert answer.status == 404
    assert answer.json["detail"] == "no source is called 'opne'"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_a_proxy_on_this_machine_makes_nobody_local(rig: Rig, header: str) -> None:
    """What came through a proxy came from elsewhere; the header itself is never believed."""
    for value in (OUTSIDE, "127.0.0.1"):
        answer = await rig.post("/hooks/opne", recorded("firing"), headers={header: value})
        assert "configured" not in answer.json["detail"]
        assert (await rig.post("/hooks/open", recorded("firing"), headers={header: value})).status == 403
    assert rig.shelf.empty


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_a_webhook(rig: Rig, method: str) -> None:
    """405 names the method that is taken."""
    answer = await rig.ask(method, "/hooks/open")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert method == "HEAD" or answer.json["detail"] == "this path takes POST"


async def test_other_paths_are_404_as_problem(rig: Rig) -> None:
    """Every error has the same form."""
    for path in ("/", "/hooks", "/hooks/", "/hooks/open/more", "/api/v1/incidents"):
        answer = await rig.post(path)
        assert (answer.status, answer.json["title"]) == (404, "Not Found")


async def test_a_stopping_daemon_takes_no_more(rig: Rig) -> None:
    """503 and not a cut connection: the sender comes back."""
    rig.hooks.doors.open = False
    answer = await rig.post("/hooks/open", recorded("firing"))
    assert answer.status == 503
    assert "stopping" in answer.json["detail"]
    assert rig.shelf.empty


async def test_stopping_lets_requests_under_way_end(rig: Rig) -> None:
    """What was begun is answered, then the port is closed."""
    rig.shelf.gate = asyncio.Event()
    asking = asyncio.create_task(rig.post("/hooks/open", recorded("firing")))
    await rig.shelf.entered.wait()
    stopping = asyncio.create_task(rig.listener.stop())
    await asyncio.wait([stopping], timeout=0.05)
    assert not asking.done()
    rig.shelf.gate.set()
    assert (await asking).status == 200
    await stopping
    with pytest.raises(OSError, match="Connect call failed"):
        await rig.raw(b"GET / HTTP/1.1\r\n\r\n")


async def test_answers_carry_the_headers_of_a_private_place(rig: Rig) -> None:
    """Nothing is cached, framed, sniffed, and no server version is told."""
    for answer in (await rig.post("/hooks/open", recorded("firing")), await rig.post("/nowhere")):
        assert answer.headers["Server"] == "tocsin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_two_thousand_alerts_in_one_body(rig: Rig) -> None:
    """A large body is parsed beside the loop and taken whole."""
    sent = body(
        *(alert(fingerprint=f"{number:016x}", annotations={"summary": "x" * 400}) for number in range(2_000))
    )
    assert len(sent) > 1 << 20
    answer = await rig.post("/hooks/open", sent)
    assert answer.json == {"alerts": 2_000, "notes": []}
    assert json.loads(rig.shelf.reports[0].alerts[-1].annotations) == {"summary": "x" * 400}
    assert rig.budget.used == 0
