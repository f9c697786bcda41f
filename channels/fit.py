"""Count a text as a platform counts it, and cut it to the platform's limit.

``fit`` cuts at the end of a sentence, else of a word, else of a grapheme, and
never inside an address.  The whole text is on the page; the cut one says so
with an ellipsis and the link.
"""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Callable

import regex

Counter = Callable[[str], int]

# Flags first: \X looks back to the start of a row of them each time, and a label may be a row of thousands.
_GRAPHEME = regex.compile(r"\p{RI}{2}(?=\p{RI})|\X")
_URL = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_SENTENCE_END = regex.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)|(?<=[。！？])|\n")
_WORD_END = regex.compile(r"(?<=\S)(?=\s)")

# twitter-text config v3 (https://github.com/twitter/twitter-text/blob/master/config/v3.json):
# these code points weigh 1, all others 2; an address weighs 23, an emoji sequence 2.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
URL_WEIGHT = 23
_EMOJI = regex.compile(
    r"[#*0-9]\ufe0f?\u20e3|\p{RI}\p{RI}"
    r"|\p{Extended_Pictographic}\ufe0f?\p{EMod}?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
    r"(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{EMod}?)*"
)
# X turns a bare "example.com" into an address too.  Only a simple one that ends so is 23 for certain; else
# both counts are added: a text may end up shorter than it could be, never refused.
_KNOWN = regex.compile(
    "com|net|org|io|dev|app|gov|edu|info|status|cloud|online|page|site|co|uk|de|fr|nl|eu|us|ca|au|nz|jp|in"
    "|br|ch|at|se|no|fi|dk|be|it|es|pl|cz|ie|me|tv|ai"
)
_LINKED = regex.compile(
    r"(?:https?://|(?<![\p{L}\p{N}@]))"
    r"(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.){1,8}(?P<tld>\p{L}[\p{L}\p{M}-]{1,62})"
    r"(?P<rest>(?::\d+)?(?:/(?:[a-z0-9!*';:=+,.$/%#_~@&|?-]*[a-z0-9=_#/+-])?)?)",
    regex.IGNORECASE,
)
_BEFORE, _AFTER = ("", "(", "“", '"'), ("", ".", ",", ")", "!", "?", ":", ";", "”", '"', "…")
_SIMPLE = regex.compile(
    r"(?:/[a-z0-9_~%+-]+(?:\.[a-z0-9_~%+-]+)*)*/?(?:\?[a-z0-9_.%=&+-]*[a-z0-9_=&])?(?:#[a-z0-9_-]+)?",
    regex.IGNORECASE,
)


def characters(text: str) -> int:
    """Code points."""
    return len(text)


def graphemes(text: str) -> int:
    """What a reader calls a character (UAX 29 extended clusters)."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def octets(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def weighted(text: str) -> int:
    """X's count: never less than X's own, and the same but for odd addresses and rare emoji."""
    return addressed(unicodedata.normalize("NFC", text), _weight, URL_WEIGHT)


def addressed(text: str, count: Counter, per_url: int, *, bare: bool = True) -> int:
    """The count of a text on a platform where an address weighs ``per_url`` whatever its length.

    ``bare``: it takes ``example.com`` for an address too.
    """
    total = place = 0
    for found in _LINKED.finditer(text):
        if not bare and "://" not in found[0]:
            continue
        apart = text[found.start() - 1 : found.start()].strip() in _BEFORE and (
            text[found.end() : found.end() + 1].strip() in _AFTER
        )
        certain = (
            apart
            and found[0].isascii()
            and _KNOWN.fullmatch(found["tld"].lower())
            and _SIMPLE.fullmatch(found["rest"])
        )
        weight = per_url if certain else per_url + count(found[0])
        total += count(text[place : found.start()]) + weight
        place = found.end()
    return total + count(text[place:])


def links(text: str) -> bool:
    """Whether X would find an address in it, or might."""
    return _LINKED.search(text) is not None


def _weight(text: str) -> int:
    bare, emoji = _EMOJI.subn("", text)
    return 2 * emoji + sum(1 if any(a <= ord(c) <= b for a, b in _LIGHT) else 2 for c in bare)


COUNTERS: dict[str, Counter] = {
    "characters": characters,
    "graphemes": graphemes,
    "bytes": octets,
    "weighted": weighted,
}
"""By the word that ``Capabilities.counter`` uses."""


def fit(text: str, link: str, counter: Counter, limit: int, *, always: bool = False) -> str:
    """The text within ``limit``, followed by ``link`` when it was cut (with ``always``: in any case).

    A text that holds the link already gets it no second time.  When not even
    the link fits it is left out.
    """
    tail = f" {link}" if link else ""
    whole = text + tail if always and link not in text else text
    if counter(whole) <= limit:
        return whole
    if counter("…" + tail) > limit:
        tail = ""
    whole_clusters = [found.end() for found in _GRAPHEME.finditer(text)]
    most = _longest(text, _outside(text, whole_clusters), "…" + tail, counter, limit)
    if most is None:
        return "…" + tail if counter("…" + tail) <= limit else ""
    for pattern, mark in ((_SENTENCE_END, " …"), (_WORD_END, "…")):
        ends = _outside(text, [found.end() for found in pattern.finditer(text)])
        for end in reversed([end for end in ends if most <= end * 2 <= 2 * most]):
            if counter(cut := text[:end].rstrip() + mark + tail) <= limit:
                return cut
    return text[:most].rstrip() + "…" + tail


def _outside(text: str, ends: list[int]) -> list[int]:
    """Those of the places that lie inside no address."""
    spans = [found.span() for found in _URL.finditer(text)]
    starts = [start for start, _ in spans]

    def inside(end: int) -> bool:
        index = bisect.bisect_left(starts, end) - 1
        return index >= 0 and spans[index][0] < end < spans[index][1]

    return [end for end in ends if 0 < end < len(text) and not inside(end)]


def _longest(text: str, ends: list[int], suffix: str, counter: Counter, limit: int) -> int | None:
    """The last of the places (ascending) at which the cut text fits.

    Counts grow with the text but for small dips (an address, an emoji that gets
    its second half), so the search lands near the place and then walks down.
    """

    def count(end: int) -> int:
        return counter(text[:end].rstrip() + suffix)

    index = bisect.bisect_right(ends, limit, key=count) - 1
    while index >= 0 and count(ends[index]) > limit:
        index -= 1
    return ends[index] if index >= 0 else None
