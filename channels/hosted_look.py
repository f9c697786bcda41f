"""What a hosted page has of our incident, and of one of our posts: read, never changed."""

from __future__ import annotations

from channels.base import SKEW
from channels.hosted_api import HostedApi, NotUnderstood, Unclear
from channels.hosted_dialect import Dialect, Incident, Update
from daemon.core.clock import Instant
from daemon.core.ports import Payload, Ref


class Look:
    """Looks through ``api``; every method that asks raises NoAnswer, NotUnderstood or Unclear."""

    def __init__(self, api: HostedApi, dialect: Dialect) -> None:
        self._api, self._dialect = api, dialect

    async def incident(self, payload: Payload, parent: Ref | None, *, in_doubt: bool) -> Incident | None:
        """Our incident with its updates; None when the page has none.

        The parent names it.  Where there is none, or that incident was deleted,
        it is searched by our mark, before a first post too.  In doubt, what only
        looks like ours is no proof that ours is not there.
        """
        name = parent.ids.get("id") if parent is not None else None
        if name is not None and (found := await self._fetch(name)) is not None:
            return found
        name = await self._search(payload, in_doubt=in_doubt)
        return await self._fetch(name) if name is not None else None

    async def _fetch(self, name: str) -> Incident | None:
        try:
            return await self._api.read(self._dialect.get(name), self._dialect.whole)
        except NotUnderstood as problem:
            if problem.answer.status == 404:
                return None
            raise

    async def _search(self, payload: Payload, *, in_doubt: bool) -> str | None:
        """Walk the whole list; of one that is newest first, only as far back as our incident can be."""
        mark, oldest = self._dialect.mark(payload), payload["began"] - SKEW
        call, wrapped = self._dialect.listed(payload), self._dialect.wrapped
        before: Instant | None = None
        ordered, alike = True, False
        async for row in self._api.rows(call, self._dialect.row, wrapped):
            if row.mark and row.mark == mark:
                return row.id
            ordered = ordered and row.created is not None and (before is None or row.created <= before)
            before = row.created
            if ordered and before is not None and before < oldest:
                break
            alike = alike or self._alike(row, payload)
        if in_doubt and alike and not self._dialect.keeps_marks:
            raise Unclear("an incident with this name and these words is there, but without our mark")
        return None

    def _alike(self, row: Incident, payload: Payload) -> bool:
        status, text = self._dialect.status(payload), payload["text"]
        return row.name == payload["name"] and any(one.says(status, text) for one in row.updates)

    def update(
        self, incident: Incident, payload: Payload, parent: Ref | None, key: str, *, in_doubt: bool
    ) -> Update | None:
        """The update that this post is, if the page has it.

        By our mark, else by its words among the updates after the parent's.
        Where that place is not known the newest counts alone, for the same words
        may have been said before; in doubt any does, for the danger is a second.
        """
        ids = [update.id for update in incident.updates]
        place = parent.ids.get("update") if parent is not None else None
        if place in ids:
            later = incident.updates[ids.index(place) + 1 :]
        else:
            later = incident.updates if in_doubt else incident.updates[-1:]
        status, text = self._dialect.status(payload), payload["text"]
        marked = [one for one in incident.updates if one.mark == key]
        said = [one for one in later if not one.mark and one.says(status, text)]
        return next(iter([*marked, *said]), None)
