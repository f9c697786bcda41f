"""Whatever comes: a report or BadInput, and both readers say the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alert import Alert, Report
from daemon.core.errors import BadInput
from daemon.intake import alertmanager, exact
from daemon.intake.alertmanager_pieces import Pieces
from daemon.intake.instants import EARLIEST, LATEST, read_instant
from tests.intake.bodies import NAMES, NOW, alert, body, recorded

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*alert(), *json.loads(body())])


def check(text: bytes) -> Report | None:
    """Parse; what comes out must be storable everywhere and small."""
    try:
        report = alertmanager.parse(text, "am", NOW)
    except BadInput:
        return None
    for found in report.alerts:
        check_alert(found)
    report.hint.encode()
    "".join(report.notes).encode()
    return report


def check_alert(found: Alert) -> None:
    assert len(found.labels) <= 200
    for name, value in found.labels.items():
        assert len(name) <= 256
        assert len(value) <= 4096
        assert "\x00" not in (name + value)
        (name + value).encode()  # a lone surrogate would raise
    annotations = json.loads(found.annotations)
    assert isinstance(annotations, dict)
    assert not any("\x00" in text for pair in annotations.items() for text in pair)
    assert 0 < len(found.fingerprint) <= 128
    assert EARLIEST <= found.starts_at <= LATEST
    assert found.link == "" or found.link.startswith("http")


def agree(text: bytes) -> None:
    """The quick reader may pass, but never say anything else than the careful one."""
    quick = alertmanager._quick(text, "am")
    if quick is not None:
        assert quick == Pieces("am", NOW).report(exact.read(text))


@given(st.binary(max_size=200))
def test_bytes(text: bytes) -> None:
    """Arbitrary bytes."""
    check(text)


@given(st.sampled_from(NAMES), st.data())
@settings(max_examples=400)
def test_mutated_real_bodies(name: str, data: st.DataObject) -> None:
    """Real bodies with pieces replaced, doubled or taken out."""
    text = recorded(name)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        patch = data.draw(
            st.sampled_from(
                [b"", text[start:end] * 2, b'"', b"\\", b"\\u0000", b"\\ud800", b"NaN", b"{}", b","]
            )
            | st.binary(max_size=6)
        )
        text = text[:start] + patch + text[end:]
    check(text)
    agree(text)


@given(st.lists(st.tuples(FIELDS, VALUES), max_size=4), st.lists(st.tuples(FIELDS, VALUES), max_size=2))
@settings(max_examples=400)
def test_any_value_in_any_field(inner: list[tuple[str, Any]], outer: list[tuple[str, Any]]) -> None:
    """Valid JSON with wrong types: the untouched alert is never lost."""
    changed = alert() | dict(inner)
    fields = json.loads(body()) | {"alerts": [changed, alert(fingerprint="other")]}
    fields |= {key: value for key, value in outer if key != "alerts"}
    text = json.dumps(fields).encode()
    report = check(text)
    if report is None:
        assert b"NaN" in text or b"Infinity" in text
        return
    assert report.alerts[-1].fingerprint == "other"
    agree(text)


@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=5), st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=5))
@settings(max_examples=300)
def test_both_readers_agree_on_any_text(labels: dict[str, str], annotations: dict[str, str]) -> None:
    """In compact spelling, where the quick reader is tried."""
    text = body(alert(labels=labels, annotations=annotations))
    agree(text)
    check(text)


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=8), min_size=1, max_size=4),
    st.data(),
)
@settings(max_examples=300)
def test_a_doubled_key_never_passes(labels: dict[str, str], data: st.DataObject) -> None:
    """However its name is spelled and whatever value it carries."""
    key = data.draw(st.sampled_from(sorted(labels)))
    value = data.draw(st.text(max_size=30) | st.sampled_from(["\\u0026" * 5, "&" * 5]))
    pair = json.dumps(key, ensure_ascii=data.draw(st.booleans())) + ":" + json.dumps(value) + ","
    for place in ('"labels":{', '"annotations":{'):
        whole = body(alert(labels=labels, annotations=labels)).decode()
        doubled = whole.replace(place, place + pair, 1).encode()
        try:
            alertmanager.parse(doubled, "am", NOW)
        except BadInput as error:
            assert "appears twice" in str(error)  # noqa: PT017 - both outcomes are looked at
        else:
            raise AssertionError(doubled)


@given(
    st.text(max_size=40)
    | st.from_regex(r"[+-]?\d{4,6}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(Z|z|[+-]\d\d:?\d\d)?")
)
@settings(max_examples=500)
def test_times_never_raise(text: str) -> None:
    """Any text is an instant in range or none."""
    instant = read_instant(text)
    assert instant is None or EARLIEST <= instant <= LATEST
