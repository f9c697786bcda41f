"""Counts many beginnings of one text, each stretch of it once.

Cutting a text to a limit asks again and again how much a beginning of it
counts.  Most counts are sums: of ``We are looking. Orders fail`` that of
``We are looking. `` and that of ``Orders fail``.  Where two stretches meet so
is a seam; what stands before one is counted once, and not at all when it is
beyond the limit.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable

import regex

Counter = Callable[[str], int]

STRETCH = 48
"""Characters between two seams, at least; with large limits more."""

# A letter behind white space, or behind the end of an East Asian sentence: no address, emoji, mention or
# grapheme reaches over it, NFC joins nothing there, and a line that begins so begins no list.  Left out are
# the few letters that join what stands before them.
_SEAM = regex.compile(
    r"\s(?=(?![\u0e33\u0eb3\uff9e\uff9f])\p{L})|[。、！？](?=[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3])"
)


def _alone(count: int) -> int:
    return count


class Seamed:
    """A counter that is made of sums: at a seam the counts of both sides add up.

    With several sums ``total`` makes one count of them; it must grow with each.
    """

    def __init__(self, *sums: Counter, total: Callable[..., int] = _alone) -> None:
        self._sums, self.total = sums, total

    def __call__(self, text: str) -> int:
        return self.total(*self.parts(text))

    def parts(self, text: str) -> tuple[int, ...]:
        return tuple(count(text) for count in self._sums)


class Measure:
    """One text by one counter; a counter that is not ``Seamed`` counts each beginning anew."""

    def __init__(self, text: str, counter: Counter, limit: int) -> None:
        self._text, self._counter, self._limit = text, counter, limit
        self._seams, self._sums = [0], [counter.parts("")] if isinstance(counter, Seamed) else []
        self._stretch = STRETCH + limit // 32
        self._full = len(text) + 1
        """Beyond this place no beginning can be within the limit."""

    def count(self, end: int, suffix: str) -> int:
        """The count of the text's beginning up to ``end`` with ``suffix`` behind it.

        Exact up to the limit; beyond it, it may be any number beyond the limit.
        """
        counter = self._counter
        if not isinstance(counter, Seamed):
            return counter(self._text[:end] + suffix)
        self._go_on(counter, end)
        if end > self._full:
            return self._limit + 1
        index = bisect.bisect_left(self._seams, end) - 1  # a seam has a letter of the text behind it
        if index < 0:
            return counter(suffix)
        rest = counter.parts(self._text[self._seams[index] : end] + suffix)
        return counter.total(*map(sum, zip(self._sums[index], rest, strict=True)))

    def _go_on(self, counter: Seamed, end: int) -> None:
        """Count up to the last seam before ``end``, or to the first one that is beyond the limit."""
        while self._seams[-1] + self._stretch < min(end, self._full):
            last = self._seams[-1]
            found = _SEAM.search(self._text, last + self._stretch - 1)
            if found is None or found.end() >= end:
                return
            stretch = counter.parts(self._text[last : found.end()])
            self._seams.append(found.end())
            self._sums.append(tuple(map(sum, zip(self._sums[-1], stretch, strict=True))))
            if counter.total(*self._sums[-1]) > self._limit:
                self._full = found.end()
