"""Count a text as a platform counts it, and cut it to the platform's limit.

``fit`` cuts at the end of a sentence, else of a word, else of a grapheme, and
never inside an address.  The whole text is on the page; the cut one says so
with an ellipsis and the link.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import regex

from channels.measure import Counter, Measure, Seamed
from channels.weight import weighted

# Flags first: \X looks back to the start of a row of them each time, and a label may be a row of thousands.
_GRAPHEME = regex.compile(r"\p{RI}{2}(?=\p{RI})|\X")
# Between two of these is always an end, for they join nothing.  The rest needs the slow pattern above.
_PLAIN = (
    r"\x00-\x0c\x0e-\x7f\xa0-\xac\xae-\u02ff\u0391-\u0482\u2010-\u2027\u2030-\u205f\u20a0-\u20c0\u2100-\u2bff"
    r"\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u4e00-\u9fff\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_ODD = re.compile(rf"[^{_PLAIN}]+(?:[{_PLAIN}]?[^{_PLAIN}]+)*")
_URL = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)|(?<=[。！？])|\n")
_WORD_END = re.compile(r"(?<=\S)(?=\s)")


@Seamed
def characters(text: str) -> int:
    """Code points."""
    return len(text)


@Seamed
def graphemes(text: str) -> int:
    """What a reader calls a character (UAX 29 extended clusters)."""
    return len(text) - sum(end - start - len(_GRAPHEME.findall(text[start:end])) for start, end in _odd(text))


@Seamed
def octets(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


@Seamed
def units(text: str) -> int:
    """UTF-16 code units; never less than characters, for platforms that do not say which they count."""
    return len(text) + len(_ASTRAL.findall(text))


Run = Sequence[int]
"""Ascending places of a text; a range where each character ends one."""


class Places(Sequence[int]):
    """Runs in their order as one sequence, without a list of all their places."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = [run for run in runs if run]
        self._ends = list(itertools.accumulate(map(len, self._runs)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        number = bisect.bisect_right(self._ends, index)
        if index < 0 or number == len(self._ends):
            raise IndexError(index)
        return self._runs[number][index - self._ends[number]]


COUNTERS: dict[str, Counter] = {
    "characters": characters,
    "graphemes": graphemes,
    "bytes": octets,
    "units": units,
    "weighted": weighted,
}
"""By the word that ``Capabilities.counter`` uses."""


def fit(text: str, link: str, counter: Counter, limit: int, *, always: bool = False) -> str:
    """The text within ``limit``, followed by ``link`` when it was cut (with ``always``: in any case).

    A text that holds the link already gets it no second time.  When not even
    the link fits it is left out.  With a ``Seamed`` counter it is faster.
    """
    tail = f" {link}" if link else ""
    behind = tail if always and link not in text else ""
    measure = Measure(text, counter, limit)
    if measure.count(len(text), behind) <= limit:
        return text + behind
    if counter("…" + tail) > limit:
        tail = ""
    addresses = _addresses(text)
    most = _longest(text, Places(_outside(text, _clusters(text), addresses)), "…" + tail, measure, limit)
    if most is None:
        return "…" + tail if counter("…" + tail) <= limit else ""
    half = (most + 1) // 2
    begin = (
        max(text.rfind(" ", 0, half - 1), text.rfind("\n", 0, half - 1)) + 1
    )  # no end's pattern reaches over these
    for pattern, mark in ((_SENTENCE_END, " …"), (_WORD_END, "…")):
        ends = [begin + found.end() for found in pattern.finditer(text[begin : most + 1])]
        for end in reversed(Places(_outside(text, [ends], addresses))):
            if half <= end <= most and measure.count(_stripped(text, end), mark + tail) <= limit:
                return text[:end].rstrip() + mark + tail
    return text[:most].rstrip() + "…" + tail


def _clusters(text: str) -> Iterator[Run]:
    """Where each grapheme ends, in runs."""
    place = 0
    for start, end in _odd(text):
        yield range(place + 1, start + 1)
        yield [start + found.end() for found in _GRAPHEME.finditer(text[start:end])]
        place = end
    yield range(place + 1, len(text) + 1)


def _addresses(text: str) -> list[tuple[int, int]]:
    """Where each address begins and ends; finding the colons first is faster than the pattern alone."""
    spans: list[tuple[int, int]] = []
    colon = text.find("://")
    while colon >= 0:
        found = next((one for lead in (5, 4) if (one := _URL.match(text, max(colon - lead, 0)))), None)
        if found is not None:
            spans.append(found.span())
        colon = text.find("://", found.end() if found is not None else colon + 1)
    return spans


def _odd(text: str) -> Iterator[tuple[int, int]]:
    """Stretches with all that may join others, and the one character on each side of it."""
    for found in _ODD.finditer(text):
        yield max(found.start() - 1, 0), min(found.end() + 1, len(text))


def _outside(text: str, runs: Iterable[Run], addresses: list[tuple[int, int]]) -> Iterator[Run]:
    """Of the places in the runs (ascending) those that lie within the text and inside no address."""
    inner = [(-1, 1), *addresses, (len(text) - 1, len(text) + 1)]  # neither the text's begin nor its end
    number = 0
    for run in runs:
        first = 0
        while first < len(run):
            while number < len(inner) and inner[number][1] <= run[first]:
                number += 1
            if number == len(inner):
                yield run[first:]
                break
            start, end = inner[number]
            yield run[first : bisect.bisect_right(run, start, first)]
            first = bisect.bisect_left(run, end, first)


def _stripped(text: str, end: int) -> int:
    """The place where the text up to ``end`` ends without white space."""
    return len(text[:end].rstrip())


def _longest(text: str, ends: Places, suffix: str, measure: Measure, limit: int) -> int | None:
    """The last of the places (ascending) at which the cut text fits.

    Counts grow with the text but for small dips (an address, an emoji that gets
    its second half), so the search lands near the place and then walks down.
    """

    def count(end: int) -> int:
        return measure.count(_stripped(text, end), suffix)

    index = bisect.bisect_right(ends, limit, key=count) - 1
    while index >= 0 and count(ends[index]) > limit:
        index -= 1
    return ends[index] if index >= 0 else None
