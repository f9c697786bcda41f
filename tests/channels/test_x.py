"""X: the weight, the link and its price, duplicates, and X's own refusals."""

from __future__ import annotations

import json
from datetime import datetime

import aiohttp
import pytest
from pydantic import ValidationError

from channels.weight import weighted
from channels.x import MAX_WEIGHT, XChannel
from channels.x_settings import Settings
from daemon.core.clock import FakeClock, from_datetime
from daemon.core.ports import CannotTell, NotThere, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from tests.channels.posts import post, settings
from tests.fakes import faults
from tests.fakes.faults import JSON, Fault
from tests.fakes.x import KEYS, FakeX


def channel_of(x: FakeX, session: aiohttp.ClientSession, clock: FakeClock, **fields: object) -> XChannel:
    found = settings(name="x", kind="x", api_url=x.url, timeout=1.0, **{**KEYS, **fields})
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


def dated(clock: FakeClock, text: str) -> None:
    """Set the clock to a moment in UTC; it only goes on."""
    clock.advance(from_datetime(datetime.fromisoformat(text)) - clock.now())


async def test_a_month_has_so_many_posts(x: FakeX, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """The one too many stops the channel with its figures and does not go out; the next month lets it."""
    dated(clock, "2027-01-31T23:00:00Z")
    channel = channel_of(x, session, clock, monthly_posts=2)
    for number in range(2):
        sent = await channel.send(channel.render(post(text=f"Update {number}.")), None, f"key-{number}")
        assert isinstance(sent, Sent)
    payload = channel.render(post(text="One too many."))
    full = Rejected(Reason.other, "2 of 2 posts of this month are used", Scope.destination)
    assert await channel.send(payload, None, "key-2") == full
    assert len(x.posts) == 2
    dated(clock, "2027-02-01T00:00:00Z")
    assert isinstance(await channel.send(payload, None, "key-2"), Sent)


async def test_a_month_costs_so_much(x: FakeX, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """A post with a link counts as one: it is over where a plain one is not."""
    channel = channel_of(x, session, clock, monthly_budget="0.25")
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Sent)
    linked = channel.render(post(text="Another incident."))
    over = "$0.200 of $0.25 of this month are spent, this post costs $0.200"
    assert await channel.send(linked, None, "key-2") == Rejected(Reason.other, over, Scope.destination)
    for number in range(3):
        plain = channel.render(post(text=f"Plain {number}.", first=False))
        assert isinstance(await channel.send(plain, None, f"key-p{number}"), Sent)
    late = channel.render(post(text="A last one.", first=False))
    over = "$0.245 of $0.25 of this month are spent, this post costs $0.015"
    assert await channel.send(late, None, "key-3") == Rejected(Reason.other, over, Scope.destination)
    assert len(x.posts) == 4


async def test_the_budget_is_known_after_a_restart(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The account's own timeline is the book: what an earlier process posted this month counts, links too."""
    dated(clock, "2027-03-31T12:00:00Z")
    x.store({"id": "7", "text": "Of last month https://a.example", "reply_to": "", "at": clock.now()})
    dated(clock, "2027-04-02T12:00:00Z")
    before = channel_of(x, session, clock)
    for number in range(120):
        x.store({"id": f"8{number}", "text": f"Plain {number}", "reply_to": "", "at": clock.now()})
    assert isinstance(await before.send(before.render(post()), None, "key-1"), Sent)
    after = channel_of(x, session, clock, monthly_budget="2.01")
    over = "$2.000 of $2.01 of this month are spent, this post costs $0.015"
    payload = after.render(post(text="Plain.", first=False))
    assert await after.send(payload, None, "key-2") == Rejected(Reason.other, over, Scope.destination)
    reads = [call for call in x.calls if "/tweets" in call and call.startswith("GET")]
    assert len(reads) == 2
    await after.send(payload, None, "key-2")
    assert len([call for call in x.calls if "/tweets" in call and call.startswith("GET")]) == 2


async def test_a_doubtful_post_is_paid_for_and_a_refused_one_is_not(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Better one too few: a lost answer counts; a refusal, and the 403 of a duplicate, do not."""
    channel = channel_of(x, session, clock, monthly_posts=2)
    payload = channel.render(post())
    x.script(Fault(400, "{}", JSON), faults.hang_after)
    assert isinstance(await channel.send(payload, None, "key-1"), Rejected)
    assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
    duplicate = await channel.send(payload, None, "key-1")
    assert isinstance(duplicate, Unknown)
    assert duplicate.reason is Reason.content
    assert isinstance(await channel.send(channel.render(post(text="b")), None, "key-2"), Sent)
    outcome = await channel.send(channel.render(post(text="c")), None, "key-3")
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.other


async def test_a_budget_that_cannot_be_read_posts_nothing(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """No answer is tried again; refused keys stop the channel; more posts than are walked stop it too."""
    channel = channel_of(x, session, clock, monthly_posts=500)
    await x.stop()
    lost = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(lost, Retry)
    assert lost.detail.startswith("for the budget: ")
    await x.start()
    wrong = channel_of(x, session, clock, monthly_posts=1, **{**KEYS, "access_token_secret": "another"})
    refused = await wrong.send(wrong.render(post()), None, "key-1")
    assert isinstance(refused, Rejected)
    assert refused.scope is Scope.destination
    for number in range(501):
        x.store({"id": str(number), "text": f"other {number}", "reply_to": "", "at": clock.now()})
    many = await channel.send(channel.render(post()), None, "key-1")
    assert many == Rejected(Reason.other, "for the budget: not within the last 500 posts", Scope.destination)
    assert x.tried == []


def test_a_limit_that_cannot_be_counted_is_refused() -> None:
    """More posts than the walk reads would be a limit that never holds."""
    with pytest.raises(ValidationError, match="less than or equal to 500"):
        settings(name="x", kind="x", monthly_posts=501, **KEYS)


async def test_without_a_budget_nothing_is_read(
    x: FakeX, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Reading costs money too: who set no limit pays for no look."""
    channel = channel_of(x, session, clock)
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Sent)
    assert x.calls == ["POST /2/tweets"]


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
