"""From a file to scenarios, with the place of everything that may be wrong with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from daemon.lab import schema
from daemon.lab.scenario import (
    START,
    Act,
    Away,
    Expect,
    Next,
    Path,
    Pause,
    Promises,
    Reload,
    Run,
    Scenario,
    Turn,
    Which,
    Words,
)
from rules.errors import LoadError, Problem
from rules.schema_problems import convert
from rules.yaml_source import Document, Limits, parse, read

BOUNDS = Limits(bytes=16 << 20, nodes=1_000_000)
"""A recorded storm is longer than any rule file."""

UNREADABLE, EMPTY = "R001", "R007"


@dataclass(frozen=True)
class ScenarioFile:
    """One file: its tests, or its one scenario; ``folder`` is what its rule files are relative to."""

    document: Document
    folder: FilePath
    scenarios: tuple[Scenario, ...]
    is_test: bool

    def problem(self, place: Path, message: str, remedy: str = "", *, at_key: bool = False) -> Problem:
        """Something wrong at a place of a scenario."""
        return self.document.problem(place, message, remedy, code="R010", at_key=at_key)

    def where(self, place: Path) -> tuple[int, int]:
        """Line and column of a place of a scenario."""
        found = self.problem(place, "")
        return found.line, found.column


def read_file(path: FilePath, *, needs_tests: bool = False) -> ScenarioFile:
    """Read a test file or a scenario.  Raises LoadError with everything that is wrong."""
    try:
        document = read(str(path), path.read_bytes(), BOUNDS)
    except OSError as error:
        message = f"cannot be read: {error.strerror or type(error).__name__}"
        raise LoadError(
            [Problem(str(path), 1, 1, "", message, "check the path and the rights", UNREADABLE)]
        ) from error
    return _of(document, path.parent, needs_tests=needs_tests)


def read_text(name: str, text: str, folder: FilePath) -> ScenarioFile:
    """The same from a text at hand."""
    return _of(parse(name, text, BOUNDS), folder, needs_tests=False)


def _of(document: Document, folder: FilePath, *, needs_tests: bool) -> ScenarioFile:
    if document.problems:
        raise LoadError(document.problems)
    if not isinstance(document.data, dict):
        raise LoadError(
            [document.problem((), "is no map", "write tests: [ { name: ..., alerts: [ ... ] } ]", code=EMPTY)]
        )
    is_test = needs_tests or "tests" in document.data
    model = schema.TestFileBlock if is_test else schema.ScenarioBlock
    try:
        block: Any = model.model_validate(document.data)
    except ValidationError as error:
        raise LoadError(convert(error, model, lambda loc: (document, _real(document, loc)))) from error
    if isinstance(block, schema.TestFileBlock):
        return ScenarioFile(document, folder, tuple(_tests(block, document)), True)
    maker = _Maker(document, {}, block, block, ())
    return ScenarioFile(document, folder, (maker.make(block.name, tuple(block.rule_files)),), False)


def _real(document: Document, loc: Path) -> Path:
    """A location without pydantic's own marks; keys that are missing are kept."""
    kept: Path = ()
    for part in loc:
        if (*kept, part) in document.places:
            kept = (*kept, part)
    return kept


def _tests(block: schema.TestFileBlock, document: Document) -> Iterator[Scenario]:
    for number, test in enumerate(block.tests):
        prefixes: dict[str, Path] = dict.fromkeys(
            block.defaults.model_fields_set - test.model_fields_set, ("defaults",)
        )
        maker = _Maker(document, prefixes, test, block.defaults, ("tests", number))
        yield maker.make(test.name, tuple(block.rule_files))


@dataclass
class _Maker:
    """One test: its own keys, and those that the file's defaults fill in."""

    document: Document
    prefixes: Mapping[str, Path]  # key -> where it stands, if not in the test itself
    own: schema.TestKeys
    defaults: schema.TestKeys
    place: Path
    runs: list[Run] = field(default_factory=list)

    def _of(self, key: str) -> Any:
        return getattr(self.defaults if key in self.prefixes else self.own, key)

    def _path(self, key: str) -> Path:
        return (*self.prefixes.get(key, self.place), key)

    def _items(self, key: str) -> Iterator[tuple[Any, Path]]:
        """The blocks of a key that holds one or more, with their places."""
        value, path = self._of(key), self._path(key)
        if isinstance(value, list):
            yield from ((one, (*path, number)) for number, one in enumerate(value))
        else:
            yield value, path

    def make(self, name: str, rule_files: tuple[str, ...]) -> Scenario:
        return Scenario(
            name=name,
            start=START if self._of("start_timestamp") is None else self._of("start_timestamp"),
            rule_files=rule_files,
            tags=tuple(self._of("tags")),
            runs=tuple(run for block, path in self._items("alerts") for run in _runs(block, path)),
            acts=tuple(_act(block, path) for block, path in self._items("people")),
            turns=tuple(
                Turn(block.at, channel, mood, (*path, channel))
                for block, path in self._items("channels")
                for channel, mood in block.turns.items()
            ),
            away=tuple(Away(block.down, block.up) for block, _ in self._items("daemon")),
            reloads=tuple(
                Reload(block.at, tuple(block.rule_files), (*path, "rule_files"))
                for block, path in self._items("reload")
            ),
            pauses=tuple(Pause(block.at, block.until, path) for block, path in self._items("pause")),
            expects=tuple(_expect(block, path) for block, path in self._items("expect")),
            strict=self._of("strict"),
            only=self._of("only"),
            place=self.place,
        )


def _runs(block: schema.AlertBlock, place: Path) -> Iterator[Run]:
    """Each combination of ``vary`` is one alert, each round of ``again`` one episode of it."""
    values = {
        name: [str(number) for number in range(1, given + 1)] if isinstance(given, int) else given
        for name, given in block.vary.items()
    }
    for chosen in itertools.product(*values.values()):
        labels = {**block.labels, **dict(zip(values, chosen, strict=True))}
        shift = 0
        while True:
            resolves = None if block.resolves is None else block.resolves + shift
            yield Run(labels, block.fires + shift, resolves, block.annotations, place)
            if block.again is None or block.fires + shift + block.again.every >= block.again.until:
                break
            shift += block.again.every


def _which(block: schema.WhichBlock | None) -> Which | None:
    return None if block is None else Which(block.route, block.labels)


def _act(block: schema.PersonBlock, place: Path) -> Act:
    acts = set(block.acts)
    alone = next(iter(acts - schema.WITH_UPDATE), "update")
    words = {"resolve": block.resolve, "retract": block.retract}.get(alone)
    said = words if isinstance(words, str) else ""
    components = block.components or schema.ComponentsBlock()
    return Act(
        at=block.at,
        act=alone,  # type: ignore[arg-type] # one of the words of ACTS
        who=block.who,
        text=block.update or (said if alone == "resolve" else ""),
        title=block.open or block.title or "",
        status=block.status,
        impact=block.impact,
        add=tuple(components.add),
        remove=tuple(components.remove),
        to=tuple(block.to),
        promise=block.promise,
        plan=block.plan or "",
        step=block.approve or block.veto or "",
        reason=said if alone == "retract" else "",
        incident=_which(block.incident),
        refused=block.refused,
        place=place,
    )


def _expect(block: schema.ExpectBlock, place: Path) -> Expect:
    def each(given: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
        return {name: tuple(steps) for name, steps in given.items()}

    return Expect(
        at=block.at,
        incident=_which(block.incident),
        incidents=block.incidents,
        status=block.status,
        impact=block.impact,
        plan=block.plan,
        components=block.components,
        told=None if block.told is None else tuple(block.told),
        posts=each(block.posts),
        new_posts=each(block.new_posts),
        waiting=None if block.waiting is None else tuple(block.waiting),
        queued=each(block.queued),
        asked=each(block.asked),
        skipped=block.skipped,
        promises=None if block.promises is None else Promises(block.promises.kept, block.promises.broken),
        longest_silence=block.longest_silence,
        next=None if block.next is None else Next(block.next.step, block.next.at),
        texts=tuple(_words(one, (*place, "texts", number)) for number, one in enumerate(block.texts)),
        place=place,
    )


def _words(block: schema.WordsBlock, place: Path) -> Words:
    return Words(
        step=block.step,
        on=block.on,
        equals=block.equals,
        contains=tuple(block.contains),
        lacks=tuple(block.lacks),
        matches=block.matches,
        max_length=block.max_length,
        place=place,
    )
