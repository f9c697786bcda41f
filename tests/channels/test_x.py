"""X: the weight, the link and its price, duplicates, and X's own refusals."""

from __future__ import annotations

import json

import aiohttp
import pytest
from pydantic import ValidationError

from channels.fit import weighted
from channels.x import MAX_WEIGHT, Settings, XChannel
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, NotThere, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from tests.channels.posts import post, settings
from tests.fakes import faults
from tests.fakes.faults import JSON, Fault
from tests.fakes.x import KEYS, FakeX


def channel_of(x: FakeX, session: aiohttp.ClientSession, clock: FakeClock, **fields: object) -> XChannel:
    found = settings(name="x", kind="x", api_url=x.url, timeout=1.0, **KEYS, **fields)
    assert isinstance(found, Settings)
    return XChannel(found, session, clock)


@pytest.mark.parametrize(
    ("link", "first", "linked"),
    [
        ("first", True, True),
        ("first", False, False),
        ("never", True, False),
        ("always", False, True),
    ],
)
async def test_the_link_goes_where_the_setting_says(
    link: str, first: bool, linked: bool, x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """By default one post an incident holds the link, because a post with one costs many times more."""
    text = channel_of(x, session, clock, link=link).render(post(first=first))["text"]
    assert ("https://" in text) is linked


@pytest.mark.parametrize(
    "text", ["word " * 100, "日本語" * 100, "👍🏽 " * 200, "x" * 900], ids=["words", "cjk", "emoji", "run"]
)
async def test_a_long_text_is_cut_to_280(
    text: str, x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """By X's own count, with the link still whole at the end."""
    found = channel_of(x, session, clock).render(post(text=text))["text"]
    assert weighted(found) <= MAX_WEIGHT
    assert found.endswith("… https://status.example.com/incidents/abc123def456")


async def test_strangers_are_not_called(x: FakeX, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """A label cannot make us mention an account; handles in the settings and mail addresses stay."""
    channel = channel_of(x, session, clock, mentions=["ExampleStatus"], link="never")
    text = "@everyone @ExampleStatus a@example.com ＠someone"
    assert channel.render(post(text=text))["text"] == "@ everyone @ExampleStatus a@example.com ＠ someone"


async def test_an_audience_of_ones_own_is_refused(x: FakeX) -> None:
    """X is public: an internal X channel is a mistake that the configuration names."""
    with pytest.raises(ValidationError, match="audience"):
        settings(name="x", kind="x", audience="internal", **KEYS)


async def test_row_57_a_duplicate_is_evidence_and_is_found(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The second try is refused with 403: Unknown; the timeline has the post, its link wrapped."""
    channel = channel_of(x, session, clock)
    payload = channel.render(post(text="Orders fail & prices < 1 are wrong. 👍🏽"))
    x.script(faults.hang_after)
    assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
    again = await channel.send(payload, None, "key-1")
    assert isinstance(again, Unknown)
    assert again.reason is Reason.content
    found = await channel.find(payload, "key-1", clock.now())
    assert isinstance(found, Ref)
    assert found.ids["id"] == x.posts[0]["id"]
    assert found.url.endswith(x.posts[0]["id"])
    assert len(x.posts) == 1


async def test_row_68_the_timeline_is_read_to_its_end(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Absence counts after the last page; posts from long before do not."""
    channel = channel_of(x, session, clock, link="never")
    payload = channel.render(post())
    assert isinstance(await channel.send(payload, None, "key-1"), Sent)
    for number in range(230):
        x.store({"id": str(number), "text": f"other {number}", "reply_to": "", "at": clock.now()})
    assert isinstance(await channel.find(payload, "key-1", clock.now()), Ref)
    assert await channel.find(channel.render(post(text="unsent")), "key-2", clock.now()) == NotThere()
    later = clock.now() + 600_000
    assert await channel.find(payload, "key-1", later) == NotThere()


async def test_replies_hang_under_our_previous_post(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One incident is one thread."""
    channel = channel_of(x, session, clock)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    await channel.send(channel.render(post(text="Orders work again.", first=False)), first.ref, "key-2")
    assert x.posts[1]["reply_to"] == first.ref.ids["id"]


async def test_row_65_a_404_on_a_reply_goes_out_as_a_root(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Whichever way X says that the parent is gone, the words go out, once."""
    channel = channel_of(x, session, clock)
    x.store({"id": "17", "text": "parent", "reply_to": "", "at": clock.now()})
    x.script(Fault(404, "{}", JSON))
    assert isinstance(await channel.send(channel.render(post(text="b")), Ref({"id": "17"}), "key-2"), Sent)
    assert x.posts[-1]["reply_to"] == ""


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (
            Fault(403, json.dumps({"title": "Forbidden", "detail": "Your account is suspended."}), JSON),
            Rejected(Reason.auth, "403 Forbidden Your account is suspended.", Scope.destination),
        ),
        (
            Fault(402, json.dumps({"title": "CreditsDepleted"}), JSON),
            Rejected(Reason.other, "402 CreditsDepleted", Scope.destination),
        ),
        (
            Fault(
                429, json.dumps({"title": "UsageCapExceeded"}), {**JSON, "x-rate-limit-reset": "1798797700"}
            ),
            Retry(Reason.rate_limited, "429 UsageCapExceeded", 100.0, Scope.destination),
        ),
        (
            Fault(429, "[]", {**JSON, "x-rate-limit-reset": "not a number"}),
            Retry(Reason.rate_limited, "429"),
        ),
        (
            Fault(400, json.dumps({"errors": [{"message": "bad"}, "odd", None], "title": 7}), JSON),
            Rejected(Reason.content, "400 7 bad"),
        ),
        (Fault(401, "null", JSON), Rejected(Reason.auth, "401", Scope.destination)),
    ],
    ids=["suspended", "no credit", "monthly cap", "odd header", "odd errors", "null"],
)
async def test_refusals_of_x(
    fault: Fault, outcome: object, x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Each refusal has its meaning, and shapes that crash tweepy do not crash us."""
    channel = channel_of(x, session, clock)
    x.script(fault)
    assert await channel.send(channel.render(post()), None, "key-1") == outcome


async def test_wrong_keys_are_seen_by_check_and_send(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A wrong secret gives a wrong signature: 401, and the destination stops."""
    keys = {**KEYS, "access_token_secret": "another"}
    found = settings(name="x", kind="x", api_url=x.url, **keys)
    assert isinstance(found, Settings)
    channel = XChannel(found, session, clock)
    assert "401" in (await channel.check() or "")
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(outcome, Rejected)
    assert outcome.scope is Scope.destination
    assert isinstance(await channel.find(channel.render(post()), "key-1", clock.now()), CannotTell)
