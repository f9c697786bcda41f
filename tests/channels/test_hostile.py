"""Whoever writes a label must not be able to forge, hide, reverse or ping: through every render."""

from __future__ import annotations

import html.parser
import json
import re
from dataclasses import replace
from typing import Any

import aiohttp
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import registry
from channels.http import encoded
from channels.plain import clean, one_line
from daemon.core.clock import FakeClock
from daemon.core.ports import Channel, Standing
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes import (
    apprise,
    cachet,
    discord,
    instatus,
    sms_gateway,
    statuspage_io,
    teams,
    telegram,
    twilio,
    webhook,
)
from tests.fakes.bluesky import HANDLE, PASSWORD
from tests.fakes.hosted import PAGE
from tests.fakes.mastodon import TOKEN as MASTODON_TOKEN
from tests.fakes.slack import CHANNEL, HOOK, TOKEN
from tests.fakes.smtp import parsed
from tests.fakes.x import KEYS

HOSTILE = {
    "ping": "@everyone @here <!channel> <!here> <@U0123> <#C0123>",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)> & \" ' </style></title>",
    "header": "ok\r\nBcc: victim@example.com\r\n\r\nbody",
    "odd line ends": "ok\x0bBcc: a@b.c\x0cX: 1\x85Y: 2\u2028Z: 3\u2029W: 4\rV: 5",
    "bidi": "safe \u202egnp.exe\u202c \u2066x\u2069",
    "controls": "a\x00b\x1b[31mred\x07\x7f\x9b",
    "surrogate": "half \ud83d emoji",
    "link": "<https://evil.example|Status page> [x](https://evil.example) javascript:alert(1)",
    "entity": "&lt;!channel&gt; &amp;amp;",
    "template": "{{ 7*7 }} ${x} %s {0}",
    "long": "x" * 100_000,
    "placeholders": "=?utf-8?q?=0D=0ABcc:_a@b.c?=",
    "empty": "",
}
FIELDS = {
    "kinds": [
        {"kind": "log"},
        {"kind": "discord", "token": discord.TOKEN, "channel": discord.CHANNEL},
        {"kind": "discord", "webhook_url": "https://discord.com" + discord.HOOK},
        {"kind": "slack", "token": TOKEN, "channel": CHANNEL},
        {"kind": "slack", "webhook_url": "https://hooks.slack.com" + HOOK},
        {
            "kind": "email",
            "host": "localhost",
            "sender": "status@example.com",
            "recipients": ["t@example.com"],
        },
        {"kind": "teams", "webhook_url": "https://prod-1.westeurope.logic.azure.com" + teams.HOOK},
        {"kind": "telegram", "token": telegram.TOKEN, "chat": telegram.CHAT},
        {"kind": "bluesky", "identifier": HANDLE, "app_password": PASSWORD},
        {"kind": "mastodon", "api_url": "https://mastodon.example", "token": MASTODON_TOKEN},
        {
            "kind": "sms",
            "account": twilio.ACCOUNT,
            "secret": twilio.SECRET,
            "sender": twilio.SENDER,
            "recipients": [twilio.TO],
        },
        {
            "kind": "sms",
            "secret": sms_gateway.TOKEN,
            "recipients": [twilio.TO],
            "request": {"url": "https://sms.example.com", **sms_gateway.FIELDS},
        },
        {"kind": "webhook", "url": "https://receiver.example.com/hook", "secret": webhook.SECRET},
        {"kind": "x", "link": "always", **KEYS},
        {"kind": "apprise", "url": apprise.ADDRESS},
        {"kind": "statuspage_io", "page": PAGE, "token": statuspage_io.TOKEN},
        {"kind": "instatus", "page": PAGE, "token": instatus.TOKEN},
        {"kind": "cachet", "api_url": "https://status.example.com/api", "token": cachet.TOKEN},
    ]
}
IDS = [
    "log",
    "discord-bot",
    "discord-webhook",
    "slack-bot",
    "slack-webhook",
    "email",
    "teams",
    "telegram",
    "bluesky",
    "mastodon",
    "sms-twilio",
    "sms-request",
    "webhook",
    "x",
    "apprise",
    "statuspage_io",
    "instatus",
    "cachet",
]
HOSTED = {"statuspage_io", "instatus", "cachet"}
PUBLIC = {"bluesky", "mastodon", "x", *HOSTED}
"""Kinds that cannot be internal."""


@pytest.fixture(params=FIELDS["kinds"], ids=IDS)
def channel(request: pytest.FixtureRequest, session: aiohttp.ClientSession, clock: FakeClock) -> Channel:
    fields: dict[str, object] = request.param
    audience = {} if fields["kind"] in PUBLIC else {"audience": "internal"}
    return registry.build(settings(name="ours", **fields, **audience), session, clock)


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src") or name.startswith("on")
        ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_labels_are_only_text(text: str, channel: Channel) -> None:
    """In title, words, facts, components and names at once: nothing acts, nothing is hidden."""
    hostile = post(
        title=text,
        text=f"Words. {text}",
        facts={text or "k": text},
        components=(text,),
        page_name=text or "Example",
        mention=text,
        audience=Audience.public if channel.capabilities.kind in PUBLIC else Audience.internal,
    )
    payload = channel.render(hostile, channel.recipients()[0])
    shown = json.dumps(payload, ensure_ascii=False)
    shown.encode("utf-8")  # no lone surrogate is left
    for hidden in "\u202e\u202c\u2066\u2069\x1b\x9b\x7f":
        assert hidden not in shown
    if channel.capabilities.shows_state:  # the instants are ours, all else is as before
        standing = Standing(hostile.at, hostile.at)
        shows = channel.render(replace(hostile, standing=standing))["message"]["text"]
        assert re.findall("<[^>|]*[>|]", shows)[:-1] == ["<!date^1798797600^{date_short_pretty} {time}|"] * 2
    if channel.capabilities.markup == "mrkdwn":
        words = payload["message"]["text"]
        assert words.count("<") == 1
        assert words.endswith("<https://status.example.com/incidents/abc123def456|Status page>")
    if channel.capabilities.kind == "discord":
        _check_discord(payload["message"])
    if channel.capabilities.markup == "card":
        _check_card(payload["attachments"][0]["content"])
    if channel.capabilities.kind == "telegram":
        _check_telegram(payload["text"])
    if channel.capabilities.kind == "email":
        _check_letter(payload["message"])
    if channel.capabilities.markup == "facets":  # nothing acts but an address that is seen
        record = payload["record"]
        uris = [one["uri"] for facet in record.get("facets", []) for one in facet["features"]]
        assert all(uri in record["text"] for uri in uris)
    if channel.capabilities.kind == "sms":
        assert set(payload) == {"to", "text", "segments"}
        assert (payload["to"], payload["segments"]) == (twilio.TO, 1)
        assert "\n" not in payload["text"]
    if channel.capabilities.kind == "webhook":
        assert len(encoded(payload)) < 20_000
        jsonschema.validate(payload, webhook.SCHEMA)
    if channel.capabilities.kind in ("mastodon", "x"):
        words = payload.get("text") or payload["status"]
        assert not any(ping in words for ping in ("@everyone", "@here"))
    if channel.capabilities.kind == "apprise":
        assert not re.search(r"[<>]|\]\(|@(everyone|here)", payload["title"] + payload["body"])
    if channel.capabilities.kind in HOSTED:
        _check_hosted(payload["text"], channel.capabilities.max_length or 0)


def _check_discord(message: dict[str, Any]) -> None:
    assert message["allowed_mentions"] == {"parse": []}
    *lines, foot = message["content"].split("\n")
    assert re.fullmatch(
        r"-# \[Status page\]\(<https://status\.example\.com/incidents/abc123def456(#\w+)?>\)", foot
    )
    assert len(message["content"]) <= 2_000
    title = "".join(lines[0].removeprefix("**").removesuffix("**"))
    bare = re.sub(r"\\.", "", "\n".join([title, *lines[1:]]))
    addresses = re.sub(r"https?://[^\s<>]+", "", bare)
    assert not re.search(r"[`*~|<>\[\]@#]", addresses)


def _check_card(card: dict[str, Any]) -> None:
    """All text is in runs, which know no markup, and the one action leads to the page."""
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert [action["url"] for action in card["actions"]] == [
        "https://status.example.com/incidents/abc123def456"
    ]


def _check_telegram(text: str) -> None:
    """Two tags, our own; every other angle is an entity, and no @name is left that would call somebody."""
    title, *_, foot = text.split("\n")
    assert foot == '<a href="https://status.example.com/incidents/abc123def456">Status page</a>'
    assert title.startswith("<b>")
    bare = text.removesuffix(foot).replace("<b>", "", 1).replace("</b>", "", 1)
    assert not re.search(r"[<>]|&(?!(lt|gt|amp);)", bare)
    assert not re.search(r"(?<!\w)@\w", bare)


def _check_hosted(text: str, limit: int) -> None:
    """No tag, and no link that is called something else; what a sign would do is taken from it."""
    assert len(text) <= limit
    bare = re.sub(r"\\.", "", text)
    assert not re.search(r"[<>]|\]\(|\]\[|\]:", bare)


def _check_letter(text: str) -> None:
    mail = parsed(text)
    assert mail["Bcc"] is None
    assert [name for name, _ in mail.items()] == [
        "Message-ID", "List-Id", "To", "From", "Subject", "Date", "Auto-Submitted", "MIME-Version",
        "Content-Type",
    ]  # fmt: skip
    assert mail.defects == []
    assert len(str(mail["Subject"])) <= 220
    tags = _Tags()
    page = mail.get_body(("html",))
    assert page is not None
    tags.feed(page.get_content())
    assert not tags.seen & {"script", "img", "iframe", "object", "form", "link", "base"}
    assert tags.links == ["https://status.example.com/incidents/abc123def456"]


@given(st.text())
def test_cleaned_text_holds_no_control(text: str) -> None:
    """Cleaning is idempotent, leaves lines that the mail library cannot split further, and keeps UTF-8."""
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.splitlines() == [line for line in cleaned.split("\n") if cleaned]
    assert len(one_line(text).splitlines()) <= 1
    cleaned.encode()


def test_languages_that_need_marks_keep_them() -> None:
    """Right-to-left marks, joiners and combining letters are language, not attack."""
    for word in ("\u200fשלום\u200e", "नी\u200dल", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301"):
        assert clean(word) == word
