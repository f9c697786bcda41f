"""The shape of the code: sizes, clocks and environment in one place, a sentence on every test."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.sources import PACKAGES, ROOT, dotted, functions, sources, tree

LONGEST_FILE = 400
LONGEST_CHANNEL = 200
LONGEST_FUNCTION = 40
CLOCK = Path("daemon/core/clock.py")
ENVIRONMENT = Path("config/environment.py")
TIME_CALLS = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep")),
    *(f"{module}datetime.{name}" for module in ("", "datetime.") for name in ("now", "utcnow", "today")),
    *(f"{module}date.today" for module in ("", "datetime.")),
    "asyncio.sleep",
    "loop.time",
}
TIME_NAMES = {"time": {"time", "time_ns", "monotonic", "perf_counter", "sleep"}, "asyncio": {"sleep"}}
OURS = sources(*PACKAGES)
TESTS = tuple(file for file in sources("tests") if file.name.startswith("test_"))


def offenders(found: Iterable[str]) -> str:
    return "\n".join(found)


def test_files_are_short() -> None:
    """A file is about one noun: at most 400 lines, a channel's at most 200."""
    found = []
    for file in OURS:
        lines = (ROOT / file).read_text(encoding="utf-8").count("\n")
        if lines > (LONGEST_CHANNEL if file.parts[0] == "channels" else LONGEST_FILE):
            found.append(f"{file} has {lines} lines; split it by noun")
    assert not found, offenders(found)


def test_functions_are_short() -> None:
    """A function does one thing: at most 40 lines, its docstring not counted."""
    found = []
    for file in OURS:
        for function in functions(file):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            first = function.body[0]
            if ast.get_docstring(function) is not None:
                length -= (first.end_lineno or first.lineno) - first.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{file}:{function.lineno}: {function.name} has {length} lines")
    assert not found, offenders(found)


def test_time_comes_from_the_clock() -> None:
    """Clocks are read, and slept by, in daemon/core/clock.py alone."""
    found = [line for file in OURS if file != CLOCK for line in _clock_reads(file)]
    assert not found, offenders(found)


def test_clock_reads_are_seen() -> None:
    """The check above sees what it looks for: the clock's own file is full of it."""
    assert len(list(_clock_reads(CLOCK))) >= 5


def _clock_reads(file: Path) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and dotted(node.func) in TIME_CALLS:
            yield f"{file}:{node.lineno}: {dotted(node.func)}()"
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("get_running_loop().time"):
            yield f"{file}:{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom):
            for name in TIME_NAMES.get(node.module or "", set()) & {alias.name for alias in node.names}:
                yield f"{file}:{node.lineno}: from {node.module} import {name}"


def test_environment_is_read_in_one_place() -> None:
    """Nobody but config/environment.py looks at the process environment."""
    names = {"os.environ", "os.getenv", "os.environb"}
    found = [
        (file, f"{file}:{node.lineno}: {dotted(node)}")
        for file in OURS
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and dotted(node) in names
    ]
    assert {file for file, _ in found} == {ENVIRONMENT}, offenders(line for _, line in found)


def test_modules_say_what_they_own() -> None:
    """Every module begins with a docstring."""
    found = [str(file) for file in (*OURS, *sources("tests", "bench")) if not ast.get_docstring(tree(file))]
    assert not found, offenders(found)


def test_tests_say_what_they_show() -> None:
    """Every test has one sentence that says what it shows."""
    found = [
        f"{file}:{one.lineno}: {one.name}"
        for file in TESTS
        for one in functions(file)
        if one.name.startswith("test_") and not ast.get_docstring(one)
    ]
    assert not found, offenders(found)


def test_tests_do_not_sleep() -> None:
    """No test waits for time to pass; `asyncio.sleep(0)` gives others a turn and is no wait."""
    found = [
        f"{file}:{node.lineno}: {ast.unparse(node)}"
        for file in TESTS
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and dotted(node.func) in {"time.sleep", "asyncio.sleep"}
        if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]
    assert not found, offenders(found)
