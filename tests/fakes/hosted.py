"""What the fake hosted pages share: incidents made of their updates, components, requests held to a schema.

``posts`` has one entry for each update, the words of a new incident among them.
An incident is there as long as it has one: tests delete it by clearing them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

from daemon.core.clock import Clock, to_iso
from tests.fakes.server import FakeServer, Stored

PAGE = "fakepage01"


class FakeHosted(FakeServer):
    """A page with two components; ``endless``: every page of a list has the same incident, whoever's."""

    scheme = "Bearer"
    parts = ("part1", "part2")
    operational: Any = "operational"
    most_rows = 100

    def __init__(
        self, *, token: str, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.token = token
        self.states: dict[str, Any] = dict.fromkeys(self.parts, self.operational)
        self.endless = False
        self._made = len(self.posts)  # a name is never given twice

    def identity(self, post: Stored) -> str:
        return f"{post['incident']} {post['status']} {post['text']}"

    def incidents(self) -> list[list[Stored]]:
        """The updates of each incident, oldest first; the newest incident is the last."""
        found: dict[str, list[Stored]] = {}
        for post in self.posts:
            found.setdefault(post["incident"], []).append(post)
        return list(found.values())

    def incident(self, name: str) -> list[Stored]:
        """Its updates; none where there is no such incident."""
        return [post for post in self.posts if post["incident"] == name]

    def page(
        self, request: web.Request, size: str, wanted: Callable[[Stored], bool] = bool
    ) -> list[list[Stored]]:
        """One page of the list, newest first, as ``page`` and the query's ``size`` ask."""
        if self.endless:
            return self.incidents()[:1]
        newest_first = [one for one in self.incidents()[::-1] if wanted(one[0])]
        rows = min(int(request.query.get(size, 15)), self.most_rows)
        start = (int(request.query.get("page", 1)) - 1) * rows
        return newest_first[start : start + rows]

    def said(self, incident: str | None, name: str, status: Any, text: str, **more: Any) -> Stored:
        """Keep one update; a new incident's without ``incident``."""
        self._made += 1
        before = self.incident(incident or "")
        first = before[0] if before else {}
        return self.store(
            {
                **{key: first[key] for key in first if key not in more},
                "id": self.name_of(self._made),
                "incident": incident or self.name_of(1_000 + self._made),
                "name": name,
                "status": status,
                "text": text,
                "at": to_iso(self.clock.now()),
                "opened": first.get("opened", to_iso(self.clock.now())),
                **more,
            }
        )

    def name_of(self, number: int) -> str:
        return f"n{number:06d}"

    def colour(self, states: Mapping[str, Any]) -> None:
        """Components take the states that a request gives them."""
        self.states.update(states)

    def known(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"{self.scheme} {self.token}"


async def checked(request: web.Request, schema: dict[str, Any]) -> dict[str, Any] | str:
    """The body if the schema takes it, else what is wrong with it."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return "no JSON"
    wrong = next(Draft202012Validator(schema).iter_errors(body), None)
    if wrong is not None:
        return f"{'.'.join(str(part) for part in wrong.absolute_path)}: {wrong.message}"[:200]
    found: dict[str, Any] = body
    return found


def strict(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def words(*of: str) -> dict[str, Any]:
    """One of these words."""
    return {"enum": list(of)}
