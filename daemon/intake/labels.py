"""Labels within limits: cleaned, cut, and never a reason to lose their alert."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from daemon.intake.cleaning import NAME_LIMIT, VALUE_LIMIT, clean

MOST_LABELS = 200

FIRST = ("alertname", "severity", "service", "job", "instance", "namespace", "cluster", "region")
"""Labels that routes are made of: they stay when there are too many."""

CUT = "cut"
CLEANED = "cleaned"


def tidy(labels: Mapping[str, Any], flags: set[str], *, value_limit: int = VALUE_LIMIT) -> dict[str, str]:
    """Names and values as short, clean strings; ``flags`` learns what had to be done.

    Which labels stay does not depend on their order: the well-known ones, then by name.
    """
    if _is_tidy(labels, value_limit):
        return dict(labels)
    names = list(labels)
    if len(names) > MOST_LABELS:
        flags.add(CUT)
        known = [name for name in FIRST if name in labels]
        names = known + sorted(set(names).difference(known))[: MOST_LABELS - len(known)]
    tidied: dict[str, str] = {}
    for name in names:
        value = labels[name]
        if not isinstance(value, str):
            flags.add(CLEANED)
            value = _spelled(value)
        # Two names that are equal once they are clean: the first keeps the place.
        tidied.setdefault(fit(name, NAME_LIMIT, flags), fit(value, value_limit, flags))
    return tidied


def _is_tidy(labels: Mapping[str, Any], value_limit: int) -> bool:
    """Whether nothing has to be done; nearly always so, and cheap to know."""
    if not labels or len(labels) > MOST_LABELS:
        return not labels
    try:
        text = "".join(labels) + "".join(labels.values())
    except TypeError:
        return False
    longest_name, longest_value = max(map(len, labels)), max(map(len, labels.values()))
    return longest_name <= NAME_LIMIT and longest_value <= value_limit and text.isprintable()


def fit(text: str, limit: int, flags: set[str]) -> str:
    """The text cut to that many characters and cleaned."""
    if len(text) > limit:
        flags.add(CUT)
        text = text[:limit]
    cleaned = clean(text)
    if cleaned != text:
        flags.add(CLEANED)
    return cleaned


def derived_fingerprint(labels: object) -> str:
    """A stable name for a label set whose sender gives none: the same set, the same name, in any order."""
    canonical = json.dumps(labels, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _spelled(value: object) -> str:
    """A value of another type in JSON's spelling; null is no text."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)
