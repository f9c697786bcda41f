"""Journal bodies: every entry kind comes back as the very object, from the very same bytes."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.journal import KINDS, Acted, Alerts, Entry, Fired, Heard, Waiting
from daemon.core.words import Audience, Impact, Status
from daemon.storage.codec import decode_entry, encode_entry

INTS = st.integers(-(2**63), 2**63 - 1)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: INTS,
    bool: st.booleans(),
    Impact: st.sampled_from(Impact),
    Status: st.sampled_from(Status),
    Audience: st.sampled_from(Audience),
}


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field; ``from_type`` would leave out whatever has a default."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if dataclasses.is_dataclass(hint):
        return every_field(hint)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(strategy(arguments[0]), max_size=4).map(tuple)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(strategy(arguments[0]), strategy(arguments[1]), max_size=4)
    return st.none() | strategy(arguments[0])


def every_field(cls: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{item.name: strategy(hints[item.name]) for item in dataclasses.fields(cls)})


ENTRIES = st.one_of([every_field(cls) for cls in KINDS.values()])


def types_of(value: Any) -> Any:
    """The exact types all the way down: equality alone would take 2 for Impact.major."""
    if dataclasses.is_dataclass(value):
        return type(value), [types_of(getattr(value, item.name)) for item in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return tuple, [types_of(item) for item in value]
    return type(value)


@given(ENTRIES)
def test_every_entry_comes_back(entry: Entry) -> None:
    """Decoding gives an equal object with the exact types, and encoding that gives the same bytes."""
    body = encode_entry(entry)
    again = decode_entry(entry.kind, body)
    assert again == entry
    assert types_of(again) == types_of(entry)
    assert encode_entry(again) == body


@given(st.dictionaries(st.text(), st.text()), st.randoms())
def test_bytes_do_not_depend_on_the_order_of_labels(labels: dict[str, str], random: Any) -> None:
    """The hash seals what was said, not the order in which a monitor listed it."""
    items = list(labels.items())
    random.shuffle(items)
    assert encode_entry(Alerts(common=dict(items))) == encode_entry(Alerts(common=labels))


@pytest.mark.parametrize(
    ("entry", "body"),
    [
        (Heard(), b"{}"),
        (Acted(act="ack", who="ada"), b'{"act":"ack","who":"ada"}'),
        (
            Alerts(fired=(Fired(1, 2), Fired(3, 4, "web", Impact.major))),
            b'{"fired":[{"episode":1,"starts_at":2},{"episode":3,"starts_at":4,"component":"web","impact":2}]}',
        ),
        (
            Waiting("s", "p", "o", "veto", 5, "skip", {"x": "hi"}),
            b'{"step":"s","plan":"p","occasion":"o","need":"veto","until":5,"otherwise":"skip","posts":{"x":"hi"}}',
        ),
    ],
    ids=["empty", "person", "nested", "number with a default"],
)
def test_bodies_leave_out_defaults(entry: Entry, body: bytes) -> None:
    """The bytes on disk are part of the hash chain: they may never change for the same entry."""
    assert encode_entry(entry) == body


def test_a_default_that_was_built_at_run_time_is_left_out_too() -> None:
    """Equal values give equal bytes, however they came about."""
    nothing: list[str] = []
    entry = Acted("ack", "ada", text="".join(nothing), add=tuple(nothing))
    assert encode_entry(entry) == encode_entry(Acted("ack", "ada"))


@pytest.mark.parametrize(("kind", "body"), [("nonsense", b"{}"), ("heard", b"[]"), ("gap", b"{}")])
def test_what_is_no_entry_is_an_error(kind: str, body: bytes) -> None:
    """Unknown kinds, wrong shapes and missing fields do not pass silently."""
    with pytest.raises(ValueError, match=r"unknown kind|Expected|missing"):
        decode_entry(kind, body)
