"""docs/rules.md: every code has a bad example, and the example has that finding."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from channels.room import rooms
from daemon.core.words import Audience
from rules.check import check, check_sources
from rules.check_tests import read
from rules.check_texts import Room
from rules.errors import Problem
from rules.load import ConfiguredChannel
from rules.yaml_source import parse
from tests.rules.files import MINIMAL, SITE, changed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
ROW = re.compile(r"^\| (R\d{3}) \| ([^|]*) \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)
ROWS = [found.groups() for found in ROW.finditer(PAGE.replace(r"\|", "\0"))]
CONFIGURED = {
    "page": ConfiguredChannel("status_page"),
    "ops": ConfiguredChannel("slack", Audience.internal),
    "x": ConfiguredChannel("x"),
}
TODAY = date(2027, 1, 4)
ROOMS = {kind: Room(*room) for kind, room in rooms().items()}
ELSEWHERE = "*a file that is not there*"


def findings(example: str, folder: Path) -> list[Problem]:
    """What `check` finds in the example: edits, lines at the end, and a test file."""
    if example == ELSEWHERE:
        return check([folder / "none.yaml"], today=TODAY)
    text = MINIMAL
    for old, new in re.findall(r"`([^`]*)` → `([^`]*)`", example):
        before = text[: text.index(old)].rpartition("\n")[2]
        indent = re.match(r" *", before)
        assert indent is not None
        text = changed(old, new.replace(" ⏎ ", "\n" + indent[0]), text)
    added = [f"{line}\n" for line in re.findall(r"\+ `([^`]*)`", example)]
    sources = [("rules.yaml", text + "".join(added))]
    if "*in two files*" in example:
        sources.append(("more.yaml", "".join(added)))
    tests = [read(parse("rules.test.yaml", one)) for one in re.findall(r"tests: `([^`]*)`", example)] or None
    return check_sources(
        sources, site=SITE, configured=CONFIGURED, today=TODAY, rooms=ROOMS, tests=tests
    )  # fmt: skip


def test_the_table_has_every_code() -> None:
    """Each code that the program gives, in order, and no other."""
    used = {
        code
        for file in (ROOT / "rules").glob("*.py")
        for code in re.findall(r'"(R\d{3})"', file.read_text("utf-8"))
    }
    assert [row[0] for row in ROWS] == sorted(used)


def test_the_page_shows_the_file_that_the_examples_change() -> None:
    """It stands there as it is, and has no finding."""
    assert f"```yaml\n{MINIMAL}```" in PAGE
    assert findings("", Path()) == []


@pytest.mark.parametrize(("code", "severity", "means", "example", "remedy"), ROWS, ids=[r[0] for r in ROWS])
def test_each_example_has_its_finding(
    code: str, severity: str, means: str, example: str, remedy: str, tmp_path: Path
) -> None:
    """With the severity of the table, a place in the file and a remedy in its message."""
    assert means
    assert remedy
    found = findings(example.replace("\0", "|"), tmp_path)
    mine = [one for one in found if one.code == code]
    assert mine, [str(one) for one in found]
    for one in mine:
        assert one.severity in severity
        assert one.line >= 1
        assert one.column >= 1
        assert one.remedy or code == "R030"
    others = {one.code for one in found if one.code != code and one.severity == "error"}
    assert not others or code == "R059", f"{code} is not alone: {others}"
