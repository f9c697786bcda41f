"""Notices of failure: what is read out of them, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.bounces.report import Report, parse
from tests.bounces.notices import ANSWER, notice


def test_a_notice_says_status_and_why() -> None:
    """Status, the other side's words, and the name of the envelope."""
    found = parse(notice("5.1.1", envelope="abc"))
    assert found == Report("5.1.1", "550 5.1.1 who is that", "abc")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (notice("5.1.1 (no such user)"), "5.1.1"),
        (notice("5.1.1", "4.4.1"), "4.4.1"),
        (notice("5.1.1", "5.2.2"), "5.2.2"),
        (notice("nonsense", "5.7.1"), "5.7.1"),
        (notice("4.4.1", action="delayed"), None),
        (notice("2.0.0", action="delivered"), None),
        (notice("five"), None),
        (notice(), None),
        (ANSWER, None),
        (b"", None),
        (notice("5.1.1").replace(b"multipart/report", b"multipart/mixed"), None),
        (notice("5.1.1")[:300], None),
    ],
    ids=["a comment", "mildest", "full", "one odd", "delay", "delivered", "no code", "nobody", "answer",
         "empty", "no report", "cut"],
)  # fmt: skip
def test_only_failures_count(content: bytes, status: str | None) -> None:
    """Of several the mildest counts; a delay, a success, a person's answer and half a notice do not."""
    found = parse(content)
    assert (found.status if found else None) == status


def test_strangers_words_are_one_plain_line() -> None:
    """What another mail system wrote holds no controls and no novel."""
    found = parse(notice("5.1.1", diagnostic="smtp; \x1b[31mred\x07 " + "x" * 900))
    assert found is not None
    assert found.detail.isprintable()
    assert len(found.detail) <= 200


@given(st.binary(max_size=600), st.integers(0, 500))
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_reader(noise: bytes, at: int) -> None:
    """Whatever stands where in a notice: an answer, and never an exception."""
    whole = notice("5.1.1", envelope="abc")
    for content in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise):
        found = parse(content)
        assert found is None or found.status[0] in "245"
