"""The table "Bad input": refused with a place, or taken with a flag, never lost and never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.core.alert import Report
from daemon.core.errors import BadInput
from daemon.intake import alertmanager, exact
from tests.intake.bodies import NOW, alert, body, recorded


def parse(text: bytes) -> Report:
    return alertmanager.parse(text, "am", NOW)


def refusal(text: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parse(text)
    return str(caught.value)


GOOD = body(alert())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"alerts", "not JSON: line 1, column 1"),
        (b'{"alerts":[\n{]}', "not JSON: line 2, column 2"),
        (GOOD[:-20], "not JSON: line 1"),
        (GOOD + b"{}", "not JSON: line 2, column 1: Extra data"),
        (b'{"alerts":["\x01"]}', "not JSON"),
        (b'{"alerts":[], "a": 01}', "not JSON"),
        (GOOD.replace(b"down", b"d\xffwn"), "not UTF-8: byte 1"),
        (GOOD.replace(b"down", b"\xed\xa0\x80"), "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8: byte 0 is 0xff"),
        (b'{"alerts":[{"a":NaN}]}', "alerts[0].a: NaN is not JSON"),
        (b'{"alerts":[],"b":[-Infinity]}', "b[0]: -Infinity is not JSON"),
        (b"[]", "top: an object is expected, not a list"),
        (b"7", "top: an object is expected, not a number"),
        (b"{}", "alerts: missing"),
        (b'{"alerts":{}}', "alerts: a list is expected, not an object"),
        (b'{"alerts":[7]}', "none of 1 alerts can be understood: alerts[0]: an object is expected"),
        (b'{"alerts":[{}]}', "alerts[0]: neither labels nor a fingerprint"),
    ],
)
def test_what_can_never_be_understood_is_refused_with_its_place(text: bytes, reason: str) -> None:
    """The reason says where to look."""
    assert reason in refusal(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"alerts":[{"labels":'])
def test_nesting_bombs_are_refused(opening: str) -> None:
    """A hundred thousand levels are an answer, not a crash; closed or not."""
    closing = "".join({"[": "]", "{": "}"}[one] for one in reversed(opening) if one in "[{")
    refusal(opening.encode() * 100_000)
    refusal((opening * 100_000 + "1" + closing * 100_000).encode())


def test_deep_nesting_in_a_field_that_nobody_reads_is_refused_too() -> None:
    """Depth is not hidden by a name that is passed over."""
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "nested too deeply" in refusal(GOOD.rstrip()[:-1] + b',"x":' + deep + b"}")


def test_gigabytes_of_nothing_are_refused() -> None:
    """A body of empty lists would need a hundred times its size in memory."""
    assert "values in one body" in refusal(b'{"alerts":[' + b"[]," * exact.MOST_VALUES + b"[]]}")


def _inserted(where: bytes, what: bytes) -> bytes:
    assert where in GOOD
    return GOOD.replace(where, where + what, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            _inserted(b'"labels":{', b'"severity":"none",'),
            'alerts[0].labels: the key "severity" appears twice',
        ),
        (_inserted(b'"annotations":{', b'"summary":"x",'), 'alerts[0].annotations: the key "summary"'),
        (_inserted(b'"alerts":[{', b'"status":"resolved",'), 'alerts[0]: the key "status"'),
        (_inserted(b"{", b'"status":"resolved",'), 'top: the key "status"'),
        (_inserted(b"{", b'"alerts":[],'), 'top: the key "alerts"'),
        (_inserted(b'"commonLabels":{', b'"":"","":""'), 'commonLabels: the key ""'),
        (_inserted(b'"groupLabels":{', b'"alertname" : "x",'), 'groupLabels: the key "alertname"'),
        # The same key in another spelling.
        (_inserted(b'"labels":{', b'"sever\\u0069ty":"none",'), 'the key "severity" appears twice'),
        # Six bytes too many, hidden behind two escaped backslashes that look like five bytes each.
        (_inserted(b'"summary":"', b'\\\\u0026"') + b"", "not JSON"),
        (
            _inserted(b'"annotations":{', b'"k":"\\\\u0026\\\\u0026\\\\u0026","k":"v",'),
            'alerts[0].annotations: the key "k"',
        ),
        (b'{"alerts":[],"x":{"a":1,"a":1}}', 'x: the key "a" appears twice'),
    ],
)
def test_duplicate_keys_are_refused_wherever_they_stand(text: bytes, reason: str) -> None:
    """Two parsers could read such a body differently, so it is not read at all."""
    assert reason in refusal(text)


def test_lone_surrogates_nul_and_control_characters_are_made_visible() -> None:
    """The alert is taken, its text can be stored and shown, and it says that it was cleaned."""
    raw = body(alert(labels={"alertname": "A", "host": "HERE"}))
    for escape in (b"\\ud800", b"\\udfff\\ud800", b"\\u0000", b"\\u202e", "\u202e".encode(), b"\x7f"):
        (found,) = parse(raw.replace(b"HERE", b"a" + escape + b"b")).alerts
        assert found.labels["host"].strip("ab\N{REPLACEMENT CHARACTER}") == ""
        assert "\N{REPLACEMENT CHARACTER}" in found.labels["host"]
        assert found.flags == ("cleaned",)


def test_annotations_are_cleaned_too() -> None:
    """Raw annotation bytes never hold what a database refuses."""
    raw = body(alert(annotations={"summary": "HERE"})).replace(b"HERE", b"\\u0000\\ud800")
    (found,) = parse(raw).alerts
    assert found.annotations == '{"summary":"\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"}'.encode()
    assert found.flags == ("cleaned",)


def test_real_pairs_and_real_letters_stay_as_they_are() -> None:
    """Cleaning takes nothing from honest text in any script."""
    text = 'naïve café – 日本語 🙂 עברית tab\there line\nhere \\u0000 "quoted"'
    (found,) = parse(body(alert(labels={"alertname": "A", "text": text}))).alerts
    assert found.labels["text"] == text
    assert found.flags == ()
    escaped = json.dumps({"alerts": [alert(labels={"text": text})]}).encode()
    assert parse(escaped).alerts[0].labels["text"] == text


def test_a_label_of_a_megabyte_is_cut_with_a_flag() -> None:
    """4,096 characters of it are kept, and the others keep theirs."""
    report = parse(body(alert(labels={"alertname": "A", "big": "é" * 1_000_000}), alert()))
    assert len(report.alerts[0].labels["big"]) == 4_096
    assert [one.flags for one in report.alerts] == [("cut",), ()]


def test_long_names_are_cut() -> None:
    """A label name of a megabyte is no key to keep."""
    (found,) = parse(body(alert(labels={"n" * 1_000_000: "v"}))).alerts
    assert found.labels == {"n" * 256: "v"}
    assert found.flags == ("cut",)


def test_of_5000_labels_200_stay_and_the_known_ones_first() -> None:
    """Which ones stay does not depend on their order."""
    labels = {f"a{number:04d}": "x" for number in range(5_000)} | {"severity": "critical", "cluster": "eu"}
    (found,) = parse(body(alert(labels=labels))).alerts
    (again,) = parse(body(alert(labels=dict(reversed(labels.items()))))).alerts
    assert len(found.labels) == 200
    assert {"severity", "cluster", "a0000", "a0197"} <= set(found.labels)
    assert "a0198" not in found.labels
    assert found.labels == again.labels
    assert found.flags == ("cut",)


def test_alerts_that_differ_in_what_is_cut_stay_different() -> None:
    """A derived fingerprint looks at the labels as they came."""
    first, second = (
        parse(body(alert(fingerprint=..., labels={"a": "x" * 5_000 + end}))).alerts[0] for end in "12"
    )
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize("bad", [7, None, "x", [], {"labels": 7}, {"labels": []}, {"labels": "x"}, {}])
def test_one_bad_alert_does_not_cost_the_others(bad: Any) -> None:
    """What is understood is taken; a note names the place of the rest."""
    report = parse(body(alert(), bad, alert(fingerprint="b")))
    assert [one.fingerprint for one in report.alerts] == ["6fcd9c6e0d7e4637", "b"]
    assert len(report.notes) == 1
    assert report.notes[0].startswith("alerts[1]")
    assert report.notes[0].endswith("this alert is left out")


def test_notes_do_not_grow_without_end() -> None:
    """A thousand bad alerts make twenty notes and a count."""
    report = parse(body(alert(), *range(1_000)))
    assert len(report.notes) == 21
    assert report.notes[-1] == "and 980 more"


@pytest.mark.parametrize(
    ("value", "kept"), [(7, "7"), (True, "true"), (None, ""), (1.5, "1.5"), ({"a": ["é"]}, '{"a": ["é"]}')]
)
def test_values_of_other_types_become_text(value: Any, kept: str) -> None:
    """A number where a text belongs costs nothing but a flag."""
    (found,) = parse(body(alert(labels={"alertname": "A", "v": value}))).alerts
    assert found.labels["v"] == kept
    assert found.flags == ("cleaned",)


def test_numbers_of_five_thousand_digits_are_no_error() -> None:
    """Python refuses to make an int of them."""
    digits = b"9" * 5_000
    report = parse(GOOD.replace(b'"truncatedAlerts":0', b'"truncatedAlerts":' + digits + b',"x":-' + digits))
    assert len(report.alerts) == 1
    assert report.truncated == 1


def test_annotations_of_another_type_are_noted() -> None:
    """The alert is taken without them."""
    report = parse(body(alert(annotations="none")))
    assert report.alerts[0].annotations == b"{}"
    assert report.notes == ["alerts[0].annotations: an object is expected, not a string; left out"]


def test_every_cut_of_a_real_body_is_refused_or_whole() -> None:
    """No beginning of a body is mistaken for a body."""
    whole = recorded("firing").rstrip()
    for length in range(len(whole)):
        refusal(whole[:length])
