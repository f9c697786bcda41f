"""Segments: the facts of GSM 03.38, properties of any text, and another library's table as a judge."""

from __future__ import annotations

import itertools

import gsm0338  # type: ignore[import-untyped] # noqa: F401 - it registers its codec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from channels.fit import fit
from channels.sms_segments import is_gsm, parts, segments, typed

MIXED = st.text(alphabet="aé€^~\\{}[]|\n 😀я👨‍👩‍👧’“–…\u00a0", max_size=700)
PLAIN = st.text(alphabet="aZ09 .,é€^{}\n", max_size=900)


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 306, [153, 153]),
        ("a" * 307, [153, 153, 1]),
        ("€" * 80, [80]),
        ("€" * 81, [76, 5]),
        ("a" * 152 + "€" + "a" * 7, [152, 8]),
        ("a" * 158 + "€", [159]),
        ("a" * 159 + "€", [153, 7]),
        ("я" * 70, [70]),
        ("я" * 71, [67, 4]),
        ("😀" * 35, [35]),
        ("😀" * 36, [33, 3]),
        ("я" * 66 + "😀" + "я" * 5, [66, 6]),
        ("a" * 70 + "’", [67, 4]),
    ],
    ids=lambda value: str(value)[:12],
)
def test_the_known_facts(text: str, lengths: list[int]) -> None:
    """160 or 153 septets, 70 or 67 units; a pair of either kind moves to the next message as a whole."""
    assert [len(part) for part in parts(text)] == lengths
    assert segments(text) == len(lengths)


def test_one_typographic_sign_costs_more_than_half() -> None:
    """That is why they are typed first: 160 characters with one ’ are three messages, with ' one."""
    text = "It’s back. " + "a" * 149
    assert (segments(text), segments(typed(text))) == (3, 1)


@hypothesis(max_examples=80, deadline=None)
@given(MIXED)
def test_no_message_is_too_long_and_nothing_is_split(text: str) -> None:
    """Together they are the text, each fits by the network's own count, and none could have been saved."""
    found = parts(text)
    assert "".join(found) == text
    for part in found:
        if is_gsm(text):
            assert len(part.encode("gsm03.38")) <= (160 if len(found) == 1 else 153)
        else:
            units = part.encode("utf-16-be")
            assert len(units) <= (140 if len(found) == 1 else 134)
            units.decode("utf-16-be")  # a split pair would not
    for before, after in itertools.pairwise(found):
        size = len((before + after[0]).encode("gsm03.38" if is_gsm(text) else "utf-16-be"))
        assert size > (153 if is_gsm(text) else 134)


def test_each_sign_of_the_alphabet() -> None:
    """Both tables, sign by sign, for every character that there is below the surrogates."""
    ours = {chr(code) for code in range(0xD800) if is_gsm(chr(code))}
    theirs = set()
    for code in range(0xD800):
        try:
            chr(code).encode("gsm03.38")
        except UnicodeEncodeError:
            continue
        theirs.add(chr(code))
    assert ours == theirs - {"\x1b"}


@hypothesis(max_examples=60, deadline=None)
@given(MIXED, st.integers(1, 4))
def test_a_fitted_text_is_billed_as_was_said(text: str, most: int) -> None:
    """Whatever the text is: within the limit by its own count, and the link is whole."""
    link = "https://status.example.com/incidents/abc123def456"
    found = typed(fit(typed(text), link, lambda one: segments(typed(one)), most, always=True))
    assert segments(found) <= most
    assert found.endswith(link)


@hypothesis(max_examples=60, deadline=None)
@given(PLAIN, st.sampled_from(["я", "😀", "a", "€"]))
def test_longer_is_never_cheaper(text: str, more: str) -> None:
    """Not even where a letter makes all of it UCS-2: cutting relies on that."""
    assert segments(text) <= segments(text + more)


def test_typing_touches_no_letter_and_is_done_once() -> None:
    """No letter or digit of any script but the apostrophe that is called one; twice is once."""
    signs = [chr(code) for code in range(0xD800)]
    assert [sign for sign in signs if sign.isalnum() and typed(sign) != sign] == ["ʼ"]
    assert [sign for sign in signs if typed(typed(sign)) != typed(sign)] == []
    assert all(is_gsm(typed(sign)) for sign in signs if typed(sign) != sign)
