"""Lexicons: which words play which role.  Read from YAML once, when they are first needed.

A role has words as they are, or lemmas: ``.v`` adds the forms of verbs, ``.n``
the plural of nouns.  Irregular forms are written out, parted by ``/``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules.words.reading import Sentence

FOLDER = Path(__file__).parent / "lexicons"
VOWELS = "aeiou"
DOUBLED = frozenset(
    [
        "drop",
        "stop",
        "slip",
        "trip",
        "plan",
        "cut",
        "hit",
        "let",
        "put",
        "run",
        "shut",
        "get",
        "set",
        "slam",
        "snap",
        "grab",
        "flag",
        "clog",
        "hog",
        "dig",
        "rip",
        "skip",
        "wipe",
        "swap",
        "tap",
        "jam",
        "ship",
        "scrap",
        "botch",
        "plug",
        "bug",
        "trim",
        "strip",
        "flap",
        "map",
        "clip",
        "chop",
        "nod",
        "snip",
        "forget",
        "admit",
        "omit",
        "commit",
        "occur",
    ]
)  # verbs that double their last letter
NEVER_DOUBLED = frozenset(("wipe", "botch"))


@dataclass(slots=True)
class Lexicon:
    """All roles: by first word, the rest of the phrase and its role."""

    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)
    words: dict[str, dict[str, None]] = field(
        default_factory=dict
    )  # role -> its phrases, for tests and features

    def add(self, role: str, phrase: str) -> None:
        first, *rest = phrase.split()
        entry = (tuple(rest), role)
        known = self.phrases.setdefault(first, [])
        if entry not in known:
            known.append(entry)
        self.words.setdefault(role, {})[phrase] = None

    def mark(self, sentence: Sentence) -> None:
        """Fill in the roles that begin at each token, with the token after their last."""
        tokens = [token.word for token in sentence.tokens]
        sentence.roles = [{} for _ in tokens]
        for number, word in enumerate(tokens):
            here = sentence.roles[number]
            for rest, role in self.phrases.get(word, ()):
                end = number + 1 + len(rest)
                if not rest or tuple(tokens[number + 1 : end]) == rest:
                    here.setdefault(role, []).append(end)
            if word[0].isdigit():
                here["NUM"] = [number + 1]
            for key in (word, *here):
                sentence.index.setdefault(key, []).append(number)


@functools.cache
def document(name: str) -> dict[str, Any]:
    """A YAML file of the lexicons."""
    return _yaml(FOLDER / f"{name}.yaml")


def _yaml(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only when the gate is first used

    loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return dict(loaded or {})


def fill(lexicon: Lexicon, block: Mapping[str, str]) -> None:
    """Take up roles: ``NAME``, ``NAME.v`` or ``NAME.n`` with phrases parted by commas."""
    for key, text in block.items():
        role, _, kind = key.partition(".")
        for entry in str(text).split(","):
            for phrase in forms(" ".join(entry.split()), kind):
                lexicon.add(role, phrase)


def forms(entry: str, kind: str) -> Iterable[str]:
    """All forms of an entry: the first word of a verb phrase, the last of a noun phrase."""
    if not entry:
        return
    variants = entry.split("/")
    yield from variants if kind != "v" else _particle(variants)
    base = variants[0]
    if kind == "v":
        head, _, rest = base.partition(" ")
        if len(variants) > 1:
            rest = variants[-1].partition(" ")[2]
        made = [head, *_verb_forms(head, regular_past=len(variants) == 1)]
        yield from (f"{one} {rest}".strip() for one in made)
    elif kind == "n":
        yield plural(base)


def _particle(variants: list[str]) -> list[str]:
    """``let/let down``: the particle of the last form goes with every form."""
    rest = variants[-1].partition(" ")[2]
    return [f"{one.partition(' ')[0]} {rest}".strip() for one in variants]


def _verb_forms(head: str, *, regular_past: bool) -> list[str]:
    if head.endswith(("s", "x", "z", "ch", "sh")):
        third = head + "es"
    elif head.endswith("y") and head[-2:-1] not in VOWELS:
        third = head[:-1] + "ies"
    else:
        third = head + "s"
    if head.endswith("e") and not head.endswith(("ee", "ye", "oe")):
        stem, ing = head, head[:-1]
    else:
        doubled = head in DOUBLED and head not in NEVER_DOUBLED
        stem = ing = head + head[-1] if doubled else head
    past = (
        stem + "d"
        if stem.endswith("e")
        else stem[:-1] + "ied"
        if third.endswith("ies") and stem.endswith("y")
        else stem + "ed"
    )
    return [third, ing + "ing", *([past] if regular_past else [])]


def plural(noun: str) -> str:
    """The plural of a noun, by the rules."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"
