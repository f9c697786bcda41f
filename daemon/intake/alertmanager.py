"""Alertmanager's webhook, payload version 4 (interfaces.md, section 4.1).

Two readers of the same format.  The quick one takes bodies exactly as
Alertmanager writes them, at about three microseconds an alert; whatever
surprises it goes to the careful one (``alertmanager_pieces``), which decides.
Both give the same report for the same body.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from daemon.core.alert import Alert, Report
from daemon.core.clock import Instant
from daemon.core.errors import BadInput
from daemon.intake import exact
from daemon.intake.alertmanager_pieces import ANNOTATION_LIMIT, FINGERPRINT_LIMIT, HINT_LIMIT, Pieces
from daemon.intake.cleaning import NAME_LIMIT, VALUE_LIMIT, has_unwanted_bytes
from daemon.intake.instants import EARLIEST, read_instant
from daemon.intake.labels import MOST_LABELS

_Name = Annotated[str, Meta(max_length=NAME_LIMIT)]
_Value = Annotated[str, Meta(max_length=VALUE_LIMIT)]
_Labels = Annotated[dict[_Name, _Value], Meta(max_length=MOST_LABELS)]
_Note = Annotated[str, Meta(max_length=ANNOTATION_LIMIT)]
_Annotations = Annotated[dict[_Name, _Note], Meta(max_length=MOST_LABELS)]
_State = Literal["firing", "resolved"]


class _Alert(Struct, gc=False):
    """One alert; every field is required, so that a missing one goes to the careful reader."""

    status: _State
    labels: _Labels
    annotations: _Annotations
    startsAt: _Value  # noqa: N815 - the names are Alertmanager's
    endsAt: _Value  # noqa: N815 - see above
    generatorURL: _Value  # noqa: N815 - see above
    fingerprint: Annotated[str, Meta(min_length=1, max_length=FINGERPRINT_LIMIT)]


class _Body(Struct):
    receiver: str
    status: _State
    alerts: list[_Alert]
    groupLabels: dict[str, str]  # noqa: N815 - the names are Alertmanager's
    commonLabels: dict[str, str]  # noqa: N815 - see above
    commonAnnotations: dict[str, str]  # noqa: N815 - see above
    externalURL: str  # noqa: N815 - see above
    version: Literal["4"]
    groupKey: str  # noqa: N815 - see above
    truncatedAlerts: Annotated[int, Meta(ge=0)]  # noqa: N815 - see above
    notification_reason: str | UnsetType = UNSET  # since 0.32
    routeLabels: dict[str, str] | UnsetType = UNSET  # noqa: N815 - since 0.34


_DECODER = msgspec.json.Decoder(_Body)
_ENCODER = msgspec.json.Encoder()
_SORTED = msgspec.json.Encoder(order="deterministic")

_NOT_HTML_ESCAPE = re.compile(rb"\\(?!u00(?:26|3c|3e))")
_NOT_COMMON_ESCAPE = re.compile(rb'\\(?!u00(?:26|3c|3e)|["n])')


def parse(body: bytes, source: str, received_at: Instant) -> Report:
    """The alerts in a webhook body.

    Raises BadInput, naming the place, for what can never be understood, and
    nothing else.  One bad alert does not cost the others: it is in the notes.
    """
    report = _quick(body, source)
    if report is not None:
        return report
    try:
        return Pieces(source, received_at).report(exact.read(body))
    except RecursionError as error:
        raise BadInput("nested too deeply: no monitor needs hundreds of levels") from error


def _quick(body: bytes, source: str) -> Report | None:
    """The report of an ordinary body, None for any other."""
    if has_unwanted_bytes(body):
        return None
    try:
        read = _DECODER.decode(body)
        if not _says_it_once(body, read):
            return None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    alerts = []
    instants: dict[str, Instant | None] = {}  # alerts of one rule start together
    for alert in read.alerts:
        made = _made(alert, source, instants)
        if made is None:
            return None
        alerts.append(made)
    return Report(alerts, read.truncatedAlerts, read.groupKey[:HINT_LIMIT])


def _made(alert: _Alert, source: str, instants: dict[str, Instant | None]) -> Alert | None:
    text = alert.startsAt
    starts_at = instants[text] if text in instants else instants.setdefault(text, read_instant(text))
    link = alert.generatorURL
    if (
        starts_at is None
        or starts_at <= EARLIEST
        or not (link.startswith(("http://", "https://")) or not link)
    ):
        return None
    firing = alert.status == "firing"
    ends_at = None
    if not firing:
        ends_at = read_instant(alert.endsAt)
        if ends_at is None or ends_at <= EARLIEST:
            return None
    return Alert(
        source,
        alert.fingerprint,
        starts_at,
        firing,
        alert.labels,
        _SORTED.encode(alert.annotations),
        ends_at,
        link,
    )


def _says_it_once(body: bytes, read: _Body) -> bool:
    """Whether no key stands in the body twice and no field is unknown.

    msgspec takes the last of two equal keys in silence.  Written again, what it
    understood can only be shorter than what was sent: by white space, by
    escapes, by unknown fields and by lost duplicates.  White space, unknown
    fields and unusual escapes have no place on the quick way, and the usual
    escapes can be counted; so equal lengths prove that nothing was lost.
    """
    if _NOT_HTML_ESCAPE.search(body) is None:
        longer = body.count(b"\\")
    elif _NOT_COMMON_ESCAPE.search(body) is None:
        longer = body.count(b"\\u")  # no escaped backslash is left that could stand before the u
    else:
        return False
    # Go's encoder ends with a line feed.  "\u0026" is written again as "&": five bytes fewer.
    return len(_ENCODER.encode(read)) == len(body) - body.endswith(b"\n") - 5 * longer
