"""The letter: filled in for each recipient, with the headers of a list that people can leave."""

from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.email import EmailChannel
from channels.email_settings import Settings
from channels.letter import Sender, Template, mail_address, template
from channels.tokens import LENGTH, Tokens
from daemon.core.clock import FakeClock
from tests.channels import posts
from tests.channels.posts import post
from tests.fakes.smtp import parsed

KEY = "0123456789abcdef" * 2
SECRET = "a-secret-of-the-test-and-nobody-else"
SENDER = Sender("status@example.com", "", "subscribers", stops_by_web=True, stops_by_mail=True)
FIELDS = {
    "bounces": "b+TOKEN@bounces.example.com",
    "unsubscribe_url": "https://status.example.com/unsubscribe/TOKEN",
    "unsubscribe_mail": "leave+TOKEN@example.com",
    "token_secret": SECRET,
}


def channel(session: aiohttp.ClientSession, **fields: object) -> EmailChannel:
    found = posts.settings(
        **{
            "name": "m",
            "kind": "email",
            "host": "localhost",
            "sender": "status@example.com",
            **FIELDS,
            **fields,
        }
    )
    assert isinstance(found, Settings)
    return EmailChannel(found, session, FakeClock())


async def test_a_subscriber_can_leave_with_one_click(session: aiohttp.ClientSession) -> None:
    """RFC 8058: both headers, an https address of the recipient's own, and the same one in both parts."""
    ours = channel(session)
    payload = ours.render(post(key=KEY), "ann@example.org")
    mail = parsed(payload["message"])
    word = Tokens(SECRET).of_recipient("ann@example.org")
    link = f"https://status.example.com/unsubscribe/{word}"
    assert mail["List-Unsubscribe"] == f"<{link}>, <mailto:leave+{word}@example.com?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, page = (part.get_content() for part in mail.iter_parts())
    assert f"Stop these mails:\n{link}\n" in plain.replace("\r\n", "\n")
    assert f'"{link}"' in page
    other = parsed(ours.render(post(key=KEY), "bob@example.org")["message"])
    assert word not in str(other)
    assert mail["Message-ID"] == other["Message-ID"]


async def test_who_keeps_subscribers_supplies_the_words(session: aiohttp.ClientSession) -> None:
    """A later owner of the list puts in words of its own, without touching the letter."""
    ours = channel(session)
    ours.unsubscribe_token = {"ann@example.org": "9"}.__getitem__
    assert "/unsubscribe/9>" in ours.render(post(key=KEY), "ann@example.org")["message"]


async def test_without_an_address_nothing_is_promised(session: aiohttp.ClientSession) -> None:
    """No header and no line speak of leaving where nobody would hear of it; by mail alone is no one-click."""
    bare = channel(session, unsubscribe_url="", unsubscribe_mail="")
    assert "nsubscribe" not in bare.render(post(key=KEY), "ann@example.org")["message"]
    mailed = parsed(channel(session, unsubscribe_url="").render(post(key=KEY), "ann@example.org")["message"])
    assert str(mailed["List-Unsubscribe"]).startswith("<mailto:")
    assert mailed["List-Unsubscribe-Post"] is None


async def test_the_envelope_leads_back_to_the_delivery(session: aiohttp.ClientSession) -> None:
    """Each mail has a return path of its own, within what an address may have, and nothing else has it."""
    ours = channel(session)
    payload = ours.render(post(key=KEY), "ann@example.org")
    local, _, domain = payload["sender"].rpartition("@")
    assert domain == "bounces.example.com"
    assert len(local) <= 64
    assert Tokens(SECRET).delivery(local.removeprefix("b+")) == KEY
    assert payload["sender"] not in payload["message"]
    assert channel(session, bounces="").render(post(), "ann@example.org")["sender"] == "status@example.com"


def test_a_word_of_somebody_else_is_no_word() -> None:
    """Another secret, another use, a changed letter and odd texts lead nowhere; capitals are no change."""
    tokens = Tokens(SECRET)
    word = tokens.of_delivery(KEY)
    assert len(word) == LENGTH
    assert tokens.delivery(word.upper()) == KEY
    changed = [word[:at] + ("a" if word[at] != "a" else "b") + word[at + 1 :] for at in range(LENGTH)]
    strange = ["", "é" * LENGTH, "1" * LENGTH, word + "a", word[1:], tokens.of_recipient("a@b.example")]
    assert {tokens.delivery(one) for one in (*changed, *strange)} == {None}
    assert Tokens("b" * 32).delivery(word) is None
    with pytest.raises(ValueError, match="hexadecimal"):
        tokens.of_delivery("key-1")


@given(
    st.text(max_size=400),
    st.sampled_from(["a@b.example", f"{'x' * 64}@{'y' * 60}.example.com"]),
    st.sampled_from(["https://s.example/u/abc", "https://s.example/u?t=" + "z=" * 200]),
)
@settings(max_examples=60, deadline=None)
def test_filling_in_is_as_good_as_writing(text: str, recipient: str, web: str) -> None:
    """Whatever the words, exactly the right places are filled and the parts decode to what was meant."""
    letter = template(post(text=f"Words {text}".replace("\r", " "), title="Überraschung " * 5), SENDER)
    mail = parsed(letter.fill(recipient, web, "leave@example.com"))
    assert mail.defects == []
    assert mail["To"] == recipient
    assert "leave@example.com" in mail["List-Unsubscribe"]
    plain, page = (part.get_content() for part in mail.iter_parts())
    assert plain.count(web) == page.count(web) == 1
    assert not any(word in str(mail) for word in (letter.recipient, letter.web, letter.link, letter.mail))


def test_a_text_cannot_hold_a_placeholder() -> None:
    """Who copies the words of a letter into a label gets a letter with other words."""
    before = template(post(), SENDER)
    again = template(post(text=f"{before.recipient} {before.web} {before.link}"), SENDER)
    assert isinstance(again, Template)
    assert {again.recipient, again.web, again.link, again.mail}.isdisjoint(
        {before.recipient, before.web, before.link, before.mail}
    )
    body = parsed(again.fill("a@b.example", "https://s.example/u", "l@b.example")).get_body(("plain",))
    assert body is not None
    assert before.recipient in body.get_content()


def test_only_validated_text_is_put_in() -> None:
    """A line end in an address or a link is refused at the last moment too."""
    letter = template(post(), SENDER)
    for recipient, web, mail in (
        ("a@b.example\r\nBcc: c@d.example", "", ""),
        ("a@b.example", "https://s.example/u\r\nX: y", ""),
        ("a@b.example", "http://s.example/u", ""),
        ("a@b.example", "", "a b@c.example"),
    ):
        with pytest.raises(ValueError, match="write an"):
            letter.fill(recipient, web, mail)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"bounces": "bounces@example.com"}, "TOKEN once"),
        ({"bounces": "b@TOKEN.example.com"}, "TOKEN once"),
        ({"bounces": f"{'b' * 30}+TOKEN@example.com"}, "64"),
        ({"unsubscribe_url": "http://example.com/TOKEN"}, "https"),
        ({"unsubscribe_url": "https://example.com/stop"}, "TOKEN once"),
        ({"unsubscribe_url": 'https://example.com/TOKEN"'}, "https address of"),
        ({"unsubscribe_mail": "stop"}, "write an address"),
        ({"token_secret": "short"}, "openssl rand"),
        ({"token_secret": None}, "token_secret_file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_addresses_say_what_to_write(fields: dict[str, object], says: str) -> None:
    """What cannot work is refused with the remedy, and the secret is not shown."""
    usual = {"name": "m", "kind": "email", "host": "localhost", "sender": "a@b.example", **FIELDS}
    with pytest.raises(ValidationError, match=says) as found:
        posts.settings(**{**usual, **fields})
    assert SECRET not in str(found.value)
    assert mail_address("a@b.example")
