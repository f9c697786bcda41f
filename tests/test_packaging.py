"""What keeps four generic top-level names safe, and the project's files in step with each other."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.sources import PACKAGES, ROOT, sources, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_owns_our_names(name: str) -> None:
    """`daemon`, `rules`, `channels` and `config` come from us, or from nobody (an editable install)."""
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"tocsin"}, f"{owners} overwrite our package {name}: use an environment of its own"


@pytest.mark.parametrize("name", PACKAGES)
def test_our_packages_are_imported(name: str) -> None:
    """The imported package is the one of this repository."""
    module = __import__(name)
    assert Path(str(module.__file__)).parent == ROOT / name


def test_the_wheel_has_exactly_four_roots() -> None:
    """The build lists the four packages by name: nothing is discovered."""
    assert sorted(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(PACKAGES)


@pytest.mark.parametrize(
    "file", [one for one in sources(*PACKAGES, "tests") if one.name == "__init__.py"], ids=Path.as_posix
)
def test_package_files_are_a_docstring(file: Path) -> None:
    """An __init__.py holds nothing that could be lost, run, or make a hidden cycle."""
    body = tree(file).body
    assert len(body) == 1
    assert ast.get_docstring(tree(file))


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_folders_with_code_are_packages(folder: str) -> None:
    """Each folder with a Python file has an __init__.py, so no name is found by accident."""
    folders = {file.parent for file in sources(folder)}
    assert not [str(one) for one in folders if not (ROOT / one / "__init__.py").is_file()]


def test_import_contracts_hold() -> None:
    """Imports point the way that docs and pyproject.toml say."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_changelog_knows_the_version() -> None:
    """The version in pyproject.toml is in the changelog, released or coming."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert "## [Unreleased]" in changelog
    assert not released or released[0] == PROJECT["project"]["version"]


def test_the_dockerfile_copies_what_the_wheel_needs() -> None:
    """Every package and file that the build reads is in the build's context, and nothing else is."""
    copied = set(
        re.findall(
            r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    names = {name for line in copied for name in line.split()}
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line[0] == "!"
    }
    assert {*PACKAGES, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"} <= names
    assert {name.split("/")[0] for name in names} == allowed


def test_the_image_runs_without_root_and_shell() -> None:
    """The last stage has a number for its user, and commands that need no shell."""
    last = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    assert "USER 10001:10001" in last
    assert "PYTHONSAFEPATH=1" in last
    assert not re.search(r"^RUN ", last, re.MULTILINE)
    for command in re.findall(r"(?:CMD|ENTRYPOINT) (.+)$", last, re.MULTILINE):
        assert command.startswith("["), command


@pytest.mark.parametrize("file", [".ci/run", "Makefile", "Dockerfile", "systemd/tocsin.service"])
def test_no_path_of_one_machine(file: str) -> None:
    """What others run names no folder of a developer's machine."""
    assert not re.search(r"/(home|root|work|tmp/\w)/", (ROOT / file).read_text(encoding="utf-8"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_ci_script_is_bash() -> None:
    """The CI script parses, and is executable."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False, timeout=10).returncode == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["demo", "run", "test", "lint", "docs", "bench", "clean"])
def test_make_has_the_target(target: str) -> None:
    """Each target that the README names is there, with commands."""
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert ".venv" in done.stdout


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    """Without a fitting Python the Makefile says what it needs and how to name one."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for name in ("sh", "make"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [tmp_path / "make", "test"], cwd=tmp_path, env={"PATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
