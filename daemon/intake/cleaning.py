"""Text from outside, made safe to store and to show.

Alert labels are text that strangers can write (a host name is enough), so what
can break a store (NUL, lone surrogates) or deceive a reader (control and
direction characters) is replaced by U+FFFD: visible, and never equal to the
text that it imitates.
"""

from __future__ import annotations

import re

VALUE_LIMIT = 4_096
"""Characters of a label value, a link; more than any honest one."""

NAME_LIMIT = 256
"""Characters of a label name."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNWANTED = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but not tab, line feed, carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear
    "\ud800-\udfff"  # surrogates that have no partner
    "]"
)

_NON_ASCII = (
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xd8", re.compile(rb"\xd8\x9c")),
    (b"\xe2\x80", re.compile(rb"\xe2\x80[\x8e\x8f\xaa-\xae]")),
    (b"\xe2\x81", re.compile(rb"\xe2\x81[\xa6-\xa9]")),
    (b"\xef", re.compile(rb"\xef(?:\xbb\xbf|\xbf[\xb9-\xbb])")),
)
"""The characters above as UTF-8, each behind a cheaper question."""


def clean(text: str) -> str:
    """The text with what is unwanted made visible; the same object where nothing is."""
    # Printable text has none of them, and str knows that ten times faster than the pattern.
    return text if text.isprintable() else _UNWANTED.sub(REPLACEMENT, text)


def has_unwanted_bytes(body: bytes) -> bool:
    """Whether unwanted characters stand in it unescaped; microseconds for a body of Alertmanager."""
    if b"\x7f" in body:
        return True
    if body.isascii():
        return False
    return any(lead in body and pattern.search(body) for lead, pattern in _NON_ASCII)
