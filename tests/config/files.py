"""What tests of the configuration share: write a file, load it, read the complaints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from config.load import Configuration, load
from daemon.core.errors import BadConfig

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "tocsin.example.yaml"


def write(folder: Path, text: str, name: str = "tocsin.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text), encoding="utf-8")
    return file


def loaded(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    return load(write(folder, text), environ or {})


def complaints(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines of the error, without the folder."""
    with pytest.raises(BadConfig) as caught:
        loaded(folder, text, environ)
    return str(caught.value).replace(f"{folder}/", "").splitlines()
