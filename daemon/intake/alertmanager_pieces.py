"""Alertmanager's webhook, read piece by piece: what is understood is taken, the rest is noted."""

from __future__ import annotations

from typing import Any

import msgspec

from daemon.core.alert import Alert, Report
from daemon.core.clock import Instant
from daemon.core.errors import BadInput
from daemon.intake import exact
from daemon.intake.cleaning import VALUE_LIMIT, clean
from daemon.intake.instants import EARLIEST, read_instant
from daemon.intake.labels import CLEANED, CUT, derived_fingerprint, fit, tidy

HINT_LIMIT = 1_024
FINGERPRINT_LIMIT = 128
ANNOTATION_LIMIT = 16_384
MOST_NOTES = 20

DERIVED = "derived"
"""Flag: the fingerprint is made from the labels."""

UNDATED = "undated"
"""Flag: there was no start that could be read, so ``starts_at`` is when the report came."""

_SORTED = msgspec.json.Encoder(order="deterministic")


class Pieces:
    """Reads one body's tree of values; nothing in it can make this raise but BadInput."""

    def __init__(self, source: str, received_at: Instant) -> None:
        self._source = source
        self._received_at = received_at
        self._notes: list[str] = []
        self._unsaid = 0

    def report(self, tree: Any) -> Report:
        """What could be understood.  Raises BadInput when that is nothing."""
        if not isinstance(tree, dict):
            raise BadInput(f"top: an object is expected, not {exact.kind(tree)}")
        if "alerts" not in tree:
            raise BadInput('alerts: missing; Alertmanager sends a list of alerts under "alerts"')
        pieces = tree["alerts"]
        if pieces is not None and not isinstance(pieces, list):
            raise BadInput(f"alerts: a list is expected, not {exact.kind(pieces)}")
        if tree.get("version", "4") != "4":
            self._note(f"version: {_shown(tree['version'])} is not known; read as version 4")
        truncated = self._truncated(tree.get("truncatedAlerts"))
        overall = tree.get("status")
        read = (self._alert(piece, f"alerts[{index}]", overall) for index, piece in enumerate(pieces or []))
        alerts = [alert for alert in read if alert is not None]
        if pieces and not alerts:
            raise BadInput(f"none of {len(pieces)} alerts can be understood: {'; '.join(self._notes[:3])}")
        if self._unsaid:
            self._notes.append(f"and {self._unsaid} more")
        hint = tree.get("groupKey")
        return Report(
            alerts, truncated, clean(hint[:HINT_LIMIT]) if isinstance(hint, str) else "", self._notes
        )

    def _alert(self, piece: Any, place: str, overall: Any) -> Alert | None:
        if not isinstance(piece, dict):
            return self._leave_out(f"{place}: an object is expected, not {exact.kind(piece)}")
        labels, given = piece.get("labels"), piece.get("fingerprint")
        named = isinstance(given, str) and given != ""
        if labels is None and not named:
            return self._leave_out(f"{place}: neither labels nor a fingerprint")
        if labels is not None and not isinstance(labels, dict):
            return self._leave_out(f"{place}.labels: an object is expected, not {exact.kind(labels)}")
        flags: set[str] = set()
        firing = self._firing(piece, place, overall)
        return Alert(
            source=self._source,
            fingerprint=_fingerprint(given if named else None, labels, flags),
            starts_at=self._starts_at(piece.get("startsAt"), flags),
            firing=firing,
            labels=tidy(labels or {}, flags),
            annotations=self._annotations(piece.get("annotations"), place, flags),
            ends_at=None if firing else _time(piece.get("endsAt")),
            link=_link(piece.get("generatorURL"), flags),
            flags=tuple(sorted(flags)),
        )

    def _firing(self, piece: dict[str, Any], place: str, overall: Any) -> bool:
        """Only what says so is resolved: a doubt must not end an incident."""
        status = piece.get("status", overall)
        if status in ("firing", "resolved"):
            return bool(status == "firing")
        if status is not None:
            self._note(f"{place}.status: {_shown(status)} is neither firing nor resolved; taken as firing")
            return True
        ends_at = _time(piece.get("endsAt"))
        return ends_at is None or ends_at > self._received_at

    def _starts_at(self, value: Any, flags: set[str]) -> Instant:
        starts_at = _time(value)
        if starts_at is None:
            flags.add(UNDATED)
            return self._received_at
        return starts_at

    def _annotations(self, value: Any, place: str, flags: set[str]) -> bytes:
        if value is None:
            return b"{}"
        if not isinstance(value, dict):
            self._note(f"{place}.annotations: an object is expected, not {exact.kind(value)}; left out")
            return b"{}"
        return _SORTED.encode(tidy(value, flags, value_limit=ANNOTATION_LIMIT))

    def _truncated(self, value: Any) -> int:
        """Alerts that the sender left out.  A doubt counts as one: a cut payload never resolves anything."""
        if value is None:
            return 0
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._note(f"truncatedAlerts: {_shown(value)} is not a count; taken as 1")
        return 1

    def _leave_out(self, note: str) -> Alert | None:
        self._note(f"{note}; this alert is left out")
        return None

    def _note(self, note: str) -> None:
        if len(self._notes) < MOST_NOTES:
            self._notes.append(note)
        else:
            self._unsaid += 1


def _fingerprint(given: str | None, labels: Any, flags: set[str]) -> str:
    """The sender's, or one made from the labels; one that cannot be kept as it is is hashed, not cut."""
    if given is None:
        flags.add(DERIVED)
        return derived_fingerprint(labels)
    if len(given) > FINGERPRINT_LIMIT or clean(given) != given:
        flags.add(CUT if len(given) > FINGERPRINT_LIMIT else CLEANED)
        return derived_fingerprint(given)
    return given


def _time(value: Any) -> Instant | None:
    """An instant; the zero time means that there is none."""
    instant = read_instant(value) if isinstance(value, str) else None
    return instant if instant is not None and instant > EARLIEST else None


def _link(value: Any, flags: set[str]) -> str:
    """A link that may be followed.  Half a link leads nowhere, and other schemes can run code."""
    if not isinstance(value, str) or not value:
        return ""
    if len(value) > VALUE_LIMIT:
        flags.add(CUT)
        return ""
    if not value.startswith(("http://", "https://")):
        flags.add(CLEANED)
        return ""
    return fit(value, VALUE_LIMIT, flags)


def _shown(value: Any) -> str:
    """A value as a note may show it."""
    return clean(repr(value[:40])) if isinstance(value, str) else exact.kind(value)
