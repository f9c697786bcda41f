"""Several files as one set of blocks: each checked by itself, ids unique, places kept.

One bad item hides no other: every channel, component, route, step and text is
validated alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from rules import schema, schema_steps, secret_scan
from rules.declared import AnyBlock, Declared, Gathered, NamedIntervals, NamedText, own_or_default
from rules.partial import merge, without_unknown, without_wrong
from rules.schema_fields import BAD_VALUE, did_you_mean, valid_id
from rules.schema_problems import UNKNOWN_KEY, convert
from rules.yaml_source import REFUSED, Document, Path

TWICE, IN_TWO_FILES = "R009", "R017"

Locate = Callable[[Path], tuple[Document, Path]]


def gather(documents: Iterable[Document]) -> Gathered:
    """Read every block of every file; never raises for what is in them."""
    gathered = Gathered(list(documents))
    for document in gathered.documents:
        gathered.problems += document.problems
        gathered.problems += secret_scan.scan(document)
        _File(gathered, document).read()
    return gathered


class _File:
    """Reads the blocks of one file into the set."""

    def __init__(self, gathered: Gathered, document: Document) -> None:
        self.set = gathered
        self.document = document
        self.data: dict[str, Any] = {}

    def read(self) -> None:
        if self.document.data is None:
            return
        if not isinstance(self.document.data, dict):
            self._wrong((), "is no rule file", "begin with blocks such as channels:, routes:, plans:")
            return
        self.data = self._with_values(self.document.data, ())
        known = list(schema.RuleFile.model_fields)
        for key in [key for key in self.data if key not in known]:
            remedy = did_you_mean(key, known, f"the blocks are {', '.join(known)}")
            self.set.add((self.document, (key,)), "is not known", remedy, code=UNKNOWN_KEY, at_key=True)
        self._read_defaults()
        self._read_maps()
        self._read_lists()
        self._read_single()

    def _read_defaults(self) -> None:
        """Check the block by itself; routes and steps then take from it what is right."""
        self._single("defaults", schema.DefaultsBlock)
        if isinstance(self.data.get("defaults"), dict):
            self.data["defaults"] = without_wrong(schema.DefaultsBlock, self.data["defaults"])
        else:
            self.data.pop("defaults", None)

    def _read_maps(self) -> None:
        for key, own, path in self._entries("channels"):
            _put(self.set.channels, key, self._check(schema.ChannelBlock, key, own, path))
        for key, own, path in self._entries("people"):
            _put(self.set.people, key, self._check(schema.PersonBlock, key, own, path))
        for key, own, path in self._entries("plans"):
            plan = self._check(schema_steps.PlanBlock, key, own, path)
            steps = own.get("steps") if isinstance(own, dict) else None
            if isinstance(steps, list) and key not in self.set.steps:
                self._read_steps(key, steps, path)
            _put(self.set.plans, key, plan)
        for key, own, path in self._entries("texts"):
            _put(self.set.texts, key, self._check_value(NamedText, key, own, path))
        for key, own, path in self._entries("windows"):
            _put(self.set.windows, key, self._check_value(NamedIntervals, key, own, path))

    def _read_lists(self) -> None:
        for own, path in self._items("components"):
            key = self._declare("components", own, path)
            _put(self.set.components, key, self._check(schema.ComponentBlock, key, own, path))
        for own, path in self._items("routes"):
            key = self._declare("routes", own, path)
            route = self._check(schema.RouteBlock, key, own, path, ("defaults", "route"))
            self.set.routes += [route] if route is not None else []
        for own, path in self._items("waive"):
            waiver = self._check(schema.Waiver, str(own.get("id", "")), own, path)
            self.set.waivers += [waiver] if waiver is not None else []

    def _read_single(self) -> None:
        words = self._single("words", schema.WordsBlock)
        self.set.words += [words] if words is not None else []
        self._only_once("limits", self.set.limits)
        self.set.limits = self.set.limits or self._single("limits", schema.LimitsBlock)
        self._only_once("maintenance", self.set.maintenance)
        self.set.maintenance = self.set.maintenance or self._single("maintenance", schema.MaintenanceBlock)

    def _single(self, name: str, model: type[AnyBlock]) -> Declared[AnyBlock] | None:
        return self._check(model, name, self.data[name], (name,)) if name in self.data else None

    def _only_once(self, name: str, first: Declared[Any] | None) -> None:
        if first is not None and name in self.data:
            where = first.document.problem(first.path, "", code="", at_key=True)
            message = f"is already in {where.file}:{where.line}:{where.column}"
            self.set.add(
                (self.document, (name,)), message, "keep it in one file", code=IN_TWO_FILES, at_key=True
            )

    def _read_steps(self, plan: str, items: list[Any], path: Path) -> None:
        steps = self.set.steps.setdefault(plan, [])
        for number, own in enumerate(items):
            below = (*path, "steps", number)
            if not isinstance(own, dict):
                self._wrong(below, "is no step", "write { id: ..., after: 0s, say: ... }")
                continue
            key = self._declare(f"steps of {plan}", own, below)
            step = self._check(schema_steps.StepBlock, key, own, below, ("defaults", "step"))
            steps += [step] if step is not None else []

    def _entries(self, name: str) -> Iterator[tuple[str, Any, Path]]:
        """Key, value and path of a block that is a map; ids are checked and noted."""
        block = self.data.get(name, {})
        if not isinstance(block, dict):
            self._wrong((name,), "is no map", "write id: { ... } for each")
            return
        for key, own in block.items():
            try:
                valid_id(key)
            except PydanticCustomError as error:
                context = error.context or {}
                self.set.add(
                    (self.document, (name, key)),
                    context["what"],
                    context["remedy"],
                    code=context["code"],
                    at_key=True,
                )
            self._unique(name, key, (name, key), at_key=True)
            yield key, own, (name, key)

    def _items(self, name: str) -> Iterator[tuple[dict[str, Any], Path]]:
        block = self.data.get(name, [])
        if not isinstance(block, list):
            self._wrong((name,), "is no list", "write - { id: ... } for each")
            return
        for number, own in enumerate(block):
            if isinstance(own, dict):
                yield own, (name, number)
            else:
                self._wrong((name, number), "is no map", "write { id: ... }")

    def _declare(self, block: str, own: Mapping[str, Any], path: Path) -> str:
        key = own.get("id")
        if not isinstance(key, str):
            return ""
        self._unique(block, key, (*path, "id"))
        return key

    def _unique(self, block: str, key: str, path: Path, *, at_key: bool = False) -> None:
        known = self.set.ids.setdefault(block, {})
        if key not in known:
            known[key] = (self.document, path)
            return
        document, first = known[key]
        place = document.problem(first, "", code="", at_key=at_key)
        message = f"{key} is there twice in {block}, first in {place.file}:{place.line}:{place.column}"
        remedy = "give one of them another id"
        self.set.add((self.document, path), message, remedy, code=TWICE, at_key=at_key)

    def _check(
        self, model: type[AnyBlock], key: str, own: Any, path: Path, defaults: Path = ()
    ) -> Declared[AnyBlock] | None:
        """Validate one item with its defaults; unknown keys alone do not lose it."""
        if not isinstance(own, dict):
            self._wrong(path, "has the wrong kind of value", "write a map: { key: value }")
            return None
        filling = self.data.get("defaults", {}).get(defaults[1], {}) if defaults else {}
        merged = merge(own, filling, is_step=model is schema_steps.StepBlock)

        def locate(loc: Path) -> tuple[Document, Path]:
            below = self._real(path, defaults, loc)
            return self.document, own_or_default(self.document.places, path, defaults, below)

        block = self._validate(model, merged, locate)
        return None if block is None else Declared(key, block, self.document, path, defaults)

    def _check_value(
        self, model: type[AnyBlock], key: str, own: Any, path: Path
    ) -> Declared[AnyBlock] | None:
        """The same for an item that is no map: the model has it as ``value``."""

        def locate(loc: Path) -> tuple[Document, Path]:
            return self.document, (*path, *self._real(path, (), loc[1:]))

        block = self._validate(model, {"value": own}, locate)
        return None if block is None else Declared(key, block, self.document, path)

    def _validate(self, model: type[AnyBlock], data: Any, locate: Locate) -> AnyBlock | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.set.problems += convert(error, model, locate)
        try:
            return model.model_validate(without_unknown(model, data))
        except ValidationError:
            return None

    def _real(self, path: Path, defaults: Path, loc: Path) -> Path:
        """A location without pydantic's own marks (tags of unions, ``[key]``)."""
        kept: Path = ()
        for part in loc:
            here = (*kept, part)
            if (*path, *here) in self.document.places or (*defaults, *here) in self.document.places:
                kept = here
        return kept

    def _with_values(self, data: Any, path: Path) -> Any:
        """The data without keys that have no value; each is reported once."""
        if isinstance(data, list):
            return [self._with_values(value, (*path, number)) for number, value in enumerate(data)]
        if not isinstance(data, dict):
            return data
        aliases = {problem.line for problem in self.document.problems if problem.code == REFUSED}
        for key in [key for key, value in data.items() if value is None]:
            below = (*path, key)
            if self.document.problem(below, "", code="").line not in aliases:
                remedy = "write one, or remove the key"
                self.set.add((self.document, below), "has no value", remedy, code=BAD_VALUE, at_key=True)
        return {
            key: self._with_values(value, (*path, key)) for key, value in data.items() if value is not None
        }  # fmt: skip

    def _wrong(self, path: Path, message: str, remedy: str) -> None:
        self.set.add((self.document, path), message, remedy, code=BAD_VALUE)


def _put(target: dict[str, Declared[AnyBlock]], key: str, declared: Declared[AnyBlock] | None) -> None:
    if declared is not None:
        target.setdefault(key, declared)
