"""The blocks of all files together, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from rules import schema, schema_steps
from rules.errors import Problem, Severity
from rules.schema_fields import Block, Text
from rules.schema_windows import IntervalBlock
from rules.yaml_place import Place
from rules.yaml_source import Document, Path

AnyBlock = TypeVar("AnyBlock", bound=BaseModel)


class NamedIntervals(Block):
    """The intervals of one window (a bare list in the file)."""

    value: list[IntervalBlock]


class NamedText(Block):
    """One text: a template, or a map of variants."""

    value: Text


@dataclass(frozen=True, slots=True)
class Declared(Generic[AnyBlock]):
    """One block of a file; ``defaults`` is the path of what fills the keys that the item lacks."""

    id: str
    block: AnyBlock
    document: Document
    path: Path
    defaults: Path = ()

    def at(self, *below: str | int) -> tuple[Document, Path]:
        """The place of a key of this block, in the item or in the defaults that filled it."""
        return self.document, own_or_default(self.document.places, self.path, self.defaults, below)


def own_or_default(places: dict[Path, Place], path: Path, defaults: Path, below: Path) -> Path:
    """Where a key stands: defaults fill whole keys, and those of ``open`` one by one."""
    key = below[:2] if below[:1] == ("open",) else below[:1]
    filled = defaults and (*path, *key) not in places and (*defaults, *key) in places
    return (*(defaults if filled else path), *below)


@dataclass(slots=True)
class Gathered:
    """All files together, and everything that was found wrong so far.

    ``ids`` has what is declared per block even where the item itself is broken,
    so that references to it are no second error.
    """

    documents: list[Document]
    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, dict[str, tuple[Document, Path]]] = field(default_factory=dict)
    channels: dict[str, Declared[schema.ChannelBlock]] = field(default_factory=dict)
    components: dict[str, Declared[schema.ComponentBlock]] = field(default_factory=dict)
    routes: list[Declared[schema.RouteBlock]] = field(default_factory=list)
    plans: dict[str, Declared[schema_steps.PlanBlock]] = field(default_factory=dict)
    steps: dict[str, list[Declared[schema_steps.StepBlock]]] = field(default_factory=dict)  # by plan
    texts: dict[str, Declared[NamedText]] = field(default_factory=dict)
    windows: dict[str, Declared[NamedIntervals]] = field(default_factory=dict)
    people: dict[str, Declared[schema.PersonBlock]] = field(default_factory=dict)
    limits: Declared[schema.LimitsBlock] | None = None
    maintenance: Declared[schema.MaintenanceBlock] | None = None
    words: list[Declared[schema.WordsBlock]] = field(default_factory=list)
    waivers: list[Declared[schema.Waiver]] = field(default_factory=list)

    def known(self, block: str) -> list[str]:
        """The ids that are declared in that block, in file order."""
        return list(self.ids.get(block, {}))

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def add(
        self,
        place: tuple[Document, Path],
        message: str,
        remedy: str = "",
        *,
        code: str,
        severity: Severity = "error",
        at_key: bool = False,
        offset: int | None = None,
        subject: str = "",
    ) -> None:
        """Note a problem at a place that ``Declared.at`` or ``ids`` gave."""
        document, path = place
        problem = document.problem(
            path, message, remedy, code=code, severity=severity, at_key=at_key, offset=offset, subject=subject
        )
        self.problems.append(problem)
