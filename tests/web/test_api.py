"""The API as a story: an alert comes in, people look, write, approve and resolve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.core.clock import MINUTE, to_iso
from daemon.core.delivery import DeliveryState
from daemon.core.ports import Reason, Unknown
from daemon.core.words import Impact, Status
from daemon.web.api_models import ImpactName, StatusName
from tests.stories.house import START
from tests.web.api_rig import Office, office


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """An office on loopback."""
    async with office(tmp_path) as opened:
        yield opened


def at(minutes: float) -> str:
    return to_iso(START + int(minutes * MINUTE))


async def test_an_incident_from_alert_to_resolution(here: Office) -> None:
    """List, acknowledge, write with a promise, resolve: each is seen in the next answer."""
    await here.open()
    listed = (await here.get("/incidents")).json
    assert listed == {
        "items": [
            {
                "id": "INC-1",
                "key": 'services{component="checkout"}',
                "title": listed["items"][0]["title"],
                "status": "investigating",
                "impact": "critical",
                "components": ["checkout"],
                "opened_at": at(1),
                "resolved_at": None,
                "ended": None,
            }
        ],
        "next": None,
    }
    assert (await here.act("/incidents/INC-1/ack")).status == 200
    said = await here.act(
        "/incidents/INC-1/update", text="We found the cause.", status="identified", promise="45m"
    )
    assert said.status == 200
    assert said.json["incident"]["status"] == "identified"
    assert {"acted", "said"} <= {one["kind"] for one in said.json["journal"]}
    whole = (await here.get("/incidents/INC-1")).json
    assert whole["acked_by"] == "ana"
    assert whole["promise"] == {"next_update_by": at(46), "kept": 1, "broken": 0}
    newest = whole["updates"][0]
    assert (newest["by"], newest["by_person"], newest["promise"]) == ("ana", True, at(46))
    assert newest["posts"]["page"].startswith("We found the cause. Next update by ")
    assert whole["alerts_firing"] == whole["alerts_total"] == 1
    over = await here.act("/incidents/INC-1/resolve", text="It is repaired. We are sorry, and thank you.")
    assert over.json["incident"]["status"] == "resolved"
    assert over.json["incident"]["resolved_at"] == at(1)
    assert (await here.get("/incidents?status=open")).json["items"] == []
    assert len((await here.get("/incidents?status=all")).json["items"]) == 1


async def test_approving_and_vetoing(here: Office) -> None:
    """A waiting text is shown word for word, and a veto stops it."""
    await here.open()
    await here.house.forward(121)
    whole = (await here.get("/incidents/INC-1")).json
    waiting = whole["waiting"][0]
    assert (waiting["step"], waiting["need"], waiting["until"]) == ("social", "veto", at(126))
    assert "https://status.example.com/incidents/" in waiting["posts"]["x"]
    refused = await here.act("/incidents/INC-1/approve", step="social")
    assert refused.status == 409
    assert "nothing to approve" in refused.json["detail"]
    assert (await here.act("/incidents/INC-1/veto", step="social")).status == 200
    await here.house.forward(10)
    assert here.house.heard("x") == []
    gone = await here.act("/incidents/INC-1/veto", step="social")
    assert (gone.status, gone.json["status"]) == (409, 409)


async def test_a_person_opens_an_incident(here: Office) -> None:
    """201 with its address; take over, hand back and retract follow."""
    opened = await here.act(
        "/incidents", title="Search is slow", text="Searching takes long.", impact="major",
        components=["search"],
    )  # fmt: skip
    assert opened.status == 201, opened.text
    assert opened.headers["Location"] == "/api/v1/incidents/INC-1"
    assert opened.json["incident"]["components"] == ["search"]
    taken = await here.act("/incidents/INC-1/take-over", who="bo")
    assert taken.status == 200
    assert (await here.get("/incidents/INC-1")).json["taken_over_by"] == "bo"
    second = await here.act("/incidents/INC-1/take-over", who="ana")
    assert second.status == 409
    assert (await here.act("/incidents/INC-1/hand-back", who="bo")).status == 200
    retracted = await here.act("/incidents/INC-1/retract", reason="a test of ours")
    assert retracted.json["incident"]["status"] == "resolved"


async def test_pause_and_resume(here: Office) -> None:
    """A pause holds for all incidents, and ends once."""
    await here.open()
    paused = await here.act("/pause", until="2h")
    assert paused.json == {"paused_by": "ana", "until": at(121), "incidents": 1}
    assert (await here.get("/incidents/INC-1")).json["paused_by"] == "ana"
    assert (await here.act("/pause")).status == 409
    assert (await here.act("/resume")).json == {"paused_by": None, "until": None, "incidents": 1}
    assert (await here.act("/resume")).status == 409


async def test_the_journal_is_read_in_pages(here: Office) -> None:
    """Oldest first, without a gap or a repeat, instants and words readable."""
    await here.open()
    await here.act("/incidents/INC-1/update", text="Words.", impact="major", promise="30m")
    entries, path = [], "/incidents/INC-1/journal?limit=2"
    page = (await here.get(path)).json
    while True:
        assert len(page["items"]) <= 2
        entries += page["items"]
        if page["next"] is None:
            break
        page = (await here.get(f"{path}&cursor={page['next']}")).json
    assert [one["sequence"] for one in entries] == list(range(1, len(entries) + 1))
    fired = next(one for one in entries if one["kind"] == "alerts")["entry"]["fired"][0]
    assert fired["starts_at"] == at(0)
    assert fired["impact"] == "critical"
    acted = next(one for one in entries if one["kind"] == "acted")
    assert acted["decided"] is False
    assert acted["entry"] == {
        "act": "update", "who": "ana", "text": "Words.", "impact": "major", "promise": at(31),
    }  # fmt: skip


async def test_incidents_are_read_in_pages(here: Office) -> None:
    """Newest first, `next` leads on and ends in null."""
    for number in range(3):
        assert (await here.act("/incidents", title=f"Number {number + 1}", plan="internal")).status == 201
    first = (await here.get("/incidents?limit=2")).json
    assert [one["id"] for one in first["items"]] == ["INC-3", "INC-2"]
    second = (await here.get(f"/incidents?limit=2&cursor={first['next']}")).json
    assert [one["id"] for one in second["items"]] == ["INC-1"]
    assert second["next"] is None


async def test_components_are_shown_where_the_page_shows_nothing(here: Office) -> None:
    """An internal incident has its components in the list: from memory, and else from its journal."""
    await here.act("/incidents", title="Inside", plan="internal", components=["search"])
    assert (await here.get("/incidents")).json["items"][0]["components"] == ["search"]
    here.house.desk.memory.states.clear()
    assert (await here.get("/incidents")).json["items"][0]["components"] == ["search"]


async def test_alerts(here: Office) -> None:
    """Every run of an alert with the incident that took it."""
    await here.open()
    await here.house.alert("Odd", severity="info")
    listed = (await here.get("/alerts")).json["items"]
    assert [one["incident"] for one in listed] == ["INC-2", "INC-1"]
    assert set(listed[1]) == {"source", "fingerprint", "starts_at", "status", "labels", "incident"}
    assert listed[1]["labels"]["service"] == "checkout"
    assert (await here.get("/alerts?status=resolved")).json["items"] == []
    assert len((await here.get("/alerts?status=firing")).json["items"]) == 2


async def test_a_held_delivery_is_decided_by_a_person(here: Office) -> None:
    """It is found by its filters, confirmed with a reference, and cannot be decided twice."""
    here.house.speakers["ops"].answers = [Unknown(Reason.timeout, "no answer")]
    await here.open()
    await here.house.forward(5)
    held = (await here.get("/deliveries?state=held")).json["items"]
    assert [(one["channel"], one["incident"], one["attempts"]) for one in held] == [("ops", "INC-1", 1)]
    number = held[0]["id"]
    whole = (await here.get(f"/deliveries/{number}")).json
    assert whole["payload"]["incident"] == "INC-1"
    assert whole["audience"] == "internal"
    done = await here.act(f"/deliveries/{number}/confirm", reference="https://ops.example/1")
    assert (done.status, done.json["state"]) == (200, "sent")
    assert done.json["reference"]["ids"] == {"confirmed": "https://ops.example/1"}
    for again in ("confirm", "resend", "drop"):
        assert (await here.act(f"/deliveries/{number}/{again}")).status == 409


@pytest.mark.parametrize(("answer", "state"), [("resend", "queued"), ("drop", "dead")])
async def test_a_held_delivery_is_sent_again_or_dropped(here: Office, answer: str, state: str) -> None:
    """The other two answers."""
    here.house.speakers["ops"].answers = [Unknown(Reason.timeout, "no answer")]
    await here.open()
    await here.house.forward(5)
    number = (await here.get("/deliveries?state=held")).json["items"][0]["id"]
    assert (await here.act(f"/deliveries/{number}/{answer}")).json["state"] == state


async def test_deliveries_by_channel_and_incident(here: Office) -> None:
    """Filters narrow the list; a delivery that the channel named carries that name."""
    await here.open()
    mails = (await here.get("/deliveries?channel=mail&incident=INC-1")).json["items"]
    assert [(one["channel"], one["state"]) for one in mails] == [("mail", "sent")]
    assert mails[0]["reference"] == {"ids": {"id": "1"}, "url": ""}
    assert (await here.get("/deliveries?incident=INC-9")).status == 404
    paged = (await here.get("/deliveries?limit=1")).json
    rest = (await here.get(f"/deliveries?limit=500&cursor={paged['next']}")).json
    assert rest["next"] is None
    assert {one["channel"] for one in [*paged["items"], *rest["items"]]} == {"page", "mail", "ops"}


async def test_rules(here: Office) -> None:
    """The version in force and its routes."""
    rules = (await here.get("/rules")).json
    assert rules["version"] == here.house.desk.book.current.version
    assert [one["id"] for one in rules["routes"]][:2] == ["services", "rest"]
    assert rules["routes"][0]["for"] == "1m"
    assert rules["routes"][0]["continue"] is False


@pytest.mark.parametrize("name", ["INC-7", "inc-7", "7", "INC-", "INC-9" * 30, "x"])
async def test_what_does_not_exist(here: Office, name: str) -> None:
    """404 in problem+json for every way to name an incident that is not there."""
    for answer in (await here.get(f"/incidents/{name}"), await here.act(f"/incidents/{name}/ack")):
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (await here.get("/deliveries/17")).status == 404
    assert (await here.act("/deliveries/17/drop")).status == 404
    assert (await here.get("/deliveries/-1")).status == 404


def test_words_are_the_domains() -> None:
    """The API's closed lists are those of the core, in their order."""
    assert StatusName.__args__ == tuple(one.name for one in Status)  # type: ignore[attr-defined]  # a Literal
    assert ImpactName.__args__ == tuple(one.name for one in Impact)  # type: ignore[attr-defined]  # a Literal
    assert DeliveryState.held in DeliveryState
