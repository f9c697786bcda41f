"""`leak`: what only we should see: names from alerts, machines, tickets, people, secrets, stack frames."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import re2  # type: ignore[import-untyped]

from rules.words.finding import Finding, Severity
from rules.words.lexicon import document
from rules.words.scene import Scene

SHORTEST_FACT = 4  # characters
LONG = 2_000  # characters
INSTEAD = "leave it out; say which part of the service is affected"


@functools.cache
def any_shape() -> re2.Set:
    """All shapes at once: which of them occur, in one pass."""
    options = re2.Options()
    options.max_mem = 64 << 20  # bytes; short of memory it would find nothing
    together = re2.Set.SearchSet(options)
    for one in document("leak")["shapes"]:
        together.Add(one["pattern"])
    together.Compile()
    return together


@functools.cache
def shapes() -> tuple[tuple[str, re2.Pattern[str]], ...]:
    """What gives itself away by its shape: a reason and a pattern."""
    block = document("leak")
    return tuple((one["why"], re2.compile(one["pattern"])) for one in block["shapes"])


@functools.cache
def harmless() -> re2.Pattern[str]:
    return re2.compile(document("leak")["harmless"])


def check(scene: Scene) -> Iterator[Finding]:
    yield from _facts(scene)
    plain = scene.reading.plain
    for number in _occurring(plain):
        why, pattern = shapes()[number]
        for found in pattern.finditer(plain):
            start, end = found.span(1) if pattern.groups else found.span()
            named = plain[start:end]
            if harmless().fullmatch(named) or _is_version(plain, start) or _is_own(named, scene):
                continue
            yield scene.finding("leak", Severity.error, scene.reading.span(start, end), why, INSTEAD)
    yield from _domains(scene)


def _occurring(plain: str) -> list[int]:
    """The shapes worth a closer look; in a long text all of them, so that none depends on the budget."""
    if len(plain) > LONG:
        return list(range(len(shapes())))
    return sorted(any_shape().Match(plain) or ())


def _is_own(named: str, scene: Scene) -> bool:
    """The page's own host, as a page on this machine or in a closed network has it."""
    return named.casefold().partition(":")[0] in {one.casefold() for one in scene.settings.domains}


def _is_version(plain: str, start: int) -> bool:
    before = plain[max(0, start - 14) : start].lower()
    return before.rstrip().endswith(("version", "versions", "release", "app", " v")) or before.endswith("v")


def _facts(scene: Scene) -> Iterator[Finding]:
    """Label values and names of the incident's alerts that customers do not know from the page."""
    low = scene.reading.plain.casefold()
    public = " ".join(scene.settings.components).casefold()
    for fact in dict.fromkeys(fact.casefold() for fact in scene.settings.facts):
        if len(fact) < SHORTEST_FACT or fact in public:
            continue
        start = low.find(fact)
        if start >= 0:
            place = scene.reading.span(start, start + len(fact))
            yield scene.finding(
                "leak", Severity.error, place, "it is a name from the alert, not from the page", INSTEAD
            )


ADDRESS = re2.compile(r"(?i)\bhttps?://([a-z0-9.-]+)[^\s]*|\bwww\.([a-z0-9.-]+)")


def _domains(scene: Scene) -> Iterator[Finding]:
    allowed = tuple(domain.casefold() for domain in scene.settings.domains)
    for found in ADDRESS.finditer(scene.reading.plain):
        host = (found.group(1) or found.group(2) or "").rstrip(".").casefold()
        if host.startswith("status.") and not allowed:
            continue
        if any(host == domain or host.endswith("." + domain) for domain in allowed):
            continue
        yield scene.finding(
            "leak", Severity.warn, scene.reading.span(*found.span()),
            "this address is not one of the page's own", "link to the status page, or allow the domain",
        )  # fmt: skip
