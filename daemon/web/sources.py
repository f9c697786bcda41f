"""Who may send webhooks, and in which format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from daemon.web.credentials import SourceCredentials


@dataclass(frozen=True, slots=True)
class Source:
    """A monitor that sends to ``/hooks/<name>``; ``format`` is a name in daemon.intake.registry."""

    name: str
    format: str
    credentials: SourceCredentials = field(default_factory=SourceCredentials)


class Sources(Protocol):
    """The configured sources; asked at every request, so that a reload counts at once."""

    def get(self, name: str) -> Source | None: ...

    def names(self) -> Iterable[str]: ...


class FixedSources:
    """Sources that do not change."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._by_name = {source.name: source for source in sources}

    def get(self, name: str) -> Source | None:
        return self._by_name.get(name)

    def names(self) -> Iterable[str]:
        return sorted(self._by_name)
