"""Rule files by name, each set loaded once however many tests use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rules.build import Configured
from rules.load import load
from rules.model import RuleSet, Site


class RuleShelf:
    """``configured`` are the daemon's channels; None: all that the rules name are taken as configured."""

    def __init__(self, site: Site, configured: Configured | None = None) -> None:
        self._site = site
        self._configured = configured
        self._sets: dict[tuple[Path, ...], RuleSet] = {}

    def load(self, files: Sequence[Path]) -> RuleSet:
        """The rule set of these files.  Raises LoadError."""
        key = tuple(files)
        if key not in self._sets:
            self._sets[key] = load(files, site=self._site, configured=self._configured)
        return self._sets[key]
