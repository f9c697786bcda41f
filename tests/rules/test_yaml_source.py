"""YAML with places: what is read, what is refused, where, and how fast."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.yaml_source import LARGEST_FILE, parse, read


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("yes", "yes"),
        ("on", "on"),
        ("no", "no"),
        ("17:00", "17:00"),
        ("2027-06-30", "2027-06-30"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0x10", 16),
        ("0o17", 15),
        ("1.5", 1.5),
        ("-3", -3),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("9" * 30, "9" * 30),
        ("=", "="),
    ],
)
def test_scalars_are_the_core_schema(written: str, value: Any) -> None:
    """Only true and false are booleans; times and dates stay words."""
    document = parse("f.yaml", f"on: {written}\n")
    assert document.problems == []
    assert document.data == {"on": value}
    assert type(document.data["on"]) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: &x 1\n", 1, 4, "anchor"),
        ("a: 1\nb: *x\n", 2, 4, "alias"),
        ("a: !!str 3\n", 1, 4, "tag"),
        ("a: ! 3\n", 1, 4, "tag"),
        ("a:\n  <<: { b: 1 }\n", 2, 3, "merge"),
        ("%YAML 1.1\n---\na: 1\n", 2, 1, "directive"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "first in line 1"),
        ("? [ x ]\n: 1\n", 1, 3, "no word"),
        ("a:\n\tb: 1\n", 2, 1, "spaces"),
        ("a: 'x\n", 2, 1, "close the quotes"),
        ("a: b: c\n", 1, 5, "quotes"),
        ("a: [ 1, 2\nb: 3\n", 2, 2, "not YAML"),
        ("a: \x07\n", 1, 4, "U+0007"),
        ("a: @ops\n", 1, 4, "quotes"),
    ],
)
def test_refusals_name_their_place(text: str, line: int, column: int, says: str) -> None:
    """Every refusal has the exact line and column."""
    problem = parse("f.yaml", text).problems[0]
    assert (problem.line, problem.column) == (line, column)
    assert says in str(problem)


def test_all_refusals_are_reported_at_once() -> None:
    """What is refused but can be read over hides nothing after it."""
    document = parse("f.yaml", "a: &x 1\nb: *x\nc: !t 2\nc: 3\n")
    assert [problem.code for problem in document.problems] == ["R003", "R003", "R003", "R004"]
    assert document.data == {"a": 1, "b": None, "c": "2"}


def test_places_of_keys_and_values() -> None:
    """A path leads to its key, its value, and to a character within the value."""
    document = parse("f.yaml", "a:\n  - { b: 'it''s here', c: 1 }\n")
    path = ("a", 0, "b")
    key, value = document.problem(path, "m", code="X", at_key=True), document.problem(path, "m", code="X")
    inside = document.problem(path, "m", code="X", offset=5)
    assert (key.line, key.column, value.column) == (2, 7, 10)
    assert (inside.line, inside.column, inside.key) == (2, 17, "a[0].b")
    assert document.problem(("a", 0, "zzz", 3), "m", code="X").column == 5


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("t: >-\n  one two\n  three four\n", "four", 3, 9),
        ("t: |\n  one\n    two\n\n  three\n", "three", 5, 3),
        ("t: one\n  two three\n", "three", 2, 7),
        ('t: "a \\"b\\" three"\n', "three", 1, 13),
        ("t: 'a ''b'' three'\n", "three", 1, 13),
        ('t: "\\u0041 three"\n', "three", 1, 4),
    ],
)
def test_places_within_a_text(text: str, word: str, line: int, column: int) -> None:
    """Folding, quotes and escapes do not move the place; what cannot be followed points at the start."""
    document = parse("f.yaml", text)
    problem = document.problem(("t",), "m", code="X", offset=document.data["t"].index(word))
    assert (problem.line, problem.column) == (line, column)


BOMBS = {
    "lists in lists": "[" * 100_000,
    "maps in maps": "{a: " * 10_000,
    "block lists": "- " * 50_000,
    "lists in a map": "a: " + "[a," * 20_000,
    "laughs": "a: &a [x]\n" + "".join(f"k{n}: &k{n} [{'*a, ' * 9}*a]\n" for n in range(9)),
    "indentation": "".join(" " * n + "a:\n" for n in range(400)),
    "keys in keys": "? " * 5_000,
    "anchors": "a: " + "&a " * 10_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_nothing(name: str) -> None:
    """What is made to explode is refused within 100 ms (the best of three: the machine is shared)."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        problems = parse("bomb.yaml", BOMBS[name]).problems
        best = min(best, time.perf_counter() - start)
        assert problems
    assert best < 0.1


def test_a_large_file_is_refused_unread() -> None:
    """More than 1 MiB is not even decoded."""
    problem = read("big.yaml", b"\xff" * (LARGEST_FILE + 1)).problems[0]
    assert problem.code == "R001"
    assert "split it" in problem.remedy


def test_many_nodes_are_refused() -> None:
    """A file of very many tiny values ends at a limit."""
    problem = parse("f.yaml", "a: [" + "a," * 30_000 + "]").problems[-1]
    assert "20000 keys and values" in problem.message


def test_bad_encoding_names_its_place() -> None:
    """A byte that is not UTF-8 is found by line and column; a byte order mark does not matter."""
    problem = read("f.yaml", "a: ü\nbé: ".encode() + b"\xff").problems[0]
    assert (problem.line, problem.column) == (2, 5)
    assert read("f.yaml", b"\xef\xbb\xbfa: 1").data == {"a": 1}


@given(st.text(alphabet="ab:-[]{}\"'\\|>&*!%@#,? \n\t\x00é", max_size=60))
def test_never_raises(text: str) -> None:
    """Whatever the text is, there is a document, and problems where it could not be read."""
    document = parse("f.yaml", text)
    assert document.data is not None or document.problems or not _has_value(text)


def _has_value(text: str) -> bool:
    lines = [line.split("#")[0].strip() for line in text.split("\n")]
    return any(line not in ("", "---", "...", "''", '""') for line in lines)
