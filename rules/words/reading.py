"""A text as the checks read it: tokens with their places, sentences, clauses.

Contractions are taken apart ("won't" is "will not"), hyphens part words, and
hidden characters vanish; each token knows where it stood in the given text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import re2  # type: ignore[import-untyped]

TOKEN = re2.compile(r"\d+(?:[.:,]\d+)*%?|\p{L}[\p{L}\p{M}\p{N}]*(?:'\p{L}+)?|[^\s\p{L}\p{N}]")
ADDRESS = re2.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|eu|uk|de|es|fr|us|co|info|dev|cloud|tech|shop|online)\b(?:/\S*)?"
)
QUOTED = re2.compile(r'"[^"\n]{1,200}"')
ENDS = frozenset(".!?…\n")
BREAKS = frozenset(',;:()–—-"') | ENDS
JOINTS = frozenset(
    ["and", "but", "so", "while", "because", "although", "though", "which", "if", "when", "until"]
)
SHORT = frozenset(["a.m", "p.m", "e.g", "i.e", "approx", "etc", "no", "vs", "mr", "mrs", "ms", "dr", "st"])
HIDDEN = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD])
SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
                      "\u00a0": " ", "\u202f": " ", "\u2009": " ", "‑": "-"})  # fmt: skip

ENDINGS = {"'ll": "will", "'ve": "have", "'re": "are", "'m": "am", "'d": "would"}
IS_NOT_OWNER = frozenset(
    ["it", "that", "there", "here", "what", "who", "he", "she", "let", "everything", "this", "where", "how"]
)
WHOLE = {
    "won't": ("will", "not"), "can't": ("can", "not"), "cannot": ("can", "not"), "shan't": ("shall", "not"),
    "let's": ("let", "us"), "ain't": ("is", "not"), "y'all": ("y'all",),
    "o'clock": ("o'clock",),
}  # fmt: skip


class Token(NamedTuple):
    """A word, number or sign: lower case, and where it stands in the text as given."""

    word: str
    start: int
    end: int
    shown: str


@dataclass(slots=True)
class Sentence:
    """Tokens between two ends, and where clauses begin.  ``roles`` is filled by the lexicon."""

    tokens: list[Token]
    start: int
    end: int
    roles: list[dict[str, list[int]]] = field(default_factory=list)
    index: dict[str, list[int]] = field(default_factory=dict)  # a word or role: the tokens where it begins

    def clause(self, first: int, last: int) -> tuple[int, int]:
        """The clause (or clauses) around tokens ``first`` to ``last``, as a range of tokens."""
        while first > 0 and not self._edge(first - 1):
            first -= 1
        while last < len(self.tokens) and not self._edge(last):
            last += 1
        return first, last

    def _edge(self, number: int) -> bool:
        word = self.tokens[number].word
        return word in BREAKS or word in JOINTS


@dataclass(slots=True)
class Reading:
    """A text, taken apart once for all checks.

    ``plain`` is the text without hidden characters, ``places`` maps its
    characters (and its end) to the text as given, ``masked`` is ``plain``
    without addresses and without what customers see in quotes.
    """

    given: str
    plain: str
    places: list[int]
    masked: str
    sentences: list[Sentence]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of ``plain`` in the text as given."""
        return self.places[start], self.places[end - 1] + 1 if end > start else self.places[end]


def read(text: str) -> Reading:
    """Take a text apart; any text will do."""
    plain, places = _plain(text)
    masked = _masked(plain)
    return Reading(text, plain, places, masked, _sentences(masked, places))


def _plain(text: str) -> tuple[str, list[int]]:
    kept, places = [], []
    for place, sign in enumerate(text):
        if ord(sign) in HIDDEN or "\ud800" <= sign <= "\udfff":
            continue
        kept.append(" " if sign in "\x00\t\r\x0b\x0c" else sign)
        places.append(place)
    places.append(len(text))
    return "".join(kept).translate(SAME), places


def _masked(plain: str) -> str:
    """Addresses and quoted messages become blanks of the same length; sarcasm in quotes stays."""
    out = plain
    for pattern in (ADDRESS, QUOTED):
        parts, last = [], 0
        for found in pattern.finditer(out):
            start, end = found.span()
            if pattern is QUOTED and len(found.group().split()) < 2 and not _named(out, start):
                continue
            parts += [out[last:start], "." if pattern is ADDRESS and out[end - 1] in ".!?" else " "]
            parts.append(" " * (end - start - 1))
            last = end
        out = "".join([*parts, out[last:]])
    return out


INTRODUCE = frozenset(
    [
        "message",
        "error",
        "button",
        "field",
        "page",
        "menu",
        "choose",
        "click",
        "press",
        "select",
        "shows",
        "says",
        "option",
        "tab",
        "called",
        "named",
        "status",
        "read",
        "reads",
        "notice",
    ]
)


def _named(text: str, start: int) -> bool:
    """Whether a quoted word is a button or a message that customers see."""
    before = text[max(0, start - 24) : start].lower().split()
    return bool(before) and before[-1] in INTRODUCE


def _sentences(masked: str, places: list[int]) -> list[Sentence]:
    found: list[Sentence] = []
    tokens: list[Token] = []
    last = 0
    for match in TOKEN.finditer(masked):
        start, end = match.span()
        if tokens and "\n" in masked[last:start]:
            found.append(_sentence(tokens))
            tokens = []
        word = match.group()
        if word == "-" and masked[start - 1 : start].isalpha() and masked[end : end + 1].isalnum():
            last = end
            continue  # "sign-in" is "sign in"
        tokens += _apart(word, places[start], places[end - 1] + 1)
        last = end
        if word in ENDS and not _inside(masked, start, end):
            found.append(_sentence(tokens))
            tokens = []
    if tokens:
        found.append(_sentence(tokens))
    return [one for one in found if any(token.word not in BREAKS for token in one.tokens)] or found


def _inside(masked: str, start: int, end: int) -> bool:
    """Whether a sign does not end a sentence: an abbreviation, or more signs follow."""
    following = masked[end : end + 1]
    if following and following in ".!?…":
        return True
    if masked[start] != ".":
        return False
    if following and not following.isspace() and following not in ")\"'":
        return True
    before = masked[max(0, start - 6) : start].lower().split()
    if not before or before[-1].lstrip("(") not in SHORT:
        return False
    rest = masked[end : end + 3].lstrip()
    return before[-1] not in ("p.m", "a.m") or not rest or not rest[0].isupper()


def _sentence(tokens: list[Token]) -> Sentence:
    return Sentence(tokens, tokens[0].start, tokens[-1].end)


def _apart(word: str, start: int, end: int) -> list[Token]:
    return [Token(part, start, end, word) for part in _parts(word.lower())]


@functools.lru_cache(maxsize=4096)
def _parts(low: str) -> tuple[str, ...]:
    if "'" not in low:
        return WHOLE.get(low, (low,))
    if low in WHOLE:
        return WHOLE[low]
    if low.endswith("n't"):
        return (low[:-3], "not")
    head, _, tail = low.partition("'")
    if "'" + tail in ENDINGS:
        return (head, ENDINGS["'" + tail])
    if tail == "s":
        return (head, "is" if head in IS_NOT_OWNER else "'s")
    return (low,)


def words_of(sentence: Sentence) -> list[str]:
    """The words alone, without signs."""
    return [token.word for token in sentence.tokens if token.word not in BREAKS]


def shown(reading: Reading, sentence: Sentence) -> str:
    """A sentence as it was given."""
    return reading.given[sentence.start : sentence.end]
