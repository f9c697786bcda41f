"""One operation of the API: its path, its models and its handler; router and OpenAPI read the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from daemon.web.api_models import Act

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller asks, read and checked."""

    name: str = ""  # the {id} of the path
    query: Any = None
    body: Any = None
    who: str = ""


Run = Callable[[Call], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path below ``PREFIX``.  One with a ``body`` is an act and needs the token."""

    method: str
    path: str
    run: Run
    summary: str
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] | None = None
    body: type[Act] | None = None
    status: int = 200
    id_form: str = field(default="")  # what {id} looks like

    @property
    def full_path(self) -> str:
        return f"{PREFIX}{self.path}"

    @property
    def acts(self) -> bool:
        return self.body is not None

    @property
    def name(self) -> str:
        """The operation's name in generated clients."""
        return self.run.__name__
