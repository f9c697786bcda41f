"""Counting and cutting: never over the limit, never inside an address or a character."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from twitter_text import parse_tweet  # type: ignore[import-untyped]

from channels import bluesky, markdown, measure, mrkdwn
from channels.fit import _PLAIN, _URL, COUNTERS, _addresses, characters, fit, graphemes, octets, units
from channels.mastodon_api import Limits
from channels.measure import Counter, Seamed
from channels.plain import clean
from channels.weight import _HEAVY, weighted
from tests.channels import plain_fit

LINK = "https://status.example.com/incidents/abc123def456"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
_PIECES = st.sampled_from(
    [
        "Orders fail.",
        "We are looking into it!",
        " ",
        "\n\n",
        "checkout",
        LINK,
        "https://example.org/a?b=c&d=e.",
        "status.example.com",
        "db-1.internal",
        FAMILY,
        "\U0001f1eb\U0001f1f7",
        "\U0001f44d\U0001f3fd",
        "e\u0301",
        "日本語のお知らせ。",
        "한국어",
        "क्षि",
        "…",
        "7\ufe0f\u20e3",
    ]
)
TEXTS = st.lists(_PIECES | st.text(max_size=12), max_size=40).map("".join)

LONG_TEXTS = st.builds(
    lambda pieces, times: clean(" ".join(pieces * times)),
    st.lists(_PIECES | st.text(max_size=12)),
    st.integers(1, 9),
)
KINDS_COUNTERS: dict[str, Counter] = {
    **COUNTERS,
    "bluesky": bluesky._LENGTH,
    "discord": Seamed(lambda text: units(markdown.escape(text))),
    "mastodon": Seamed(Limits().count),
    "slack": Seamed(lambda text: len(mrkdwn.escape(text))),
    "unknown": lambda text: len(text) // 10,
}
"""Every counter that some kind cuts by."""

_ADDRESS_PARTS = st.text(alphabet="ab1./?=&#-_~:,;!'*+%@$|()[]", max_size=30)
ADDRESSES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "x", "(", "@", "é"]),
    st.sampled_from(["https://", "http://", ""]),
    st.sampled_from(["example.com", "a.b.co.uk", "x.internal", "1.2.3.4", "a_b.org", "localhost", "q.zz"]),
    st.sampled_from(["", "/", ":80/"]),
    _ADDRESS_PARTS,
)


@given(
    TEXTS, st.sampled_from(["", LINK]), st.sampled_from(sorted(COUNTERS)), st.integers(0, 400), st.booleans()
)
@settings(max_examples=400, deadline=None)
def test_a_fitted_text_is_within_the_limit_and_a_prefix(
    text: str, link: str, name: str, limit: int, always: bool
) -> None:
    """Whatever the counter: within the limit, and before the ellipsis stands a beginning of the text."""
    count = COUNTERS[name]
    found = fit(text, link, count, limit, always=always)
    assert count(found) <= limit
    if found != text and not found.startswith(text):
        body = found.removesuffix(f" {link}" if link else "").removesuffix("…").rstrip()
        assert text.startswith(body)


@given(TEXTS, st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_a_cut_splits_no_address_and_no_grapheme(text: str, limit: int) -> None:
    """What was kept ends where an address and a grapheme of the text end."""
    found = fit(text, "", characters, limit)
    if found == text or not found:
        return
    kept = found.removesuffix("…").rstrip()
    if not kept:
        return
    ends = {m.end() for m in regex.finditer(r"\X", text)}
    stripped = len(kept)
    assert any(end >= stripped and not text[stripped:end].strip() for end in ends)
    for address in regex.finditer(r"https?://[^\s<>\"]+", text):
        assert not address.start() < stripped < address.end()


@given(TEXTS | ADDRESSES)
@settings(max_examples=600, deadline=None)
def test_weight_is_never_below_the_reference(text: str) -> None:
    """X would refuse what we under-count: of cleaned text the reference may only find less."""
    text = clean(text)
    assert weighted(text) >= parse_tweet(text).weightedLength


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("Orders fail.", 12),
        (LINK, 23),
        (f"See {LINK} now", 31),
        (f"({LINK})", 25),
        (f"{LINK}.", 24),
        ("https://example.com/" + "a" * 200, 23),
        ("status.example.com", 23),
        ("日本", 4),
        (FAMILY, 2),
        ("\U0001f1eb\U0001f1f7", 2),
        ("\U0001f44d\U0001f3fd", 2),
        ("7\ufe0f\u20e3", 2),
        ("e\u0301", 1),
        ("…", 2),
        ("“quoted”", 8),
    ],
)
def test_weight_of_usual_things_is_exact(text: str, weight: int) -> None:
    """Addresses are 23, emoji 2, Latin 1, East Asian 2, after NFC; as the reference says too."""
    assert weighted(text) == weight
    assert parse_tweet(text).weightedLength == weight


# One of our own for each rule of https://github.com/twitter/twitter-text/blob/master/conformance/validate.yml
# (the groups about weight and emoji, under config v3), with what it expects there.
RULES = {
    "latin": ("Orders are slow.", 16),
    "accents": ("Commandes très lentes à présent", 31),
    "address with http": ("http://status.example.com", 23),
    "address with https": ("https://status.example.com", 23),
    "address without either": ("status.example.com", 23),
    "several addresses": ("a https://b.com c http://d.com e.com f", 77),
    "hangul": ("주문", 4),
    "kana and kanji": ("注文が遅い", 10),
    "outside the basic plane": ("\U00010000\U0010ffff", 4),
    "emoji": ("\U0001f525\u2615", 4),
    "emoji with its variation": ("\u2764\ufe0f", 2),
    "skin tone": ("\U0001f44b\U0001f3ff", 2),
    "gender": ("\U0001f926\U0001f3fb\u200d\u2642\ufe0f", 2),
    "profession": ("\U0001f469\u200d\U0001f692", 2),
    "family": (FAMILY, 2),
    "flag": ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 4),
    "flag of a region": ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2),
    "keycap": ("5\ufe0f\u20e3", 2),
    "composed": ("cafe\u0301", 4),
    "line end": ("a\nb", 3),
    "all light: 280": ("x" * 280, 280),
    "all heavy: 280": ("の" * 140, 280),
    "all emoji: 280": ("\U0001f431" * 140, 280),
}


@pytest.mark.parametrize(("text", "weight"), RULES.values(), ids=RULES)
def test_weight_keeps_each_published_rule(text: str, weight: int) -> None:
    """Ours and the reference both give what the conformance rules expect."""
    assert (weighted(text), parse_tweet(text).weightedLength) == (weight, weight)


@pytest.mark.parametrize(
    "text",
    ["https://注文.example.com/a", "\u202bhttps://example.com\u202c", "http://" + "の" * 60 + ".com"],
    ids=["other scripts in a host", "directions around an address", "a host of 60"],
)
def test_weight_is_too_high_where_addresses_are_odd(text: str) -> None:
    """Known and wanted: these are cut a little early instead of being refused."""
    assert weighted(text) > parse_tweet(text).weightedLength


def test_graphemes_and_bytes_count_what_readers_and_wires_see() -> None:
    """A family is one grapheme and 25 bytes."""
    assert (graphemes(FAMILY), octets(FAMILY), characters(FAMILY)) == (1, 25, 7)


def test_a_cut_prefers_the_end_of_a_sentence() -> None:
    """Whole sentences are kept when they are at least half of what would fit."""
    text = "Orders fail for some customers. We are looking into the cause of it."
    assert fit(text, "", characters, 50) == "Orders fail for some customers. …"


def test_a_cut_falls_back_to_a_word_and_then_a_grapheme() -> None:
    """A short first sentence does not eat the room; a word without blanks is cut between graphemes."""
    assert fit("Hm. Orders fail for some of our customers", "", characters, 25) == "Hm. Orders fail for some…"
    assert fit(FAMILY * 9, "", graphemes, 4) == FAMILY * 3 + "…"


def test_the_link_follows_a_cut_text_and_with_always_any_text() -> None:
    """The link says where the whole text is; a text that holds it already gets it once."""
    long = "word " * 100
    assert fit(long, LINK, characters, 100).endswith(f"… {LINK}")
    assert fit("Short.", LINK, characters, 100) == "Short."
    assert fit("Short.", LINK, characters, 100, always=True) == f"Short. {LINK}"
    assert fit(f"See {LINK}", LINK, characters, 100, always=True) == f"See {LINK}"


def test_a_link_that_has_no_room_is_left_out() -> None:
    """A limit smaller than the link still holds, and a limit of nothing gives nothing."""
    assert fit("word " * 100, LINK, characters, 10) == "word word…"
    assert fit("word", "", characters, 0) == ""


def test_an_address_is_kept_whole_or_left_out() -> None:
    """The cut moves before an address that does not fit."""
    assert fit(f"See the page {LINK}", "", characters, 30) == "See the page…"


@given(
    LONG_TEXTS | TEXTS.map(clean) | ADDRESSES.map(clean),
    st.sampled_from(["", LINK]),
    st.sampled_from(sorted(KINDS_COUNTERS)),
    st.integers(0, 600),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_a_cut_is_that_of_the_plain_way(text: str, link: str, name: str, limit: int, always: bool) -> None:
    """Counting each stretch once comes to the same text as counting every beginning anew."""
    count = KINDS_COUNTERS[name]
    assert fit(text, link, count, limit, always=always) == plain_fit.fit(
        text, link, count, limit, always=always
    )


@given(LONG_TEXTS, st.sampled_from(sorted(KINDS_COUNTERS)))
@settings(max_examples=100, deadline=None)
def test_a_count_is_that_of_the_plain_way(text: str, name: str) -> None:
    """A seam is where counts add up, and graphemes are counted right in the fast way, too."""
    count = KINDS_COUNTERS[name]
    assert graphemes(text) == plain_fit.graphemes(text)
    if isinstance(count, Seamed):
        measured = [measure.Measure(text, count, limit).count(len(text), "…") for limit in (10**6, 100)]
        assert measured[0] == count(text + "…")
        assert (measured[1] > 100) is (measured[0] > 100)


def test_what_joins_nothing_is_a_grapheme_each() -> None:
    """The characters that the fast way takes for one each are that, in every order of ranges."""
    found = "".join(regex.findall(f"[{_PLAIN}]", "".join(map(chr, range(0x110000)))))
    assert len(found) > 25_000
    assert regex.findall(r"\X", found + found[::-1]) == [*found, *found[::-1]]


def test_each_character_has_its_weight() -> None:
    """The heavy ones are those outside of the four ranges that X publishes."""
    heavy = {sign for sign in map(chr, range(0xD800)) if plain_fit.weight(sign) == 2}
    assert set(_HEAVY.findall("".join(map(chr, range(0xD800))))) == heavy
    assert _HEAVY.fullmatch("\U0001f3f4")


@given(st.lists(st.sampled_from(["http", "HTTPS", "s", "://", ":", "//", "x", " ", '"', "é"])).map("".join))
@settings(max_examples=200, deadline=None)
def test_addresses_are_where_their_pattern_is(text: str) -> None:
    """Looking for the colons first finds the same ones."""
    assert _addresses(text) == [found.span() for found in _URL.finditer(text)]
