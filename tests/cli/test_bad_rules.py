"""Rule files that are wrong on purpose: each is one clear message with its place, and nothing hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.errors import LoadError
from rules.load import load
from tests.cli.terminal import run
from tests.rules.files import MINIMAL, SITE, changed

pytestmark = pytest.mark.timeout(30)  # a busy machine; a hang would take for ever
ADDED = MINIMAL.count("\n") + 1  # the line after the good file

IF = "every: 30m, if: '{}',"
BAD: dict[str, tuple[str, str, str]] = {
    "broken YAML": (changed("name: Checkout", 'name: "Checkout'), "5:", "R002"),
    "a tab": (MINIMAL + "texts:\n\tholding: x\n", f"{ADDED + 1}:1:", "R002"),
    "a bomb of aliases": (
        MINIMAL + "texts: &a { k: &b [x] }\n" + "".join(f"t{n}: [{'*b, ' * 9}*b]\n" for n in range(9)),
        f"{ADDED}:8:", "R003",
    ),
    "a bomb of brackets": (MINIMAL + "texts: " + "[" * 100_000, f"{ADDED}:", "R003"),
    "too many values": (MINIMAL + "waive: [" + "a," * 30_000 + "]", f"{ADDED}:", "R003"),
    "a duplicate key": (changed("kind: slack,", "kind: slack, kind: x,"), "3:23:", "R004"),
    "a second document": (MINIMAL + "---\nroutes: []\n", f"{ADDED}:1:", "R003"),
    "a control character": (MINIMAL + "texts: { holding: \x00 }\n", f"{ADDED}:19:", "R002"),
    "not UTF-8": (MINIMAL + "# \udcff\n", f"{ADDED}:3:", "R001"),
    "two megabytes": ("#" * (2 << 20), "1:1:", "R001"),
    "a regular expression that needs too much": (
        changed('service="checkout"', 'service=~"(a{500}){500}"'), "5:", "R011",
    ),
    "a regular expression with a look behind": (
        changed('service="checkout"', 'service=~"(?<=a)b"'), "5:", "R011",
    ),
    "a division by zero": (changed("every: 30m,", IF.format("1 / 0 > alerts_firing")), "15:45:", "R012"),
    "a division that is always by zero": (
        changed("every: 30m,", IF.format("1 / (alerts_firing - alerts_firing) > 1")), "15:", "R012",
    ),
    "an expression without an end": (changed("every: 30m,", IF.format("(" * 500)), "15:", "R012"),
    "a template over a range": (
        MINIMAL + "texts: { holding: '{% for a in range(9) %}x{% endfor %}' }\n", f"{ADDED}:", "R014",
    ),
    "a template that calls itself": (
        MINIMAL + "texts: { holding: '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}' }\n", f"{ADDED}:",
        "R014",
    ),
    "a recursive loop": (
        MINIMAL + "texts: { holding: '{% for c in components recursive %}{{ loop(c) }}{% endfor %}' }\n",
        f"{ADDED}:", "R014",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_one_message_with_its_place(name: str, tmp_path: Path) -> None:
    """Exit 1; the first line names file, line, column, the code and a remedy; nothing is half loaded."""
    text, place, code = BAD[name]
    file = tmp_path / "rules.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = run("rules", "check", str(file))
    lines = found.out.splitlines()
    mine = [line for line in lines if line.endswith(f"[{code} error]")]
    assert found.code == 1
    assert len(mine) >= 1, lines
    assert mine[0].startswith(f"{file}:{place}"), mine[0]
    assert "; " in mine[0], "it says what to do"
    assert len(mine[0]) < 1_000
    with pytest.raises(LoadError):
        load([file], site=SITE)


@pytest.mark.parametrize("what", ["a folder", "/dev/zero", "a link to itself", "not there"])
def test_what_is_no_file(what: str, tmp_path: Path) -> None:
    """A device without an end is read no further than a file may be long."""
    path = tmp_path / "rules.yaml"
    if what == "a folder":
        path.mkdir()
    elif what == "a link to itself":
        path.symlink_to(path)
    elif what == "/dev/zero":
        path.symlink_to(what)
    found = run("rules", "check", str(path))
    assert found.code == 1
    assert found.out.startswith(f"{path}:1:1: ")
    assert "[R001 error]" in found.out


def test_a_broken_test_file_is_named(tmp_path: Path) -> None:
    """With its own place; the rule file is judged all the same."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(MINIMAL, encoding="utf-8")
    (tmp_path / "rules.test.yaml").write_text("rule_files: [ rules.yaml ]\ntests: [ *a ]\n", encoding="utf-8")
    (tmp_path / "more.test.yaml").mkdir()
    found = run("rules", "check", str(rules))
    assert found.code == 1
    assert f"{tmp_path}/rules.test.yaml:2:10: has an alias (*)" in found.out
    assert f"{tmp_path}/more.test.yaml:1:1: cannot be read" in found.out
