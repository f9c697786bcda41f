"""What texts say: built-in words for every phase, variants, facts, and the caps on what comes out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.clock import DAY, HOUR, MINUTE
from daemon.core.errors import BadConfig
from daemon.core.words import Audience, Impact, Status
from rules.built_in import BUILT_IN, PLAIN
from rules.model import ChannelRule, Component, Site, TextError
from rules.text_times import age, clock_time
from rules.texts import CONSTANTS, FACTS, MAX_LENGTH, TextBook, tidy

START = 1_799_056_800_000  # 2027-01-04T10:00:00Z
SITE = Site("Example", "https://status.example.com/", "UTC")
COMPONENTS = {
    one.id: one
    for one in (
        Component("checkout", "Checkout", "Shop", customers_cannot="pay for their orders"),
        Component("search", "Search", "Shop", customers_cannot="find products"),
        Component("mail", "Mail"),
        Component("login", "Login", customers_cannot="sign in"),
        Component("documents", "Documents"),
        Component("chat", "Chat", customers_cannot="chat with our support"),
        Component("invoices", "Invoices", customers_cannot="download invoices"),
    )
}
PAGE = ChannelRule("page", "status_page")
X = ChannelRule("x", "x")
OPS = ChannelRule("ops", "slack", Audience.internal)
INTERNAL = tuple(name for name in BUILT_IN if name.startswith(("ask", "internal", "take_over")))
PUBLIC = tuple(name for name in BUILT_IN if name not in INTERNAL)
HOSTILE = "{{7*7}}\n\n# secret-host-17 \u202e{% for x in y %}"


def facts(**changes: Any) -> dict[str, Any]:
    """Raw facts as the decision passes them, 2 hours 11 minutes into an outage."""
    now = START + 131 * MINUTE
    return {
        "impact": Impact.major,
        "status": Status.investigating,
        "components": ("checkout",),
        "alerts_firing": 3,
        "alerts_total": 4,
        "labels": {"alertname": "HighErrorRate", "region": "eu", "evil": HOSTILE},
        "title": "Checkout: partial outage",
        "now": now,
        "started_at": START,
        "opened_at": START + MINUTE,
        "next_update_at": now + 20 * MINUTE,
        "last_update_at": now - 25 * MINUTE,
        "public_id": "k3v9abcd1234",
        "told": ["page", "x"],
        "unattended": 4,
        "note": "",
        "reason": "",
        "step": "social",
        "ready": "",
        **changes,
    }


def book(texts: dict[str, Any] | None = None, **more: Any) -> TextBook:
    return TextBook(texts or {}, site=SITE, components=COMPONENTS, **more)


def said(source: str, channel: ChannelRule = PAGE, **changes: Any) -> str:
    """What one template says."""
    return book({"t": source}).render("t", channel, facts(**changes))


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("channel", [PAGE, X], ids=["page", "x"])
@pytest.mark.parametrize("name", PUBLIC)
def test_public_built_in_texts_are_clean(name: str, channel: ChannelRule, count: int) -> None:
    """Each shipped public text is short, single-spaced and free of label values, whatever the facts."""
    for impact in Impact:
        for status in Status:
            for promise in (None, START + 3 * HOUR):
                text = book().render(
                    name,
                    channel,
                    facts(
                        impact=impact,
                        status=status,
                        components=tuple(COMPONENTS)[:count],
                        next_update_at=promise,
                    ),
                )
                sentences = re.findall(r"[.!?](?= |$)", text)
                assert len(sentences) <= 3, text
                assert "  " not in text
                assert " ." not in text
                assert " ," not in text
                assert "\n" not in text
                assert text[0].isupper()
                assert not re.search("HighErrorRate|secret|{{|None|social|INC", text)
                if channel is X:
                    assert len(text) <= 280


@pytest.mark.parametrize("name", INTERNAL)
def test_internal_built_in_texts_render_with_little_or_much(name: str) -> None:
    """Each shipped question reads well with all facts and with hardly any."""
    rich = book().render(
        name,
        OPS,
        facts(
            incident="INC-42",
            ready="We are aware.",
            reason="too many",
            need="two",
            until=START + 140 * MINUTE,
        ),
    )
    poor = book().render(name, OPS, {"now": START})
    for text in (rich, poor):
        assert "  " not in text
        assert " ." not in text
        assert "None" not in text
        assert ".." not in text
    if name.startswith("ask") and name not in {"ask_stale", "ask_still_firing", "ask_retract"}:
        assert rich.endswith("\n\nWe are aware.")


@pytest.mark.parametrize(
    ("name", "needles"),
    [
        (
            "investigating",
            ["We are aware", "pay for their orders", "investigating", "next update by 12:31 UTC"],
        ),
        ("identified", ["found the cause", "repair", "pay for their orders", "12:31 UTC"]),
        ("holding", ["2 hours 11 minutes", "still", "looking for the cause", "12:31 UTC"]),
        ("monitoring", ["can pay for their orders again", "watching"]),
        ("resolved", ["resolved", "can pay for their orders again", "sorry", "thank you"]),
        ("relapse", ["returned", "12:11 UTC", "pay for their orders", "12:31 UTC"]),
        ("false_alarm", ["false alarm", "Checkout was working", "sorry"]),
        ("short", ["pay for their orders", "https://status.example.com/incidents/k3v9abcd1234"]),
        ("title", ["Checkout: partial outage"]),
    ],
)
def test_public_built_in_texts_have_their_parts(name: str, needles: list[str]) -> None:
    """Each phase's text holds what the seed page asks of it."""
    text = book().render(name, PAGE, facts())
    assert [needle for needle in needles if needle not in text] == []


@pytest.mark.parametrize("name", ["holding", "monitoring", "resolved", "relapse"])
@pytest.mark.parametrize("channel", [PAGE, X], ids=["page", "x"])
def test_texts_that_recur_differ_each_time(name: str, channel: ChannelRule) -> None:
    """The same words never go out twice in a row: half an hour later the text is another one."""
    first = book().render(name, channel, facts())
    later = book().render(name, channel, facts(now=START + 161 * MINUTE, next_update_at=None))
    assert first != later
    assert first != book().render(name, channel, facts(now=START + 161 * MINUTE))


@pytest.mark.parametrize(
    ("components", "impact", "clause"),
    [
        ((), Impact.major, "customers may be unable to use some of our services"),
        (("mail",), Impact.critical, "customers cannot use Mail"),
        (("mail",), Impact.minor, "customers may have trouble when they try to use Mail"),
        (("checkout", "search"), Impact.critical, "customers cannot pay for their orders or find products"),
        (("checkout", "mail", "documents"), Impact.critical,
         "customers cannot pay for their orders, or use Mail or Documents"),
        (tuple(COMPONENTS), Impact.critical,
         "customers cannot pay for their orders, find products, or use Mail or 4 other services"),
        (("no_such",), Impact.critical, "customers cannot use no such"),
    ],
)  # fmt: skip
def test_effect(components: tuple[str, ...], impact: Impact, clause: str) -> None:
    """The clause about customers is grammatical for no, one and many components, and fits the impact."""
    assert said("{{ effect }}", components=components, impact=impact) == clause


def test_filters_speak_english() -> None:
    """Lists are joined with the right word, numbers take the right form, names keep their capitals."""
    both = ("checkout", "search")
    assert said("{{ components | names }}", components=both) == "Checkout and Search"
    assert said("{{ components | names(3) }}", components=tuple(COMPONENTS)) == "Checkout, Search and 5 more"
    assert (
        said("{{ components | customers_cannot }}", components=both)
        == "pay for their orders or find products"
    )
    assert (
        said("{{ components | customers_can }}", components=both) == "pay for their orders and find products"
    )
    assert said("{{ alerts_firing }} {{ alerts_firing | plural('alert') }}") == "3 alerts"
    assert said("{{ components | plural('is', 'are') }}", components=()) == "are"
    assert said("{{ told | list }} {{ told | count }} {{ told }}") == "page and x 2 page and x"
    assert said("{{ effect | upper_first | truncate(22) }}") == "Customers may be…"
    assert (
        said("{% for c in components %}{{ loop.index }} {{ c.name }} {{ c.group }}{% endfor %}")
        == "1 Checkout Shop"
    )
    assert said("{% for name, value in labels | items %}{{ name }} {% endfor %}") == "alertname evil region"


def test_impact_is_ordered_by_rank() -> None:
    """`impact >= major` means what it means in an `if`: "none" is not above "major" as a word would be."""
    source = "{{ impact >= major }} {{ impact == 'none' }} {{ status < monitoring }}"
    assert said(source, impact=Impact.none) == "false true true"
    assert said(source, impact=Impact.critical, status=Status.monitoring) == "true false false"


def test_labels_are_data() -> None:
    """A template in a label value stays text, and loses its line breaks and hidden characters."""
    text = said('{{ labels.evil }} {{ labels["region"] }} {{ label("region") }}{{ label("absent") }}')
    assert text == "{{7*7}} # secret-host-17 {% for x in y %} eu eu"
    with pytest.raises(TextError, match="absent"):
        said("{{ labels.absent }}")
    assert said('{{ labels.absent | default("none") }}') == "none"
    assert said("{{ labels.items | default('no method') }}") == "no method"


def test_internal_facts_are_empty_in_public() -> None:
    """A text shared by both audiences cannot carry the team's notes to customers."""
    source = "words {{ note }}{{ reason }}{{ ready }}{{ incident }}{{ heading }}"
    told = {"note": "host-17", "reason": "r", "ready": "text", "incident": "INC-42"}
    assert said(source, PAGE, **told) == "words"
    assert "host-17" in said(source, OPS, **told)
    assert book({"title": "T {{ note }}"}).render("title", OPS, facts(**told)) == "T"


def test_variants_are_found_by_id_kind_audience_default() -> None:
    """The most particular variant wins, and a variant may speak several languages."""
    texts = {
        "t": {
            "page": "by id", "email": "by kind", "internal": "by audience",
            "default": {"de": "auf Deutsch", "en": "in English"},
            "sms": {"fr": "en français", "de": "auf Deutsch"},
        },
    }  # fmt: skip
    channels = [PAGE, ChannelRule("subscribers", "email"), OPS, X, ChannelRule("s", "sms")]
    assert [book(texts).render("t", one, facts()) for one in channels] == [
        "by id", "by kind", "by audience", "in English", "en français",
    ]  # fmt: skip
    assert book(texts, language="de").render("t", X, facts()) == "auf Deutsch"


def test_built_in_words_fill_the_gaps() -> None:
    """A name, or a channel, for which the files have no words gets the shipped ones."""
    texts = {"holding": {"sms": "short words"}, "investigating": "Ours."}
    assert book(texts).render("investigating", PAGE, facts()) == "Ours."
    assert book(texts).render("holding", PAGE, facts()) == book().render("holding", PAGE, facts())
    assert book(texts).built_in("investigating", PAGE, facts()).startswith("We are aware")
    with pytest.raises(TextError, match='"nonsense" does not exist'):
        book().render("nonsense", PAGE, facts())


def test_built_in_never_raises() -> None:
    """Whatever name or facts come in, some fitting words come out."""
    broken = facts(now="not a number")
    for name in (*BUILT_IN, "my_own_text"):
        for channel in (PAGE, X, OPS):
            assert book().built_in(name, channel, broken)
    assert book().built_in("resolved", PAGE, broken) == PLAIN["resolved"]
    assert "resolved" in book().built_in("my_own", PAGE, facts(status=Status.resolved))
    assert "HighErrorRate" in book().built_in("my_own", OPS, facts())
    assert book().built_in("my_own", PAGE, {}) != ""


def test_failures_are_text_errors() -> None:
    """What raises or comes out empty is a TextError that names the text."""
    for source in ("{{ 'a' + 1 }}", "{{ note }}", " \u200b ", "{{ labels }}", "{{ impact < 'bad' }}"):
        with pytest.raises(TextError, match='"t"'):
            said(source)
    with pytest.raises(TextError, match='"t", line 1, column 4: unknown fact "impct"; did you mean "impact"'):
        book({"t": "{{ impct }}"})


def test_times_follow_the_page() -> None:
    """Times carry the page's zone, a promise is rounded up, another day is named."""
    zone = TextBook({}, site=replace(SITE, time_zone="Europe/Berlin"), components={})
    shown = zone.context(facts(next_update_at=START + 1, started_at=START - DAY), PAGE)
    assert shown["next_update"] == "11:01 CET"
    assert shown["since"] == "11:00 CET on 3 January"
    assert shown["started"] == "3 January 2027, 11:00 CET"
    assert zone.context(facts(started_at=0), PAGE)["since"] == "11:01 CET"
    assert zone.context(facts(started_at=START + DAY), PAGE)["since"] == "11:01 CET"
    dubai = TextBook({}, site=replace(SITE, time_zone="Asia/Dubai"), components={})
    assert dubai.context(facts(), PAGE)["time"] == "16:11 UTC+04"
    with pytest.raises(BadConfig, match=r"page\.time_zone"):
        TextBook({}, site=replace(SITE, time_zone="Mars/Base"), components={})


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (59_999, "less than a minute"), (MINUTE, "1 minute"), (45 * MINUTE, "45 minutes"), (HOUR, "1 hour"),
        (2 * HOUR + 10 * MINUTE, "2 hours 10 minutes"), (DAY + 30 * MINUTE, "1 day"),
        (3 * DAY + HOUR + MINUTE, "3 days 1 hour"),
    ],
)  # fmt: skip
def test_age(span: int, words: str) -> None:
    """Ages have at most two units and the right plural."""
    assert age(span) == words


def test_the_table_of_facts_is_complete() -> None:
    """What `tocsin rules vars` prints is exactly what a template can see."""
    assert set(book().context(facts(), OPS)) == {*FACTS, *CONSTANTS}


def test_windows_are_facts() -> None:
    """A window of the rule set is true in texts while it is open, and false when nobody says so."""
    texts = {"t": "{% if business_hours %}open{% else %}closed{% endif %}"}
    with_windows = book(texts, windows=["business_hours"])
    assert with_windows.render("t", PAGE, facts(business_hours=True)) == "open"
    assert with_windows.render("t", PAGE, facts()) == "closed"


def test_white_space_and_hidden_characters() -> None:
    """Folded and literal blocks read the same; controls, overrides and lone surrogates are gone."""
    assert tidy(" a \t b \r\n\n\n\n c\x00\x1b[\u202e\ud800\u200b. \n") == "a b\n\nc[."
    assert tidy("\U0001f468\u200d\U0001f469") == "\U0001f468\u200d\U0001f469"


def test_output_is_cut_between_graphemes() -> None:
    """A long text ends at 20,000 characters, and never in the middle of an emoji."""
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    cut = said("{{ person_text }}", person_text=family * 10_000)
    assert MAX_LENGTH - len(family) <= len(cut) <= MAX_LENGTH
    assert set(regex.findall(r"\X", cut)) == {family, "…"}
    assert len(tidy("a" + "\u0301" * 30_000)) == MAX_LENGTH


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(max_size=5), max_size=5)


@settings(deadline=None)  # shared machines pause
@given(
    raw=st.dictionaries(st.sampled_from(sorted(facts())), VALUES),
    labels=st.dictionaries(st.text(max_size=5), st.text(), max_size=5),
    name=st.sampled_from(sorted(BUILT_IN)),
    channel=st.sampled_from([PAGE, X, OPS]),
)
def test_only_text_errors_for_any_facts(
    raw: dict[str, Any], labels: dict[str, str], name: str, channel: ChannelRule
) -> None:
    """Any facts at all give words or a TextError, and the built-in text always gives words."""
    every = facts(labels=labels) | raw
    try:
        text = book().render(name, channel, every)
    except TextError:
        text = "failed"
    assert 0 < len(text) <= MAX_LENGTH
    assert book().built_in(name, channel, every)


@settings(deadline=None)  # shared machines pause
@given(value=st.text(), labels=st.dictionaries(st.sampled_from(["region", "alertname"]), st.text()))
def test_text_is_never_evaluated(value: str, labels: dict[str, str]) -> None:
    """A value comes out as it went in, less white space and hidden characters."""
    out = said("[{{ person_text }}|{{ label('region') }}]", person_text=value, labels=labels)
    region = " ".join(labels.get("region", "")[:1000].split())
    assert out == tidy(f"[{value}|{region}]")


@settings(deadline=None)  # shared machines pause
@given(now=st.integers(), instant=st.integers())
def test_every_instant_has_a_time(now: int, instant: int) -> None:
    """No instant, however wrong, makes a text fail."""
    assert clock_time(instant, now, book().zone)
