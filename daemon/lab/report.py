"""Results of a run as text, as data and as JUnit's XML."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from daemon.lab.difference import ALIKE, Difference
from daemon.lab.testing import Result, Run
from rules import durations

WIDEST = 40
"""Columns of a step's name or a value before its remark."""


def lines_of(run: Run) -> Iterator[str]:
    """What is wrong, test by test, and a last line with the counts."""
    for result in run.results:
        if not result.passed:
            yield from _failed(result)
            yield ""
    for result in run.only:
        where = _where(result, (*result.scenario.place, "only"))
        yield f"{where}: only: this test ran alone; take `only` out again"
    yield _summary(run)


def _summary(run: Run) -> str:
    failed = sum(not one.passed for one in run.results)
    parts = [f"{len(run.results) - failed} passed"]
    if failed:
        parts.append(f"{failed} failed")
    if run.left_out:
        parts.append(f"{run.left_out} left out")
    return f"{', '.join(parts)} in {sum(one.outcome.seconds for one in run.results):.2f} s"


def _failed(result: Result) -> Iterator[str]:
    yield f"FAIL {result.scenario.name}"
    for trouble in result.outcome.troubles:
        yield f"  {_where(result, trouble.place)}: at {durations.show(trouble.at)}: {trouble.message}"
    for one in result.outcome.differences:
        yield f"  {_where(result, one.place)}: at {durations.show(one.at)}: {one.what}"
        yield from (f"    {line}" for line in shown(one))
    span = durations.show(max((one.at for one in result.scenario.expects), default=result.scenario.last))
    name = shlex.quote(result.scenario.name)
    file = shlex.quote(result.file.document.file)
    yield f"  all of it: tocsin rules simulate {file} --test {name} --for {span}"


def shown(difference: Difference) -> Iterator[str]:
    """The lines of one difference: `-` is expected and lacks, `+` is there and was not expected."""
    width = min(max((len(line.text) for line in difference.lines), default=0), WIDEST)
    for line in difference.lines:
        yield f"{line.sign} {line.text:<{width}}  {line.remark}".rstrip()
    yield from (f"({note})" for note in difference.notes)


def _where(result: Result, place: tuple[str | int, ...]) -> str:
    line, column = result.file.where(place)
    return f"{result.file.document.file}:{line}:{column}"


def data_of(run: Run) -> dict[str, Any]:
    """The same for programs."""
    return {
        "passed": run.passed,
        "left_out": run.left_out,
        "only": [one.scenario.name for one in run.only],
        "tests": [_data(one) for one in run.results],
    }


def _data(result: Result) -> dict[str, Any]:
    troubles = [
        {"place": _where(result, one.place), "at": durations.show(one.at), "what": one.message, "lines": []}
        for one in result.outcome.troubles
    ]
    differences = [
        {
            "place": _where(result, one.place), "at": durations.show(one.at), "what": one.what,
            "expected": [line.text for line in one.lines if line.sign in "-" + ALIKE],
            "got": [line.text for line in one.lines if line.sign in "+" + ALIKE],
            "notes": list(one.notes),
        }
        for one in result.outcome.differences
    ]  # fmt: skip
    return {
        "file": result.file.document.file,
        "name": result.scenario.name,
        "tags": list(result.scenario.tags),
        "passed": result.passed,
        "seconds": round(result.outcome.seconds, 4),
        "differences": [*troubles, *differences],
    }


def junit_of(run: Run) -> bytes:
    """JUnit's XML, as CI systems read it: one suite a file, one case a test."""
    root = ET.Element("testsuites", name="tocsin rules test")
    suites: dict[str, ET.Element] = {}
    for result in run.results:
        file = result.file.document.file
        suite = suites.get(file)
        if suite is None:
            suite = suites[file] = ET.SubElement(root, "testsuite", name=file)
        line, _ = result.file.where(result.scenario.place)
        case = ET.SubElement(
            suite, "testcase", name=_clean(result.scenario.name), classname=file, file=file, line=str(line),
            time=f"{result.outcome.seconds:.4f}",
        )  # fmt: skip
        if not result.passed:
            told = _clean("\n".join(_failed(result)))
            failure = ET.SubElement(case, "failure", message=told.splitlines()[1].strip(), type="expectation")
            failure.text = told
    for file, suite in suites.items():
        mine = [one for one in run.results if one.file.document.file == file]
        suite.set("tests", str(len(mine)))
        suite.set("failures", str(sum(not one.passed for one in mine)))
        suite.set("errors", "0")
        suite.set("time", f"{sum(one.outcome.seconds for one in mine):.4f}")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text)
