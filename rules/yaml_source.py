"""YAML 1.2 core with the place of every key and value; the daemon's configuration is read by it too.

Anchors, aliases, tags, directives, merge keys, duplicate keys and second
documents are refused; what is refused is reported and reading goes on, so that
one run names everything.  Cost is bounded: size, depth and number of nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from rules.errors import Problem, Severity, brief
from rules.yaml_place import Place, inside

LARGEST_FILE = 1 << 20  # bytes
DEEPEST = 32  # nested collections; a rule file needs 8
MOST_NODES = 20_000  # keys and values: half a second of parsing; a large site's rules have a third


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold."""

    bytes: int = LARGEST_FILE
    nodes: int = MOST_NODES


RULES = Limits()

UNREADABLE, SYNTAX, REFUSED, REPEATED = "R001", "R002", "R003", "R004"

Path = tuple[str | int, ...]

_NULLS = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}\.[0-9]{0,30}|[0-9]{1,30}(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?"
)


@dataclass(slots=True)
class Document:
    """One file: plain data, the place of each path in it, and what was wrong with its YAML."""

    file: str
    text: str = field(repr=False)
    data: Any = field(default=None, repr=False)
    places: dict[Path, Place] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)

    def problem(
        self,
        path: Path,
        message: str,
        remedy: str = "",
        *,
        code: str,
        at_key: bool = False,
        offset: int | None = None,
        severity: Severity = "error",
        subject: str = "",
    ) -> Problem:
        """A problem at that path, or at the nearest path above it that exists.

        ``at_key`` points at the key instead of the value; ``offset`` at that
        character of the value's text.
        """
        known = path
        while known and known not in self.places:
            known = known[:-1]
        place = self.places.get(known, Place(1, 1, 1, 1))
        line, column = (place.key_line, place.key_column) if at_key else (place.line, place.column)
        if offset is not None and known == path and not at_key:
            line, column = inside(self.text, place, offset)
        return Problem(self.file, line, column, show_path(path), message, remedy, code, severity, subject)


def show_path(path: Path) -> str:
    """``("routes", 0, "open")`` as a reader would write it: ``routes[0].open``."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def read(file: str, content: bytes, limits: Limits = RULES) -> Document:
    """Decode and parse one file; never raises for what is in it."""
    if len(content) > limits.bytes:
        remedy = "split it into several files"
        return _unreadable(file, f"is {len(content)} bytes long; at most {limits.bytes} are read", remedy)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        return _unreadable(file, "is not UTF-8 here", "save the file as UTF-8", before)
    return parse(file, text, limits)


def parse(file: str, text: str, limits: Limits = RULES) -> Document:
    """Parse one file's text; never raises for what is in it."""
    if len(text) > limits.bytes:
        remedy = "split it into several files"
        return _unreadable(file, f"is {len(text)} characters long; at most {limits.bytes} are read", remedy)
    document = Document(file, text.removeprefix("\ufeff"))
    try:
        _Composer(document, limits.nodes).compose()
    except _TooMuchError as error:
        _add(document, error.mark, str(error), error.remedy, REFUSED)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        _add(document, mark, f"is not YAML: {brief(message, 300)}", _syntax_remedy(message), SYNTAX)
    except ReaderError as error:
        before = document.text[: error.position]
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"has a control character (U+{code:04X})"
        document.problems += _unreadable(file, message, "remove it", before, SYNTAX).problems
    except (YAMLError, ValueError) as error:  # what ruamel raises without a mark, such as a bad escape
        _add(document, None, f"is not YAML: {error}", "check the syntax", SYNTAX)
    return document


class _TooMuchError(Exception):
    def __init__(self, message: str, remedy: str, mark: Any) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.mark = mark


class _BoundedScanner(Scanner):
    """Refuses deep flow nesting before it is scanned: ruamel looks 1,024 characters ahead."""

    def fetch_flow_collection_start(self, *arguments: Any, **named: Any) -> None:
        if self.flow_level >= DEEPEST:
            raise _TooMuchError(*_TOO_DEEP, self.reader.get_mark())
        super().fetch_flow_collection_start(*arguments, **named)


_TOO_DEEP = (f"nests deeper than {DEEPEST} levels", "rule files need no such depth; flatten it")


class _Composer:
    """Builds plain data and places from ruamel's events."""

    def __init__(self, document: Document, most: int) -> None:
        self.document = document
        self.nodes = 0
        self.most = most
        parser = YAML(typ="safe", pure=True)
        parser.Scanner = _BoundedScanner
        self.events: Iterator[Any] = parser.parse(document.text)

    def compose(self) -> None:
        seen = False
        for event in self.events:
            if isinstance(event, yaml_events.DocumentStartEvent):
                if event.version or event.tags:
                    self._refuse(event, "has a directive (%)", "remove it: YAML 1.2 is always meant")
                if seen:
                    self._refuse(event, "starts a second document", "put it into a file of its own")
                    return
                seen = True
            elif isinstance(event, yaml_events.NodeEvent):
                place = _place(event, event)
                self.document.places[()] = place
                self.document.data = self._node(event, (), 0)

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        self._count(event, depth)
        self._check_properties(event)
        if isinstance(event, yaml_events.ScalarEvent):
            return _resolve(event)
        if isinstance(event, yaml_events.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml_events.SequenceStartEvent):
            return self._sequence(path, depth)
        return None  # an alias: already reported

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_event in self.events:
            if isinstance(key_event, yaml_events.MappingEndEvent):
                break
            key = self._key(key_event, path, depth)
            below = (*path, key)
            value_event = next(self.events)
            if key in made:
                message = f"the key {brief(key)!r} is there twice, first in line {lines[key]}"
                _add(self.document, key_event.start_mark, message, "keep one of them", REPEATED, below)
            else:
                lines[key] = key_event.start_mark.line + 1
                self.document.places[below] = _place(key_event, value_event)
            made.setdefault(key, self._node(value_event, below, depth + 1))
        return made

    def _key(self, event: Any, path: Path, depth: int) -> str:
        self._count(event, depth)
        self._check_properties(event)
        if not isinstance(event, yaml_events.ScalarEvent):
            self._refuse(event, "has a key that is no word", "write a plain word before the colon")
            self._node(event, (*path, "?"), depth + 1)
            return "?"
        key = str(event.value)
        if key == "<<" and not event.style:
            self._refuse(event, "has a merge key (<<)", "write the keys out, or use `defaults`")
        return key

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        made: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml_events.SequenceEndEvent):
                break
            below = (*path, len(made))
            self.document.places[below] = _place(event, event)
            made.append(self._node(event, below, depth + 1))
        return made

    def _count(self, event: Any, depth: int) -> None:
        self.nodes += 1
        if self.nodes > self.most:
            remedy = "split it into several files"
            raise _TooMuchError(f"has more than {self.most} keys and values", remedy, event.start_mark)
        if depth > DEEPEST:
            raise _TooMuchError(*_TOO_DEEP, event.start_mark)

    def _check_properties(self, event: Any) -> None:
        if isinstance(event, yaml_events.AliasEvent):
            # Names stay out of it: an unquoted password may begin with * & or !.
            self._refuse(event, "has an alias (*)", "write the value out, or quotes around a text with *")
            return
        if event.anchor:
            remedy = "write the value out where it is needed, or quotes around a text with &"
            self._refuse(event, "has an anchor (&)", remedy)
        if event.ctag is not None and str(event.ctag) not in ("", "None"):
            self._refuse(event, "has a tag (!)", "remove it; quotes make a text")

    def _refuse(self, event: Any, message: str, remedy: str) -> None:
        _add(self.document, event.start_mark, message, remedy, REFUSED)


def _place(key: Any, value: Any) -> Place:
    key_mark, mark, end = key.start_mark, value.start_mark, value.end_mark
    style = getattr(value, "style", None) or ""
    return Place(
        key_mark.line + 1,
        key_mark.column + 1,
        mark.line + 1,
        mark.column + 1,
        mark.index,
        end.index,
        style,
        getattr(value, "value", None),
    )


def _resolve(event: Any) -> Any:
    """The core schema, with ``true`` and ``false`` alone as booleans."""
    text = str(event.value)
    if event.style or not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _add(document: Document, mark: Any, message: str, remedy: str, code: str, path: Path = ()) -> None:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    document.problems.append(Problem(document.file, line, column, show_path(path), message, remedy, code))


def _unreadable(file: str, message: str, remedy: str, before: str = "", code: str = UNREADABLE) -> Document:
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Document(file, "", problems=[Problem(file, line, column, "", message, remedy, code)])


def _syntax_remedy(message: str) -> str:
    for sign, remedy in (
        ("\\t", "indent with spaces; YAML allows no tabs there"),
        ("mapping values are not allowed", "put quotes around a value that contains ': '"),
        ("found character '%'", "put quotes around a value that starts with %"),
        ("found character '@'", "put quotes around a value that starts with @"),
        ("found character '`'", "put quotes around a value that starts with `"),
        ("quoted scalar", "close the quotes"),
        ("expected <block end>", "check the indentation of this line"),
        ("expected ',' or", "close the bracket, or put a comma between the entries"),
    ):
        if sign in message:
            return remedy
    return "check the syntax at this place"
