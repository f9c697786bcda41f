"""Hosted pages: one incident for one, one update for one, components as they stand, whatever the API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from channels import registry
from channels.hosted import HostedPage
from channels.hosted_api import PAGES
from daemon.core.clock import MINUTE, FakeClock
from daemon.core.ports import (
    CannotTell,
    ComponentState,
    NotThere,
    Outcome,
    Payload,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Unknown,
)
from daemon.core.words import ComponentStatus
from tests.channels.posts import post, settings
from tests.fakes import cachet, faults, instatus, statuspage_io
from tests.fakes.cachet import FakeCachet
from tests.fakes.faults import Fault
from tests.fakes.hosted import PAGE, FakeHosted
from tests.fakes.instatus import FakeInstatus
from tests.fakes.statuspage_io import FakeStatuspage


@dataclass(frozen=True)
class Kind:
    """A kind, its fake, and how it words what the tests ask about."""

    name: str
    fake: Callable[[FakeClock], FakeHosted]
    base: str
    fields: dict[str, Any]
    part: str
    major: Any
    resolved: Any


KINDS = {
    "statuspage_io": Kind(
        "statuspage_io", lambda clock: FakeStatuspage(clock=clock), "/v1",
        {"page": PAGE, "token": statuspage_io.TOKEN}, "part1", "major_outage", "resolved",
    ),
    "instatus": Kind(
        "instatus", lambda clock: FakeInstatus(clock=clock), "",
        {"page": PAGE, "token": instatus.TOKEN}, "part1", "MAJOROUTAGE", "RESOLVED",
    ),
    "cachet": Kind(
        "cachet", lambda clock: FakeCachet(clock=clock), "/api", {"token": cachet.TOKEN}, "1", 4, 4
    ),
}  # fmt: skip


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def page(kind: Kind, clock: FakeClock) -> AsyncIterator[FakeHosted]:
    async with kind.fake(clock) as fake:
        yield fake


def channel_of(
    kind: Kind, page: FakeHosted, session: aiohttp.ClientSession, clock: FakeClock, **fields: Any
) -> HostedPage[Any]:
    usual = {"api_url": page.url + kind.base, "components": {"checkout": kind.part}, "timeout": 6.0}
    found = settings(name="mirror", kind=kind.name, **{**kind.fields, **usual, **fields})
    channel = registry.build(found, session, clock)
    assert isinstance(channel, HostedPage)
    return channel


@pytest.fixture
def channel(
    kind: Kind, page: FakeHosted, session: aiohttp.ClientSession, clock: FakeClock
) -> HostedPage[Any]:
    return channel_of(kind, page, session, clock)


def later(channel: HostedPage[Any], number: int, text: str, **fields: Any) -> Payload:
    """A further post of the same incident."""
    return channel.render(post(key=f"key-{number}", text=text, first=False, **fields))


async def sent(
    channel: HostedPage[Any], payload: Payload, parent: Ref | None = None, key: str = "key-1"
) -> Ref:
    outcome: Outcome = await channel.send(payload, parent, key)
    assert isinstance(outcome, Sent), outcome
    return outcome.ref


def stands(status: ComponentStatus) -> tuple[ComponentState, ...]:
    return (ComponentState("checkout", "Checkout", status),)


async def test_one_incident_with_its_updates(
    kind: Kind, page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """The first post makes the incident, later ones its updates; statuses and components follow."""
    before = page.operational
    ref = await sent(channel, channel.render(post(states=stands(ComponentStatus.major_outage))))
    shown = page.shown_states() if isinstance(page, FakeCachet) else page.states
    assert shown[kind.part] == kind.major
    for number, (status, text) in enumerate(
        [("identified", "We found it."), ("monitoring", "It is mended."), ("resolved", "All is well.")], 2
    ):
        clock.advance(MINUTE)
        standing = ComponentStatus.operational if status == "resolved" else ComponentStatus.partial_outage
        payload = later(channel, number, text, status=status, states=stands(standing))
        ref = await sent(channel, payload, ref, f"key-{number}")
    [updates] = page.incidents()
    assert [one["text"] for one in updates][1:] == ["We found it.", "It is mended.", "All is well."]
    assert {one["name"] for one in updates} == {"Checkout errors"}
    assert updates[-1]["status"] == kind.resolved
    shown = page.shown_states() if isinstance(page, FakeCachet) else page.states
    assert shown == dict.fromkeys(page.parts, before)


async def test_a_lost_answer_to_an_update_is_found(
    page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """The update that is there is found, one that is not there is not, and sending it again adds nothing."""
    ref = await sent(channel, channel.render(post()))
    clock.advance(MINUTE)
    payload = later(channel, 2, "We found it.")
    assert await channel.find(payload, "key-2", clock.now(), ref) == NotThere()
    page.script(faults.cut_before_answer)
    assert isinstance(await channel.send(payload, ref, "key-2"), Unknown)
    found = await channel.find(payload, "key-2", clock.now(), ref)
    assert isinstance(found, Ref)
    assert found.ids == {"id": ref.ids["id"], "update": page.posts[-1]["id"]}
    assert await sent(channel, payload, ref, "key-2") == found
    assert len(page.posts) == 2


async def test_the_same_words_may_be_said_again(
    page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """A holding text that was said before is no proof that this one is there: it goes out, once."""
    ref = await sent(channel, channel.render(post()))
    for number in (2, 3, 4):
        clock.advance(30 * MINUTE)
        payload = later(channel, number, "We are still on it.")
        assert await channel.find(payload, f"key-{number}", clock.now(), ref) == NotThere()
        ref = await sent(channel, payload, ref, f"key-{number}")
    assert [one["text"] for one in page.posts][1:] == ["We are still on it."] * 3


async def test_a_held_first_post_gets_no_second_incident(
    page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """Nobody knows the first one's name; its incident is found by our mark, and the words go there."""
    page.script(faults.cut_before_answer)
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Unknown)
    for number in range(130):  # other people's incidents, on more than one page of the list
        clock.advance(MINUTE)
        page.said(None, "Other", page.posts[0]["status"], "x", **_foreign(page.posts[0], number))
    page.most_rows = 60  # fewer than were asked for
    payload = later(channel, 2, "We found it.")
    ref = await sent(channel, payload, None, "key-2")
    assert ref.ids["id"] == page.posts[0]["incident"]
    assert [one["text"] for one in page.incident(ref.ids["id"])][-1] == "We found it."
    assert len(page.incidents()) == 131
    assert await channel.find(payload, "key-2", clock.now(), None) == ref
    confirmed = Ref({"confirmed": "seen by eye"})
    assert (await sent(channel, later(channel, 3, "Mended."), confirmed, "key-3")).ids["id"] == ref.ids["id"]


def _foreign(ours: dict[str, Any], number: int) -> dict[str, Any]:
    """What an incident that is not ours has in place of our mark."""
    start = f"2026-12-31T{number // 60:02d}:{number % 60:02d}:00.000Z"
    return {
        key: value
        for key, value in {**ours, "metadata": {}, "meta": {}, "started": start}.items()
        if key not in ("id", "incident", "name", "status", "text", "at", "opened")
    }


async def test_a_list_without_end_is_no_answer(
    page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """Neither "not there" nor a new incident comes of a list that was not read to its end."""
    await sent(channel, channel.render(post(public_id="another00001")))
    page.endless = True
    page.calls.clear()
    assert isinstance(await channel.find(channel.render(post()), "key-1", clock.now(), None), CannotTell)
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.scope) == (Reason.other, Scope.delivery)
    assert len(page.posts) == 1
    assert len(page.calls) == 2 * PAGES


async def test_a_deleted_incident_is_made_anew_once(
    page: FakeHosted, channel: HostedPage[Any], clock: FakeClock
) -> None:
    """The words go out in a new incident, and the next post follows it there, whoever its parent is."""
    ref = await sent(channel, channel.render(post()))
    page.posts.clear()
    payload = later(channel, 2, "We found it.")
    page.script(faults.cut_mid_answer)
    assert isinstance(await channel.send(payload, ref, "key-2"), Unknown)
    found = await channel.find(payload, "key-2", clock.now(), ref)
    assert isinstance(found, Ref)
    await sent(channel, later(channel, 3, "Mended.", status="monitoring"), ref, "key-3")
    [updates] = page.incidents()
    assert updates[0]["incident"] == found.ids["id"]
    assert [one["text"] for one in updates] == ["We found it.", "Mended."]


@pytest.mark.parametrize("status", [420, 429, 500, 502, 401, 404])
async def test_a_look_that_fails_posts_nothing(
    status: int, page: FakeHosted, channel: HostedPage[Any], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before an update is made the page is asked; whatever goes wrong there is no doubt about the post."""
    ref = await sent(channel, channel.render(post()))
    call = channel._api.call

    async def failing(asked: Any) -> Any:
        answer = await call(asked)
        if asked.method != "GET":
            return answer
        return type(answer)(status, {"retry-after": "7"}, b'{"error": "busy"}')

    monkeypatch.setattr(channel._api, "call", failing)
    outcome = await channel.send(later(channel, 2, "We found it."), ref, "key-2")
    if status in (401, 404):
        assert isinstance(outcome, Rejected)
        assert outcome.scope is Scope.destination
    else:
        assert isinstance(outcome, Retry)
        assert outcome.reason is (Reason.server if status >= 500 else Reason.rate_limited)
        assert outcome.after == (None if status >= 500 else 7.0)
    assert len(page.posts) == 1


async def test_420_is_429(page: FakeHosted, channel: HostedPage[Any]) -> None:
    """Statuspage's older word for a rate limit waits as long as it says."""
    page.script(Fault(420, '{"error": "calm"}', {"Retry-After": "60"}))
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Retry(Reason.rate_limited, "429 calm", after=60.0)


async def test_a_bare_page_may_take_words_without_components(
    kind: Kind, page: FakeHosted, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """No map, no components; a name in the map serves as well as an id; others are left alone."""
    bare = channel_of(kind, page, session, clock, components={})
    await sent(bare, bare.render(post(public_id="bare00000001")))
    assert page.states == dict.fromkeys(page.parts, page.operational)
    named = channel_of(
        kind, page, session, clock, components={"Checkout": kind.part, "search": page.parts[1]}
    )
    payload = named.render(post(states=stands(ComponentStatus.major_outage)))
    assert '"checkout"' not in json.dumps(payload)  # our id is for the look-up alone
    ref = await sent(named, payload)
    await sent(named, later(named, 2, "x", states=stands(ComponentStatus.major_outage)), ref, "key-2")
    assert page.states[kind.part] == kind.major
    assert page.states[page.parts[1]] == page.operational


async def test_check_names_components_that_are_not_there(
    kind: Kind, page: FakeHosted, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A wrong id in the map, a wrong token and a wrong page are told before anything is posted."""
    wrong = channel_of(kind, page, session, clock, components={"checkout": kind.part, "search": "77"})
    assert await wrong.check() == "the page has no component 77: correct the map"
    stranger = channel_of(kind, page, session, clock, token="another")
    assert "token" in str(await stranger.check()) or "401" in str(await stranger.check())
    elsewhere = channel_of(kind, page, session, clock, api_url=f"{page.url}/elsewhere")
    assert "404" in str(await elsewhere.check())
    assert page.posts == []


async def test_long_words_are_cut_with_a_link(kind: Kind, page: FakeHosted, channel: HostedPage[Any]) -> None:
    """Within the limit after escaping, and the rest is on our page; names are cut too."""
    payload = channel.render(post(title="T" * 300, text="Orders [fail] here. " * 3_000))
    limit = channel.capabilities.max_length
    assert limit is not None
    assert limit - 200 < len(payload["text"]) <= limit
    assert payload["text"].endswith("https://status.example.com/incidents/abc123def456")
    assert len(payload["name"]) <= 255
    await sent(channel, payload)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"audience": "internal"}, "audience"),
        ({"on_doubt": "resend"}, "on_doubt"),
        ({"token": "two words\n"}, "line ends"),
        ({"api_url": "http://page.example"}, "https"),
        ({"components": ["part1"]}, "components"),
    ],
)
def test_wrong_settings_say_what_to_write(kind: Kind, fields: dict[str, Any], says: str) -> None:
    """And show no secret."""
    good = {"api_url": "https://page.example", **kind.fields}
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="mirror", kind=kind.name, **{**good, **fields})
    assert kind.fields["token"] not in str(found.value)


async def test_notifications_are_off_unless_asked_for(
    kind: Kind, page: FakeHosted, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Subscribers of the hosted page would get everything twice."""
    for number, asked in enumerate(({}, {"deliver_notifications": True})):
        channel = channel_of(kind, page, session, clock, **asked)
        await sent(channel, channel.render(post(public_id=f"incident{number:04d}")), key=f"key-{number}")
    told = {"statuspage_io": "deliver_notifications", "instatus": "notify", "cachet": "notifications"}
    assert [one[told[kind.name]] for one in page.posts] == [False, True]


def test_doubt_is_answered_by_looking(kind: Kind, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """And its posts carry how the components stand."""
    good = {"api_url": "https://page.example", **kind.fields}
    able = registry.build(settings(name="mirror", kind=kind.name, **good), session, clock).capabilities
    assert (able.on_doubt, able.idempotency, able.can_find) == ("read_back", "lookup", True)
    assert able.mirrors
    assert able.threads
