"""The fakes against clients that are not ours: they are not shaped after our own code."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import discord
import pytest
import telegram
from adaptive_cards.card import AdaptiveCard
from adaptive_cards.client import TeamsClient
from atproto import Client as AtClient  # type: ignore[import-untyped] # it ships no type marker
from atproto import exceptions, models
from mastodon import Mastodon, MastodonNotFoundError, MastodonUnauthorizedError
from oauthlib.oauth1 import Client  # type: ignore[import-untyped]
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from standardwebhooks import Webhook
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped] # as with atproto
from twilio.rest import Client as TwilioClient  # type: ignore[import-untyped] # as with atproto

from tests.fakes import discord as fake_discord
from tests.fakes import telegram as fake_telegram
from tests.fakes import twilio as fake_twilio
from tests.fakes import webhook as fake_webhook
from tests.fakes.bluesky import DID, HANDLE, PASSWORD, FakeBluesky
from tests.fakes.discord import FakeDiscord
from tests.fakes.mastodon import TOKEN as MASTODON_TOKEN
from tests.fakes.mastodon import FakeMastodon
from tests.fakes.slack import CHANNEL, TOKEN, FakeSlack
from tests.fakes.smtp import MailSink, parsed
from tests.fakes.teams import FakeTeams
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhook import FakeReceiver
from tests.fakes.x import KEYS, USER, FakeX


async def test_slack_sdk_posts_threads_and_reads_back() -> None:
    """Slack's own client: post with metadata, reply, history, replies, edit, auth, errors."""
    async with FakeSlack() as fake:
        client = AsyncWebClient(token=TOKEN, base_url=f"{fake.api}/")
        assert (await client.auth_test())["ok"]
        root = await client.chat_postMessage(
            channel=CHANNEL, text="root", metadata={"event_type": "t", "event_payload": {"key": "k1"}}
        )
        await client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=root["ts"])
        history = await client.conversations_history(channel=CHANNEL, include_all_metadata=True)
        assert [message["text"] for message in history["messages"]] == ["root"]
        assert history["messages"][0]["metadata"]["event_payload"] == {"key": "k1"}
        bare = await client.conversations_history(channel=CHANNEL)
        assert "metadata" not in bare["messages"][0]
        replies = await client.conversations_replies(channel=CHANNEL, ts=root["ts"])
        assert [message["text"] for message in replies["messages"]] == ["root", "reply"]
        assert fake.counts() == {"k1": 1, "reply": 1}
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await client.chat_postMessage(channel="C0NOTHERE", text="x")
        with pytest.raises(SlackApiError, match="msg_too_long"):
            await client.chat_postMessage(channel=CHANNEL, text="x" * 40_001)
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await AsyncWebClient(token="xoxb-other", base_url=f"{fake.api}/").auth_test()
        edited = await client.chat_update(channel=CHANNEL, ts=root["ts"], text="changed")
        assert (edited["ts"], edited["text"]) == (root["ts"], "changed")
        history = await client.conversations_history(channel=CHANNEL, include_all_metadata=True)
        assert [message["text"] for message in history["messages"]] == ["changed"]
        assert history["messages"][0]["metadata"]["event_payload"] == {"key": "k1"}
        with pytest.raises(SlackApiError, match="message_not_found"):
            await client.chat_update(channel=CHANNEL, ts="1.0", text="x")
        hook = await AsyncWebhookClient(fake.hook).send(text="by hook")
        assert (hook.status_code, hook.body) == (200, "ok")
        assert len(fake.posts) == 3


async def test_discord_py_posts_replies_edits_and_reads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The community's client: nonce, reply, history, edit, errors; and a webhook that waits."""
    async with FakeDiscord() as fake:
        monkeypatch.setattr(discord.http.Route, "BASE", fake.api)
        async with discord.Client(intents=discord.Intents.none()) as client:
            me = await client.http.static_login(fake_discord.TOKEN)
            assert me["id"] == fake_discord.BOT
            channel = client.get_partial_messageable(int(fake_discord.CHANNEL))
            root = await channel.send("root", nonce="n1", allowed_mentions=discord.AllowedMentions.none())
            again = await channel.send("root", nonce="n1")
            assert again.id == root.id
            await channel.send("reply", reference=root.to_reference(fail_if_not_exists=False))
            history = [message async for message in channel.history(oldest_first=True)]
            assert [message.content for message in history] == ["root", "reply"]
            assert [message.nonce for message in history] == [None, None]
            assert history[1].reference is not None
            assert history[1].reference.message_id == root.id
            assert (await root.edit(content="changed")).content == "changed"
            later = [message async for message in channel.history(after=root)]
            assert [message.content for message in later] == ["reply"]
            with pytest.raises(discord.HTTPException, match="50035"):
                await channel.send("x" * 2_001)
            with pytest.raises(discord.NotFound, match="10003"):
                await client.get_partial_messageable(1).send("x")
            hook = discord.Webhook.from_url(f"https://discord.com{fake_discord.HOOK}", client=client)
            assert (await hook.send("by hook", wait=True)).content == "by hook"
            await hook.send("no answer")
        assert [post["content"] for post in fake.posts] == ["changed", "reply", "by hook", "no answer"]


async def test_adaptive_cards_py_posts_a_card() -> None:
    """Its client posts cards to workflows in the same envelope, and takes 202 for success."""
    async with FakeTeams() as fake:
        client = TeamsClient(fake.hook)
        answer = await asyncio.to_thread(client.send, AdaptiveCard.new().version("1.4").create())
        assert answer.status_code == 202
        attachment = fake.posts[0]["attachments"][0]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert attachment["content"]["version"] == "1.4"
        with pytest.raises(RuntimeError, match="DirectApiAuthorizationRequired"):
            await asyncio.to_thread(TeamsClient(fake.hook + "x").send, AdaptiveCard.new().create())
        assert len(fake.posts) == 1


async def test_python_telegram_bot_posts_answers_and_edits() -> None:
    """The community's client: HTML, replies, edits, members, and the errors it tells apart."""
    async with FakeTelegram() as fake:
        chat = fake_telegram.CHAT
        async with telegram.Bot(fake_telegram.TOKEN, base_url=f"{fake.url}/bot") as bot:
            assert bot.id == fake_telegram.BOT
            root = await bot.send_message(chat, "<b>a</b> &lt;b&gt; @somebody", parse_mode="HTML")
            assert root.text == "a <b> @somebody"
            reply = telegram.ReplyParameters(root.message_id)
            await bot.send_message(chat, "reply", reply_parameters=reply)
            edited = await bot.edit_message_text("changed", chat, root.message_id)
            assert isinstance(edited, telegram.Message)
            assert (await bot.get_chat(chat)).type == "channel"
            assert (await bot.get_chat_member(chat, bot.id)).status == "administrator"
            for text, error in (
                ("x" * 4_097, "Message is too long"),
                ("😀" * 2_049, "Message is too long"),
                ("a < b", "Can't parse entities"),
                ("<script>x</script>", "Can't parse entities"),
            ):
                with pytest.raises(telegram.error.BadRequest, match=error):
                    await bot.send_message(chat, text, parse_mode="HTML")
            with pytest.raises(telegram.error.BadRequest, match="not modified"):
                await bot.edit_message_text("changed", chat, root.message_id)
            with pytest.raises(telegram.error.BadRequest, match="Chat not found"):
                await bot.send_message(-1, "x")
            fake.moved[chat] = -1009
            with pytest.raises(telegram.error.ChatMigrated) as moved:
                await bot.send_message(chat, "x")
            assert moved.value.new_chat_id == -1009
            fake.moved.clear()
            fake.member = {"status": "kicked"}
            with pytest.raises(telegram.error.Forbidden):
                await bot.send_message(chat, "x")
            fake.token = "another"
            with pytest.raises(telegram.error.InvalidToken):
                await bot.get_me()
        assert [(post["text"], post["reply_to"]) for post in fake.posts] == [("changed", None), ("reply", 1)]
        assert fake.posts[0]["mentions"] == ["somebody"]


async def test_a_signed_plain_client_posts_to_x() -> None:
    """Oauthlib and aiohttp alone: signatures count, duplicates are refused, the timeline wraps links."""
    async with FakeX() as fake, aiohttp.ClientSession() as session:
        signer = Client(*KEYS.values())

        async def call(method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
            url, headers, _ = signer.sign(fake.url + path, method)
            async with session.request(method, url, json=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)

        status, _ = await call("POST", "/2/tweets", {"text": "See https://status.example.com & more"})
        assert status == 201
        status, refused = await call("POST", "/2/tweets", {"text": "See https://status.example.com & more"})
        assert status == 403
        assert "duplicate" in str(refused["detail"])
        assert (await call("GET", "/2/users/me"))[1] == {
            "data": {"id": USER, "name": "Fake", "username": "fake"}
        }
        page = (await call("GET", f"/2/users/{USER}/tweets?max_results=5&tweet.fields=entities"))[1]
        shown = page["data"]
        assert isinstance(shown, list)
        assert "t.co" in shown[0]["text"]
        assert "&amp;" in shown[0]["text"]
        async with session.post(fake.url + "/2/tweets", json={"text": "unsigned"}) as answer:
            assert answer.status == 401
        assert len(fake.posts) == 1


async def test_atproto_logs_in_puts_and_reads_back() -> None:
    """The protocol's Python client: session, the same record twice, a reply, refusals."""
    async with FakeBluesky() as fake:

        def talk() -> None:
            client = AtClient(base_url=fake.url)
            with contextlib.closing(client.request):
                use(client)

        def use(client: AtClient) -> None:
            with pytest.raises(exceptions.UnauthorizedError):
                client.login(HANDLE, "another", fetch_bsky_profile=False)
            client.login(HANDLE, PASSWORD, fetch_bsky_profile=False)

            def put(rkey: str, text: str, **more: Any) -> Any:
                record = models.AppBskyFeedPost.Record(text=text, created_at="2027-01-01T10:00:00Z", **more)
                fields = {"repo": DID, "collection": "app.bsky.feed.post", "rkey": rkey, "record": record}
                return client.com.atproto.repo.put_record(models.ComAtprotoRepoPutRecord.Data(**fields))

            first = put("3jzfcijpj2z2a", "root")
            again = put("3jzfcijpj2z2a", "root")
            assert (first.cid, first.uri) == (again.cid, again.uri)
            name = models.ComAtprotoRepoStrongRef.Main(uri=first.uri, cid=first.cid)
            put("3jzfcijpj2z2b", "reply", reply=models.AppBskyFeedPost.ReplyRef(root=name, parent=name))
            found = client.app.bsky.feed.post.get(DID, "3jzfcijpj2z2b")
            assert found.value.reply is not None
            assert (found.value.text, found.value.reply.parent.cid) == ("reply", first.cid)
            with pytest.raises(exceptions.BadRequestError, match="RecordNotFound"):
                client.app.bsky.feed.post.get(DID, "3jzfcijpj2z2c")
            with pytest.raises(exceptions.BadRequestError, match="record key"):
                put("incident-42", "x")

        await asyncio.to_thread(talk)
        assert fake.counts() == {"3jzfcijpj2z2a": 1, "3jzfcijpj2z2b": 1}


async def test_mastodon_py_posts_threads_and_reads_back() -> None:
    """Mastodon.py: post with a key, again with it, reply, list, source, limits, refusals."""
    async with FakeMastodon() as fake:

        def talk() -> None:
            client = Mastodon(access_token=MASTODON_TOKEN, api_base_url=fake.url, version_check_mode="none")
            me = client.account_verify_credentials()
            root = client.status_post(
                "root & more", visibility="unlisted", idempotency_key="k1", language="de"
            )
            assert client.status_post("root & more", idempotency_key="k1").id == root.id
            reply = client.status_post("reply", in_reply_to_id=root.id)
            assert (root.visibility, root.language) == ("unlisted", "de")
            assert [one.id for one in client.account_statuses(me.id)] == [reply.id, root.id]
            assert [one.id for one in client.account_statuses(me.id, max_id=reply.id)] == [root.id]
            assert str(client.account_statuses(me.id)[0].in_reply_to_id) == str(root.id)
            assert client.account_statuses(me.id)[1].content == "<p>root &amp; more</p>"
            assert client.status_source(root.id).text == "root & more"
            assert client.instance_v2().configuration.statuses.max_characters == 500
            with pytest.raises(MastodonNotFoundError, match="reply to"):
                client.status_post("lost", in_reply_to_id="42")
            with pytest.raises(MastodonUnauthorizedError):
                Mastodon(access_token="other", api_base_url=fake.url, version_check_mode="none").me()

        await asyncio.to_thread(talk)
        assert fake.counts() == {"k1": 1, "reply": 1}


async def test_twilio_python_sends_and_lists() -> None:
    """Twilio's own library: a message, the list by number and day over pages, STOP, wrong number and key."""
    async with FakeTwilio() as fake:

        def talk() -> None:
            client = TwilioClient(fake_twilio.KEY, fake_twilio.SECRET, fake_twilio.ACCOUNT)
            client.api.base_url = fake.url
            sent = client.messages.create(
                to=fake_twilio.TO, from_=fake_twilio.SENDER, body="Hello", validity_period=600,
                smart_encoded=False,
            )  # fmt: skip
            assert (sent.body, sent.status, sent.direction) == ("Hello", "queued", "outbound-api")
            for number in range(4):
                client.messages.create(
                    to=fake_twilio.TO, messaging_service_sid="MG" + "0" * 32, body=str(number)
                )
            client.messages.create(to="+15005550009", from_=fake_twilio.SENDER, body="Other")
            today = datetime.fromtimestamp(fake.clock.now() // 1000, tz=UTC)
            yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
            found = client.messages.list(to=fake_twilio.TO, date_sent_after=yesterday, page_size=2)
            assert [one.body for one in found] == ["3", "2", "1", "0", "Hello"]
            assert found[-1].sid == sent.sid
            assert found[-1].date_created is not None
            assert abs(found[-1].date_created - today) < timedelta(minutes=1)
            assert client.messages.list(to=fake_twilio.TO, date_sent_after=tomorrow) == []
            fake.stopped.add(fake_twilio.TO)
            for to, code in ((fake_twilio.TO, 21610), ("0171", 21211)):
                with pytest.raises(TwilioRestException) as refused:
                    client.messages.create(to=to, from_=fake_twilio.SENDER, body="x")
                assert refused.value.code == code
            stranger = TwilioClient(fake_twilio.ACCOUNT, "another")
            stranger.api.base_url = fake.url
            with pytest.raises(TwilioRestException, match="Authenticate"):
                stranger.messages.create(to=fake_twilio.TO, from_=fake_twilio.SENDER, body="x")

        await asyncio.to_thread(talk)
        assert len(fake.posts) == 6


async def test_a_sender_with_the_reference_library_reaches_the_receiver() -> None:
    """Signed by the specification's own library: once; not by another key, changed, or old."""
    async with FakeReceiver() as fake, aiohttp.ClientSession() as session:
        event = {
            "type": "incident.opened",
            "timestamp": "2027-01-01T10:00:00.000Z",
            "data": {
                "page": "P",
                "incident": {
                    "id": "u", "title": "T", "status": "investigating", "impact": "minor",
                    "components": [], "url": "",
                },
                "update": {"id": "u", "text": "t"},
            },
        }  # fmt: skip

        async def send(body: str, *, secret: str = fake_webhook.SECRET, age: int = 0, sent: str = "") -> int:
            at = datetime.fromtimestamp(fake.clock.now() // 1000 - age, tz=UTC)
            headers = {
                "webhook-id": "msg_1",
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": Webhook(secret).sign("msg_1", at, body),
            }
            async with session.post(
                fake.url + fake_webhook.PATH, data=sent or body, headers=headers
            ) as answer:
                return answer.status

        body = json.dumps(event)
        assert [await send(body), await send(body)] == [204, 204]
        assert await send(body, secret=fake_webhook.OTHER_SECRET) == 401
        assert await send(body, age=400) == 401
        assert await send(body, sent=body + " ") == 401
        assert await send('{"type": "incident.opened"}') == 422
        assert fake.counts() == {"msg_1": 1}


async def test_plain_smtp_reaches_the_sink() -> None:
    """Aiosmtplib's own send_message: several recipients, one refused."""
    async with MailSink() as sink:
        sink.refuse("b@example.com", "550 5.1.1 no")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com, c@example.com", "Hello"
        mail["Message-ID"] = "<1@example.com>"
        mail.set_content("Body")
        errors, _ = await aiosmtplib.send(mail, hostname="127.0.0.1", port=sink.port)
        assert list(errors) == ["b@example.com"]
        assert sink.counts() == {("<1@example.com>", "c@example.com"): 1}
        assert parsed(sink.posts[0]["message"])["Subject"] == "Hello"


async def _started(module: str, log: Path) -> tuple[asyncio.subprocess.Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--port", "0", "--log", str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


async def test_a_fake_in_its_own_process_keeps_its_log_over_kill(tmp_path: Path) -> None:
    """Accepted posts are on disk before the answer; after kill -9 a new one goes on from the file."""
    log = tmp_path / "slack.jsonl"
    process, port = await _started("tests.fakes.slack", log)
    client = AsyncWebClient(token=TOKEN, base_url=f"http://127.0.0.1:{port}/api/")
    await client.chat_postMessage(channel=CHANNEL, text="one")
    process.kill()
    await process.communicate()
    process, port = await _started("tests.fakes.slack", log)
    try:
        client = AsyncWebClient(token=TOKEN, base_url=f"http://127.0.0.1:{port}/api/")
        await client.chat_postMessage(channel=CHANNEL, text="two")
        history = await client.conversations_history(channel=CHANNEL)
        assert [message["text"] for message in history["messages"]] == ["two", "one"]
        async with aiohttp.ClientSession() as session:
            await session.post(f"http://127.0.0.1:{port}/_fake/faults", json=[{"status": 503}])
            async with session.get(f"http://127.0.0.1:{port}/_fake/posts") as answer:
                assert len(await answer.json()) == 2
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel=CHANNEL, text="three")
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
    assert [json.loads(line)["text"] for line in log.read_text("utf-8").splitlines()] == ["one", "two"]


@pytest.mark.parametrize(
    "module",
    [
        "tests.fakes.apprise",
        "tests.fakes.bluesky",
        "tests.fakes.cachet",
        "tests.fakes.discord",
        "tests.fakes.instatus",
        "tests.fakes.mastodon",
        "tests.fakes.smtp",
        "tests.fakes.statuspage_io",
        "tests.fakes.teams",
        "tests.fakes.telegram",
        "tests.fakes.twilio",
        "tests.fakes.webhook",
        "tests.fakes.x",
    ],
)
async def test_the_other_fakes_run_alone_too(module: str, tmp_path: Path) -> None:
    """They print a port where something listens, and end with 0 on SIGTERM."""
    process, port = await _started(module, tmp_path / "log.jsonl")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
