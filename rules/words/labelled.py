"""Labelled sentences: families of one idea, each line good, bad (an error) or grey (at least a warning)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rules.words.settings import Phase

Label = Literal["good", "grey", "bad"]
LABELS: tuple[Label, ...] = ("good", "grey", "bad")
FOLDER = Path(__file__).parent / "sentences"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with what is known of it; ``check`` is what the family is about."""

    text: str
    label: Label
    check: str
    family: str
    phase: Phase
    audience: str
    whole: bool  # a whole update, so that its parts count
    earlier: str = ""  # the update before it


def read_folder(folder: Path = FOLDER) -> Iterator[Labelled]:
    """All labelled texts of a folder, in the order of files and lines."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only for training, reports and tests

    yaml = YAML(typ="safe", pure=True)
    for file in sorted(folder.glob("*.yaml")):
        for family in yaml.load(file.read_text(encoding="utf-8")):
            for label in LABELS:
                for line in str(family.get(label, "")).strip().splitlines():
                    if line.strip():
                        yield Labelled(
                            line.strip(),
                            label,
                            family.get("check", file.stem),
                            f"{file.stem}: {family['family']}",
                            family.get("phase", "progress"),
                            family.get("audience", "public"),
                            bool(family.get("whole", False)),
                            family.get("earlier", ""),
                        )
