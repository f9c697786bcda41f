"""Alertmanager's matchers: syntax, meaning, and no pattern that can hang the daemon."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import match
from rules.match import LONGEST_VALUE, Matcher, MatcherError, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('service="checkout"', [("service", "=", "checkout")]),
        ("service=checkout", [("service", "=", "checkout")]),
        ('service =~ "a|b"', [("service", "=~", "a|b")]),
        ("team!=infra", [("team", "!=", "infra")]),
        ('a!~"x.*"', [("a", "!~", "x.*")]),
        ('{a="1",b="2"}', [("a", "=", "1"), ("b", "=", "2")]),
        ('{a="1",}', [("a", "=", "1")]),
        ('a="1",b="2"', [("a", "=", "1"), ("b", "=", "2")]),
        ('"a b"="c,d}"', [("a b", "=", "c,d}")]),
        ("größe=ü", [("größe", "=", "ü")]),
        ('a="say \\"hi\\"\\n\\u00e9\\x41\\101"', [("a", "=", 'say "hi"\néAA')]),
        ('a=""', [("a", "=", "")]),
        ("a=~b|c", [("a", "=~", "b|c")]),
    ],
)
def test_reads_what_alertmanager_reads(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Quoted and bare names and values, several in one string, with braces or without."""
    assert [(one.name, one.operator, one.value) for one in parse(text)] == expected


@pytest.mark.parametrize(
    ("text", "offset", "says"),
    [
        ("", 0, "is empty"),
        ("{}", 0, "is empty"),
        ("a", 1, "=, !=, =~ or !~"),
        ("a=", 2, 'a="..."'),
        ('a="b', 2, "closing"),
        ("a='b'", 2, "double quotes"),
        ('a=="b"', 2, "lacks a value"),
        ("=b", 0, "label name"),
        ('""="b"', 0, "empty label name"),
        ('a="b" c="d"', 6, "comma"),
        ('{a="b"', 6, "closing }"),
        ('a="b"}', 5, "comma"),
        ('a="\\q"', 3, "backslash"),
        ('a=~"(?=x)"', 3, "RE2 refuses"),
        ('a=~"x(y"', 3, "missing )"),
        ('a=~"(a{1000}){1000}"', 3, "repetition size"),
        ('a=~"\\\\1"', 3, "RE2 refuses"),
        ("a" * 5000, 4096, "longer"),
    ],
)
def test_refuses_with_the_place(text: str, offset: int, says: str) -> None:
    """Whatever is no matcher is refused at the right character."""
    with pytest.raises(MatcherError, match=re.escape(says)) as caught:
        parse(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "value", "fits"),
    [
        ('a="b"', "b", True),
        ('a="b"', None, False),
        ('a=""', None, True),
        ('a!="b"', None, True),
        ('a!=""', None, False),
        ('a=~"b.*"', "abc", False),
        ('a=~"b.*"', "bcd", True),
        ('a=~".*"', None, True),
        ('a=~".+"', None, False),
        ('a=~"b|"', None, True),
        ('a=~"b."', "b\n", False),
        ('a!~"b|c"', "c", False),
        ('a!~"b|c"', "cc", True),
        ('a=~"(?i)EU"', "eu", True),
        ('a=~"\\\\d+"', "12", True),
        ('a=~"x.*"', "x\ud800", True),
        ('a="x"', "x\ud800", False),
    ],
)
def test_means_what_alertmanager_means(text: str, value: str | None, fits: bool) -> None:
    """Patterns are anchored at both ends; a missing label is empty."""
    labels = {} if value is None else {"a": value}
    (matcher,) = parse(text)
    assert matcher.fits(labels) is fits
    assert matcher.fits(labels) is fits, "the remembered answer is the same"


NAMES = st.sampled_from(["a", "b"])
VALUES = st.text(alphabet='ab|.*+?^$ \\"\né', max_size=6)


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["=", "!="]), VALUES), min_size=1, max_size=4),
    st.dictionaries(NAMES, VALUES),
)
def test_equality_against_an_oracle(parts: list[tuple[str, str, str]], labels: dict[str, str]) -> None:
    """Written out and read back, equality matchers do what comparing strings does."""
    matchers = [match.make(name, operator, value) for name, operator, value in parts]  # type: ignore[arg-type]  # drawn from the two
    read_back = parse("{" + ",".join(map(str, matchers)) + "}")
    assert list(read_back) == matchers
    for matcher in read_back:
        same = labels.get(matcher.name, "") == matcher.value
        assert matcher.fits(labels) is (same if matcher.operator == "=" else not same)


PIECES = st.recursive(
    st.sampled_from(["a", "b", "ab", ".", "[ab]", "[^a]", "a?", "ab{0,2}", "ba*", "b+"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"(?:{one})?"),
    ),
    max_leaves=6,
)
CHOICES = st.lists(PIECES, min_size=1, max_size=3).map("|".join)


@given(CHOICES, st.text(alphabet="abc", max_size=8), st.sampled_from(["=~", "!~"]))
def test_patterns_against_an_oracle(pattern: str, value: str, operator: str) -> None:
    """On patterns that both engines know RE2 answers as Python's re does."""
    (matcher,) = parse(f'a{operator}"{pattern}"')
    found = re.fullmatch(pattern, value) is not None
    assert matcher.fits({"a": value}) is (found if operator == "=~" else not found)


@given(
    st.lists(st.text(alphabet="ab-/ é", max_size=4), min_size=1, max_size=5),
    st.text(alphabet="ab-/ é|", max_size=5),
)
def test_plain_alternatives_are_a_set(words: list[str], value: str) -> None:
    """The short cut for `a|b|c` answers as the pattern would."""
    matcher = match.make("a", "=~", "|".join(words))
    assert matcher.only == frozenset(words)
    assert matcher.fits({"a": value}) is (value in words)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+b", "(.*)*c", "(x+x+)+y", ".*.*.*.*.*.*z", "(.*a){20}b"]
)
def test_exploding_patterns_end_in_time(pattern: str) -> None:
    """Patterns that take a backtracking engine for ever end within 100 ms on the longest value."""
    (matcher,) = parse(f'a=~"{pattern}"')
    value = "a" * (LONGEST_VALUE - 1) + "!"
    start = time.perf_counter()
    assert not matcher.fits({"a": value})
    assert time.perf_counter() - start < 0.1


def test_a_longer_value_fits_no_pattern() -> None:
    """Above the limit no pattern is tried; equality still works."""
    value = "a" * (LONGEST_VALUE + 1)
    assert not parse('a=~".*"')[0].fits({"a": value})
    assert parse('a!~"a*"')[0].fits({"a": value})
    assert match.make("a", "=", value).fits({"a": value})


def test_memory_of_answers_is_bounded() -> None:
    """A label with endless values does not fill the memory."""
    (matcher,) = parse('a=~"x.*"')
    for number in range(3 * match.REMEMBERED):
        matcher.fits({"a": f"x{number}"})
    assert len(matcher._known) <= match.REMEMBERED


def test_equal_matchers_are_equal() -> None:
    """What was asked before plays no part in equality."""
    one, other = parse('a=~"x.*"')[0], parse('a =~ "x.*"')[0]
    one.fits({"a": "x"})
    assert one == other
    assert one == Matcher("a", "=~", "x.*")
