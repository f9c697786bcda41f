"""The README cannot lie: its files load, its commands exist, its pictures and links are there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from config.load import load as load_configuration
from daemon.cli.main import app
from daemon.rule_files import load_current
from rules.check import check
from rules.model import Site

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation of lists."""
    return [
        "\n".join(line.removeprefix(indent) for line in body.splitlines()) + "\n"
        for indent, name, body in FENCE.findall(README)
        if name == language
    ]


def named(name: str) -> str:
    (found,) = [block for block in blocks("yaml") if block.startswith(f"# {name}\n")]
    return found


def commands() -> list[list[str]]:
    """Every `tocsin` command line of a console block, without comments."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    lines += re.findall(r"`(tocsin [^`]+)`", README)
    told = [line.removeprefix("$ ") for line in lines]
    return [shlex.split(line, comments=True)[1:] for line in told if line.startswith("tocsin ")]


def test_the_configuration_loads_with_the_starter_rules(tmp_path: Path) -> None:
    """Step 2 as it stands is accepted, and its rules fit it."""
    file = tmp_path / "tocsin.yaml"
    file.write_text(named("tocsin.yaml"))
    configuration = load_configuration(file, {})
    rules = load_current(configuration.settings, configuration.rule_files)
    assert rules.has_page


def test_the_rule_is_right(tmp_path: Path) -> None:
    """The rule that is explained line by line has no finding."""
    file = tmp_path / "rules.yaml"
    file.write_text(named("rules.yaml"))
    assert [str(problem) for problem in check([file], site=Site())] == []


@pytest.mark.external
@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_takes_its_lines(tmp_path: Path) -> None:
    """Step 4 is a whole alertmanager.yml."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(named("alertmanager.yml"))
    subprocess.run(["amtool", "check-config", str(file)], check=True, capture_output=True)


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_command_exists(line: list[str]) -> None:
    """Each command line parses: the command is there and takes these options and arguments."""
    command = get_command(app)
    context = command.make_context("tocsin", list(line), resilient_parsing=True)
    words = [word for word in line if not word.startswith("-")]
    while words and hasattr(command, "get_command"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no {words[0]}"
        command = found
        words.pop(0)
    options = {name for parameter in command.params for name in parameter.opts}
    for word in line:
        assert not word.startswith("--") or word in options, f"{word} is no option of {command.name}"


def test_make_targets_exist() -> None:
    """Every `make` target that is named is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", " ".join(blocks("console")))) <= targets


def test_links_and_pictures_are_there() -> None:
    """No link leads nowhere, and no picture is heavy."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        path = ROOT / target
        assert path.exists(), target
        if path.suffix in {".png", ".svg"}:
            assert path.stat().st_size < 160_000, target


def test_it_is_short() -> None:
    """About 120 lines; the rest belongs into docs."""
    assert len(README.splitlines()) <= 140
