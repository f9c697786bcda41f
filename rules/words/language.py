"""Texts that the checks cannot read: empty, without words, too long, or in another language."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words.finding import Finding, Severity
from rules.words.reading import words_of
from rules.words.scene import Scene
from rules.words.settings import LONGEST

STOP_WORDS = {
    "German": "der die das und ist nicht wir sind ein eine mit für auf werden wird haben von zu im den dem",
    "Spanish": "el la los las de que y en no es un una por con para se nuestro nuestra estamos hemos del",
    "French": "de en au aux notre le la les des et est nous pas dans pour avec sur que qui sont du",
}
ENGLISH = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "is",
        "are",
        "was",
        "were",
        "we",
        "our",
        "you",
        "your",
        "to",
        "of",
        "in",
        "on",
        "for",
        "with",
        "at",
        "by",
        "it",
        "this",
        "that",
        "be",
        "have",
        "has",
        "not",
        "will",
        "as",
        "from",
        "now",
        "again",
        "can",
        "may",
        "some",
        "all",
        "been",
        "or",
        "after",
        "while",
        "since",
        "more",
    ]
)
FOREIGN = {name: frozenset(words.split()) for name, words in STOP_WORDS.items()}
BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def refused(scene: Scene, whole: int) -> Iterator[Finding]:
    """Findings about the text as a whole; an error means that only leaks and length are looked for."""
    given = scene.reading.given
    if whole > LONGEST:
        yield scene.finding(
            "length", Severity.error, (0, len(given)),
            f"it has {whole} characters; more than {LONGEST} are not read",
            "shorten it to two or three sentences",
        )  # fmt: skip
        return
    words = [word for one in scene.reading.sentences for word in words_of(one) if word[0].isalpha()]
    if not words:
        what = "it is empty" if not given.strip() else "it has no words"
        yield scene.finding(
            "vague", Severity.error, (0, len(given)), what,
            "say what is affected, what you do, and when you write again",
        )  # fmt: skip
        return
    strange = [place for place, sign in enumerate(given) if sign in BIDI]
    if strange:
        yield scene.finding(
            "unprofessional", Severity.warn, (strange[0], strange[0] + 1),
            "it has hidden signs that turn the direction of reading", "remove them",
        )  # fmt: skip
    other = _language(words)
    if other:
        yield scene.missing(
            "length", Severity.error, f"it seems to be {other}; only English is checked",
            "have a person who reads that language check it; only leaks and length were looked for",
        )  # fmt: skip


def _language(words: list[str]) -> str:
    """The language, if it is clearly another one than English."""
    english = sum(word in ENGLISH for word in words)
    best, name = max((sum(word in known for word in words), name) for name, known in FOREIGN.items())
    if best >= 2 and best > english * 2:
        return name
    letters = [word for word in words if not word.isascii()]
    if len(letters) * 2 > len(words) and not english:
        return "another language"
    return ""
