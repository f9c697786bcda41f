"""`tocsin words check`: texts, files, standard input, JSON, JSON Lines and rewrites."""

from __future__ import annotations

import json
from pathlib import Path

from ruamel.yaml import YAML

from tests.cli.terminal import run
from tests.rules.files import MINIMAL
from tests.sources import ROOT

AWS = "AWS broke it again, back in 5 minutes!"
GOOD = (
    "We are aware that card payments fail for some customers. Our team is investigating. "
    "We will post the next update by 14:30 UTC."
)


def test_blocked() -> None:
    """Findings with place, severity, words, reason and rewrite; exit 1."""
    found = run("words", "check", AWS, "--phase", "initial")
    assert found.code == 1
    assert '0-18 error blame: "AWS broke it again": ' in found.out
    assert "Instead: we expect it to be back in 5 minutes" in found.out


def test_good() -> None:
    """A good update is good; exit 0."""
    found = run("words", "check", GOOD, "--phase", "initial")
    assert (found.code, found.out) == (0, "good\n")


def test_json() -> None:
    """One object with findings, each with exactly the documented keys."""
    found = run("words", "check", AWS, "--json")
    assert found.code == 1
    first = found.json["findings"][0]
    assert set(first) == {"check", "severity", "start", "end", "text", "why", "suggestion", "fix"}
    assert AWS[first["start"] : first["end"]] == first["text"]


def test_warnings_do_not_block() -> None:
    """What only warns is shown, and the exit code is 0."""
    found = run("words", "check", "Payments fail.", "--phase", "initial", "--json")
    assert found.code == 0
    assert {one["severity"] for one in found.json["findings"]} == {"warn"}


def test_file(tmp_path: Path) -> None:
    """A file is read, and named in each line."""
    file = tmp_path / "update.txt"
    file.write_text(AWS + "\n", encoding="utf-8")
    found = run("words", "check", str(file))
    assert found.code == 1
    assert found.out.startswith(f"{file}: 0-18 error blame")


def test_standard_input() -> None:
    """`-` is standard input."""
    assert run("words", "check", "-", typed=AWS).code == 1


def test_lines(tmp_path: Path) -> None:
    """Many texts in one run: each object comes back with its findings, nothing else added."""
    file = tmp_path / "texts.jsonl"
    lines: list[dict[str, object]] = [
        {"text": GOOD, "phase": "initial", "id": 7},
        {"text": AWS, "phase": "progress", "audience": "public"},
    ]
    file.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    found = run("words", "check", "--jsonl", str(file))
    assert found.code == 1
    first, second = (json.loads(line) for line in found.out.splitlines())
    assert first == lines[0] | {"findings": []}
    assert {one["check"] for one in second["findings"]} == {"blame", "overpromise"}


def test_long_lines_from_standard_input() -> None:
    """A megabyte of text in a line is read whole and refused; the lines after it are checked as well."""
    lines = [
        json.dumps({"text": text}) for text in ("x" * 1_000_000, "Calls\u2028 fail in Spain.", "\ud83d\ude00")
    ]
    found = run("words", "check", "--jsonl", "-", typed="\n".join(lines))
    answers = [json.loads(line)["findings"] for line in found.out.splitlines()]
    assert [[one["check"] for one in findings] for findings in answers] == [["length"], [], ["vague"]]


def test_bad_lines(tmp_path: Path) -> None:
    """What is no text is wrong use, with the line's number."""
    file = tmp_path / "texts.jsonl"
    for text in ("{", "[]", '{"text": 5}', '{"text": "a", "phase": "first"}'):
        file.write_text(f'{{"text": "Calls fail."}}\n{text}\n', encoding="utf-8")
        assert run("words", "check", "--jsonl", str(file)).code == 2


def test_fix(tmp_path: Path) -> None:
    """A text is printed with its rewrites, a file is changed; what a person must do is still said."""
    printed = run("words", "check", "--fix", "Latency is high, Postgres is slow.")
    assert printed.out == "Delay is high, our database is slow.\n"
    assert printed.code == 0
    file = tmp_path / "update.txt"
    file.write_text("Payments will work at 3 pm.", encoding="utf-8")
    assert run("words", "check", "--fix", str(file)).code == 0
    assert file.read_text(encoding="utf-8") == "We expect payments to work at 3 pm."


def test_rule_files(tmp_path: Path) -> None:
    """A rule file's public texts are rendered and checked; its words block counts."""
    assert run("words", "check", str(ROOT / "rules" / "packs" / "starter.yaml")).code == 0
    file = tmp_path / "rules.yaml"
    file.write_text(MINIMAL + 'texts: { investigating: "Hydra lost its quorum." }\n', encoding="utf-8")
    found = run("words", "check", str(file))
    assert found.code == 1
    assert "texts.investigating on page" in found.out
    house = MINIMAL + 'words: { jargon: { add: [ "Hydra" ] } }\n'
    file.write_text(house, encoding="utf-8")
    assert run("words", "check", "--rules", str(file), "Hydra is slow.").code == 1


def test_hooks() -> None:
    """The hooks for pre-commit call the command with options that it has."""
    hooks = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {one["id"] for one in hooks} >= {"tocsin-words", "tocsin-words-resolution"}
    for one in hooks:
        program, *arguments = one["entry"].split()
        assert program == "tocsin"
        assert run(*arguments, AWS).code == 1


def test_wrong_use() -> None:
    """Unknown words for options are named with those that exist; exit 2."""
    found = run("words", "check", "Calls fail.", "--phase", "first")
    assert found.code == 2
    assert "initial, progress, resolution" in found.err
    assert run("words", "check").code == 2
