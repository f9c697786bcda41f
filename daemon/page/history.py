"""The history in months: which incidents stand on which sheet, and what lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.core.page_view import IncidentView, PageView
from daemon.page.times import Zone, month_name

SHEET = 200  # incidents on one page; a month with more gets several
Link = tuple[str, str]  # address and words


@dataclass(frozen=True, slots=True)
class Sheet:
    """One history page."""

    month: str
    number: int
    of: int
    total: int
    incidents: tuple[IncidentView, ...]
    newer: Link | None
    older: Link | None

    @property
    def path(self) -> str:
        return sheet_path(self.month, self.number)


@dataclass(frozen=True, slots=True)
class History:
    """All sheets by address; ``months`` newest first, months without incidents left out."""

    months: tuple[str, ...]
    sheets: dict[str, Sheet]

    @property
    def newest(self) -> Sheet | None:
        return next(iter(self.sheets.values()), None)


def sheet_path(month: str, number: int) -> str:
    return f"/history/{month}" if number == 1 else f"/history/{month}/{number}"


def build(view: PageView, zone: Zone) -> History:
    """Sort open and past incidents into the months in which they opened."""
    by_month: dict[str, list[IncidentView]] = {}
    everything = sorted(
        (*view.open_incidents, *view.past_incidents), key=lambda incident: -incident.opened_at
    )
    for incident in everything:
        by_month.setdefault(zone.month_key(incident.opened_at), []).append(incident)
    months = tuple(sorted(by_month, reverse=True))
    places = [
        (month, number) for month in months for number in range(1, -(-len(by_month[month]) // SHEET) + 1)
    ]
    sheets = {
        sheet_path(*place): _sheet(by_month[place[0]], place, _around(places, index))
        for index, place in enumerate(places)
    }
    return History(months, sheets)


def _around(places: Sequence[tuple[str, int]], index: int) -> tuple[Link | None, Link | None]:
    newer = _link(places[index - 1]) if index else None
    older = _link(places[index + 1]) if index + 1 < len(places) else None
    return newer, older


def _link(place: tuple[str, int]) -> Link:
    month, number = place
    return sheet_path(month, number), month_name(month) + (f", sheet {number}" if number > 1 else "")


def _sheet(
    incidents: Sequence[IncidentView], place: tuple[str, int], around: tuple[Link | None, Link | None]
) -> Sheet:
    month, number = place
    return Sheet(
        month=month,
        number=number,
        of=-(-len(incidents) // SHEET),
        total=len(incidents),
        incidents=tuple(incidents[(number - 1) * SHEET : number * SHEET]),
        newer=around[0],
        older=around[1],
    )
