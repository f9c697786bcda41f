"""/api/v1/suppressions: who gets no more mail, and a person's word that ends it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from daemon.core.suppression import Suppression as Row
from daemon.service.bounces import BounceDesk
from daemon.service.desk import Desk
from daemon.web import api_views as views
from daemon.web.api_models import Act, Moment, Page
from daemon.web.api_route import Call, Operation


class Suppression(Struct, kw_only=True):
    """A recipient that is left out because its mail came back."""

    channel: str
    recipient: str
    since: Moment
    status: Annotated[str, Meta(description="Of the bounce that decided (RFC 3463).", examples=["5.1.1"])]
    bounces: Annotated[int, Meta(description="How many were counted.")]
    detail: str
    lifted_at: Moment | None
    lifted_by: str


class Suppressions(Struct):
    """A page of them, newest first."""

    items: list[Suppression]
    next: str | None


class Lift(Act, forbid_unknown_fields=True, kw_only=True):
    """Whom to write to again."""

    channel: Annotated[str, Meta(max_length=64)]
    recipient: Annotated[str, Meta(max_length=254)]


class SuppressionRoutes:
    """The two operations."""

    def __init__(self, desk: Desk) -> None:
        self._store = desk.store
        self._bounces = BounceDesk(desk)

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "/suppressions", self.list_suppressions, "Recipients who get no more mail",
                      Suppressions, query=Page),
            Operation("POST", "/suppressions/lift", self.lift_suppression, "Write to a recipient again",
                      Suppression, body=Lift),
        ]  # fmt: skip

    async def list_suppressions(self, call: Call) -> Suppressions:
        asked: Page = call.query
        page = await self._store.suppressions(asked.limit, asked.cursor)
        return Suppressions([_shown(row) for row in page.items], str(page.next) if page.next else None)

    async def lift_suppression(self, call: Call) -> Suppression:
        asked: Lift = call.body
        return _shown(await self._bounces.lift(asked.channel, asked.recipient, call.who))


def _shown(row: Row) -> Suppression:
    return Suppression(
        channel=row.channel,
        recipient=row.recipient,
        since=views.moment(row.since) or "",
        status=row.status,
        bounces=row.bounces,
        detail=row.detail,
        lifted_at=views.moment(row.lifted_at),
        lifted_by=row.lifted_by,
    )
