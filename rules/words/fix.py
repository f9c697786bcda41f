"""A text with its computable rewrites in place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.words.finding import Finding, Severity
from rules.words.gate import check
from rules.words.settings import Settings

ROUNDS = 3  # one rewrite may uncover the next
ARTICLE = re.compile(r"\b([Aa])(n?) (our|the) ")


def fixed(text: str, settings: Settings | None = None) -> str:
    """The text after every rewrite that the gate can compute; the rest is for a person."""
    for _ in range(ROUNDS):
        better = applied(text, check(text, settings))
        if better == text:
            break
        text = better
    return text


def applied(text: str, findings: Iterable[Finding]) -> str:
    """The text with these findings' rewrites; of two that overlap, the error's, else the longer one."""
    order = sorted(
        (one for one in findings if one.fix is not None),
        key=lambda one: (one.severity is not Severity.error, one.start - one.end),
    )
    taken: list[Finding] = []
    for one in order:
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    for one in sorted(taken, key=lambda one: -one.start):
        text = text[: one.start] + _fitting(text, one) + text[one.end :]
    return ARTICLE.sub(r"\3 ", text)


def _fitting(text: str, one: Finding) -> str:
    """The rewrite with a capital where a sentence begins."""
    fix = one.fix or ""
    before = text[: one.start].rstrip()
    if not before or before[-1] in ".!?\n":
        return fix[:1].upper() + fix[1:]
    if before[-1] == "," and fix.startswith("we "):
        return f"and {fix}"
    return fix
