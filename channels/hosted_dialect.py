"""What all hosted pages have, an incident with its updates, and how one kind of page words it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from channels.markdown import read
from daemon.core.clock import Instant
from daemon.core.ports import Payload

SIZE = 100
"""Rows asked for in one page of a list: the most that any of these APIs gives."""
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an answer that has another shape raises."""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """One update as the page has it; ``status`` in the page's word."""

    id: str
    status: str
    text: str
    mark: str = ""  # the key of our delivery, where the API keeps it

    def says(self, status: str, text: str) -> bool:
        """Whether it has these words; white space is theirs to change."""
        return self.status == status and self.text.split() == text.split()


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as the page has it, its updates oldest first."""

    id: str
    name: str = ""
    mark: str = ""  # which of our incidents it is
    updates: tuple[Update, ...] = ()
    url: str = ""
    created: Instant | None = None  # None: not known
    raw: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request below the base address; a list's is asked with ``page`` added to its query."""

    method: str
    path: str
    body: Fields | None = None
    query: Mapping[str, str] = field(default_factory=dict)


class Dialect(ABC):
    """How one kind of page words what all of them do.

    What reads an answer raises one of ``MALFORMED`` where it has another shape.
    """

    kind: ClassVar[str]
    scheme: ClassVar[str] = "Bearer"
    text_limit: ClassVar[int]
    per_minute: ClassVar[float | None] = None
    wrapped: ClassVar[str] = ""  # the key that holds a list's rows
    keeps_marks: ClassVar[bool] = True  # it says so; else what looks like ours may be ours
    login: ClassVar[str] = ""  # what says 401 to a wrong token, where anybody may read the lists

    @abstractmethod
    def escaped(self, text: str) -> str:
        """The text with nothing of it able to act on the page."""

    def read(self, text: str) -> str:
        """What the page's readers see of an escaped text."""
        return read(text)

    @abstractmethod
    def status(self, payload: Payload) -> str:
        """Their word for where the incident stands."""

    @abstractmethod
    def mark(self, payload: Payload) -> str:
        """What tells our incident from all others on the page."""

    @abstractmethod
    def listed(self, payload: Payload) -> Call:
        """The list that has our incident if the page has it."""

    @abstractmethod
    def row(self, row: Any) -> Incident:
        """An entry of that list; its updates may be left out."""

    @abstractmethod
    def get(self, name: str) -> Call: ...

    @abstractmethod
    def whole(self, fields: Fields) -> Incident:
        """What ``get`` and ``create`` answer."""

    @abstractmethod
    def create(self, payload: Payload, key: str) -> Call: ...

    @abstractmethod
    def change(self, incident: Incident, payload: Payload, key: str) -> Call: ...

    @abstractmethod
    def added(self, fields: Fields) -> str:
        """The id of the update that ``change`` made, from its answer."""

    @abstractmethod
    def parts(self) -> Call:
        """The list of the page's components; every row of it has an ``id``."""

    def before(self, payload: Payload) -> tuple[Call, ...]:  # noqa: ARG002 - one kind uses it
        """What must be said before an update, by calls that may be repeated."""
        return ()
