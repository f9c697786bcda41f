"""Alertmanager's matchers: ``service="checkout"``, ``region=~"eu|us"``, ``team!=infra``.

Syntax: Alertmanager's UTF-8 matcher grammar (docs/alerting/latest/configuration,
"Matcher").  Regular expressions are RE2, the engine's own syntax there: anchored
at both ends, and linear in the length of the value whatever the pattern, so no
alert can make a rule slow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

import re2  # type: ignore[import-untyped]  # google-re2 has no stubs; _Regex says what is used

Operator = Literal["=", "!=", "=~", "!~"]

LONGEST_MATCHER = 4_096  # characters
REGEX_MEMORY = 1 << 20  # bytes that RE2 may use for one pattern; (a{500}){500} needs more and is refused
LONGEST_VALUE = 10_000  # characters; a longer value fits no pattern: RE2 may need 5 microseconds for each
REMEMBERED = 1_024  # values per pattern whose answer is kept
REMEMBERED_LENGTH = 256  # characters of such a value
MOST_LITERALS = 1_000

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>=~|!~|!=|=)|(?P<mark>[{},])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s{}!=~,\\"'`]+))""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"',
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_/:@ -]*")
_LITERALS = re.compile(r"[\w\-/: @%&,;<>#~\"'=!]*(?:\|[\w\-/: @%&,;<>#~\"'=!]*)*")


class MatcherError(ValueError):
    """Not a matcher; ``offset`` is the character at which it goes wrong."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class _Regex(Protocol):
    def fullmatch(self, text: str) -> object | None: ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; a missing label is empty."""

    name: str
    operator: Operator
    value: str
    _literals: frozenset[str] | None = field(default=None, repr=False, compare=False)
    _regex: _Regex | None = field(default=None, repr=False, compare=False)
    _prefix: str = field(default="", repr=False, compare=False)  # of every value that the regex fits
    _known: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def fits(self, labels: Mapping[str, str]) -> bool:
        return self.fits_value(labels.get(self.name, ""))

    def fits_value(self, value: str) -> bool:
        if self._literals is not None:
            return (value in self._literals) is (self.operator in ("=", "=~"))
        if not value.startswith(self._prefix):
            return self.operator == "!~"
        known = self._known.get(value)
        if known is None:
            known = self._search(value)
            if len(value) <= REMEMBERED_LENGTH:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[value] = known
        return known

    @property
    def only(self) -> frozenset[str] | None:
        """The only values that fit, where that is a finite set."""
        return self._literals if self.operator in ("=", "=~") else None

    def _search(self, value: str) -> bool:
        regex = cast("_Regex", self._regex)
        if len(value) > LONGEST_VALUE:
            return self.operator == "!~"
        try:
            found = regex.fullmatch(value)
        except UnicodeEncodeError:  # a lone surrogate: intake replaces them, callers of the core may not
            found = regex.fullmatch(value.encode("utf-8", "replace").decode())
        return (found is not None) is (self.operator == "=~")

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{value}"'


def parse(text: str) -> tuple[Matcher, ...]:
    """The matchers of one string: one, or several with commas, in braces or not.  Raises MatcherError."""
    if len(text) > LONGEST_MATCHER:
        raise MatcherError(f"is longer than {LONGEST_MATCHER} characters", LONGEST_MATCHER)
    reader = _Reader(text)
    braces = reader.take_mark("{")
    found: list[Matcher] = []
    while not reader.done and not reader.peek_mark("}"):
        found.append(_one(reader))
        if not reader.take_mark(","):
            break
    if braces and not reader.take_mark("}"):
        raise MatcherError("lacks the closing }", len(text))
    if not reader.done:
        raise MatcherError("goes on after the matcher; put a comma between two", reader.offset)
    if not found:
        raise MatcherError('is empty; write it like service="checkout"', 0)
    return tuple(found)


def parse_all(texts: Iterable[str]) -> tuple[Matcher, ...]:
    return tuple(matcher for text in texts for matcher in parse(text))


def make(name: str, operator: Operator, value: str, offset: int = 0) -> Matcher:
    """A matcher from its parts; raises MatcherError for a bad regular expression."""
    if operator in ("=", "!="):
        return Matcher(name, operator, value, _literals=frozenset((value,)))
    regex = _compile(value, offset)
    if _LITERALS.fullmatch(value) and value.count("|") < MOST_LITERALS:
        return Matcher(name, operator, value, _literals=frozenset(value.split("|")))
    return Matcher(name, operator, value, _regex=regex, _prefix=_prefix(value))


def _prefix(pattern: str) -> str:
    """The plain characters that a pattern begins with; none where a choice could begin otherwise."""
    depth = 0
    for place, sign in enumerate(pattern):
        if sign in "\\[":  # what follows may be quoted or in a class: no | is believed to be inner
            if "|" in pattern[place:]:
                return ""
            break
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            return ""
    plain = _PLAIN.match(pattern)
    found = plain[0] if plain is not None else ""
    return found[:-1] if pattern[len(found) :][:1] in ("?", "*", "{") else found


def _compile(pattern: str, offset: int) -> _Regex:
    options = re2.Options()
    options.log_errors = False  # it would write to standard error
    options.max_mem = REGEX_MEMORY
    options.never_capture = True
    try:
        return cast("_Regex", re2.compile(pattern, options))
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise MatcherError(f"has a regular expression that RE2 refuses: {reason}", offset) from error
    except UnicodeEncodeError as error:
        raise MatcherError("has a lone surrogate", offset) from error


class _Reader:
    """The tokens of one matcher string."""

    def __init__(self, text: str) -> None:
        self.text = text.rstrip()
        self.position = 0

    @property
    def done(self) -> bool:
        return self.position >= len(self.text)

    @property
    def offset(self) -> int:
        """Where the next token begins."""
        rest = self.text[self.position :]
        return self.position + len(rest) - len(rest.lstrip())

    def take(self) -> re.Match[str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise MatcherError(self._complaint(), self.offset)
        self.position = match.end()
        return match

    def _complaint(self) -> str:
        wrong = self.text[self.offset : self.offset + 1]
        if wrong == '"':
            return 'lacks the closing "'
        if wrong == "'":
            return 'has a single quote; use double quotes: service="checkout"'
        if not wrong:
            return "ends too early"
        return f"has {wrong!r} here; put names and values with such characters into double quotes"

    def peek_mark(self, mark: str) -> bool:
        return self.text[self.offset : self.offset + 1] == mark

    def take_mark(self, mark: str) -> bool:
        if not self.peek_mark(mark):
            return False
        self.position = self.offset + 1
        return True

    def word(self, what: str) -> tuple[str, int]:
        """A quoted or bare word and its offset."""
        start = self.offset
        token = self.take()
        if token["quoted"] is not None:
            return _unescape(token["quoted"], start + 1), start
        if token["bare"] is None:
            raise MatcherError(f"lacks {what}", start)
        return token["bare"], start


def _one(reader: _Reader) -> Matcher:
    name, start = reader.word('a label name; write it like service="checkout"')
    if not name:
        raise MatcherError("has an empty label name", start)
    operator_at = reader.offset
    token = reader.take() if not reader.done else None
    if token is None or token["operator"] is None:
        raise MatcherError(f"lacks an operator after {name!r}: =, !=, =~ or !~", operator_at)
    if reader.done:
        raise MatcherError(f'lacks a value; write {name}{token["operator"]}"..."', len(reader.text))
    value, value_at = reader.word("a value")
    return make(name, cast("Operator", token["operator"]), value, value_at)


def _unescape(text: str, offset: int) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        number = int(code[1:], 16) if len(code) in (3, 5, 9) and code[0] in "xuU" else -1
        if len(code) == 3 and code.isdigit():
            number = int(code, 8)
        if 0 <= number <= sys.maxunicode:
            return chr(number)
        if code not in _SIMPLE_ESCAPES:
            message = f"has the unknown escape \\{code}; write \\\\{code} for a backslash"
            raise MatcherError(message, offset + match.start())
        return _SIMPLE_ESCAPES[code]

    return _ESCAPE.sub(one, text)
