"""Findings about the test files beside rule files: routes and plans that no test reaches.

A test file is read here as far as its alerts go; the whole of it is the test
runner's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

from rules.check_plans import speaks_in_public
from rules.declared import Gathered
from rules.errors import Problem
from rules.load import read_documents
from rules.model import Plan, RuleSet
from rules.yaml_source import Document

UNREADABLE, UNTESTED, NOT_STRICT = "R064", "R054", "R055"
ENDING = ".test.yaml"
MOST_ALERTS = 10_000  # of one file that are looked at


@dataclass(frozen=True, slots=True)
class TestFile:
    """One test file: its rule files (names alone), and the labels of each test's alerts."""

    __test__ = False  # no class for pytest

    document: Document
    rule_files: frozenset[str] = frozenset()
    tests: tuple[tuple[bool, tuple[dict[str, str], ...]], ...] = ()  # strict, labels
    problems: tuple[Problem, ...] = field(default=())


def beside(paths: Iterable[Path | str]) -> list[TestFile]:
    """The test files in the folders of these rule files."""
    folders = dict.fromkeys(Path(path).parent for path in paths)
    found = [file for folder in folders for file in sorted(folder.glob(f"*{ENDING}"))]
    return [read(document) for document in read_documents(found)]


def read(document: Document) -> TestFile:
    """What a test file says about alerts; what is wrong with it is a problem of the file."""
    data = document.data
    if document.problems or not isinstance(data, dict):
        broken = tuple(document.problems) or (_wrong(document, (), "is no test file"),)
        return TestFile(document, problems=broken)
    names = data.get("rule_files")
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        return TestFile(document, problems=(_wrong(document, ("rule_files",), "names no rule files"),))
    defaults = data.get("defaults") if isinstance(data.get("defaults"), dict) else {}
    tests: list[tuple[bool, tuple[dict[str, str], ...]]] = []
    problems: list[Problem] = []
    given = data.get("tests")
    for number, test in enumerate(given if isinstance(given, list) else []):
        whole = {**(defaults or {}), **test} if isinstance(test, dict) else {}
        if not isinstance(whole.get("alerts", []), list):
            problems.append(_wrong(document, ("tests", number, "alerts"), "is no list of alerts"))
            continue
        labels = tuple(islice(_labels(whole.get("alerts", [])), MOST_ALERTS))
        tests.append((whole.get("strict") is True, labels))
    files = frozenset(Path(name).name for name in names)
    return TestFile(document, files, tuple(tests), tuple(problems))


def findings(gathered: Gathered, rules: RuleSet, files: Sequence[TestFile]) -> Iterator[Problem]:
    """Routes that no test's alerts reach, and public plans without a strict test."""
    own = {Path(document.file).name for document in gathered.documents}
    about = [one for one in files if one.problems or one.rule_files & own]
    for one in about:
        yield from one.problems
    if not about:
        yield from _no_tests(gathered)
        return
    routes, plans = _reached(rules, about)
    for declared in gathered.routes:
        if declared.id not in routes:
            document, path = declared.at("id")
            message = f"no test has an alert that reaches the route {declared.id}"
            remedy = "add a test, or try one with `tocsin rules which`"
            yield document.problem(
                path, message, remedy, code=UNTESTED, severity="warning", subject=declared.id
            )
    for key, plan in gathered.plans.items():
        if _is_public(rules, rules.plans[key]) and key not in plans:
            document, path = plan.at()
            message = f"no strict test has an incident on the public plan {key}"
            remedy = "add a test with `strict: true`, so that no post comes as a surprise"
            yield document.problem(
                path, message, remedy, code=NOT_STRICT, at_key=True, severity="warning", subject=key
            )


def _no_tests(gathered: Gathered) -> Iterator[Problem]:
    """One finding for all, where nobody has begun to write tests."""
    for document in gathered.documents:
        name = Path(document.file)
        if any(one.document is document for one in gathered.routes):
            yield document.problem(
                (), "no test file beside it names this file: no route is tested",
                f"write {name.with_suffix('').name}{ENDING} with rule_files: [ {name.name} ]",
                code=UNTESTED, severity="warning", subject="tests",
            )  # fmt: skip


def _reached(rules: RuleSet, files: Iterable[TestFile]) -> tuple[set[str], set[str]]:
    """The routes that some alert reaches, and the plans that a strict test may come to."""
    routes: set[str] = set()
    plans: set[str] = set()
    for strict, labels in (test for one in files for test in one.tests):
        for alert in labels:
            for taken in rules.router(alert):
                routes.add(taken.route.id)
                if strict:
                    plans |= {taken.route.plan, *(line.plan for line in taken.route.raises)}
    while more := {
        step.set_plan for name in plans & rules.plans.keys() for step in rules.plans[name].steps
    } - plans:  # fmt: skip
        plans |= more
    return routes, plans


def _is_public(rules: RuleSet, plan: Plan) -> bool:
    return any(speaks_in_public(rules, step) for step in plan.steps)


def _labels(alerts: Iterable[Any]) -> Iterator[dict[str, str]]:
    """The label sets of a test's alerts; `vary` makes one of each combination."""
    for alert in alerts:
        if not isinstance(alert, dict):
            continue
        labels = alert.get("labels")
        own = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
        vary = alert.get("vary")
        if not isinstance(vary, Mapping) or not vary:
            yield own
            continue
        names = [str(name) for name in vary]
        for values in product(*(_values(str(name), vary[name]) for name in vary)):
            yield own | dict(zip(names, values, strict=True))


def _values(name: str, given: Any) -> list[str]:
    if isinstance(given, int) and not isinstance(given, bool):
        return [f"{name}-{number}" for number in range(1, min(given, MOST_ALERTS) + 1)]
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def _wrong(document: Document, path: tuple[str | int, ...], message: str) -> Problem:
    remedy = "write rule_files: [ FILE ] and tests: [ { alerts: [ { labels: { ... }, fires: 0m } ] } ]"
    return document.problem(path, message, remedy, code=UNREADABLE)
