"""What one check sees: the text taken apart, with roles, and the settings; and how it makes findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rules.words.finding import Finding, Severity
from rules.words.reading import Reading
from rules.words.settings import Settings


@dataclass(frozen=True, slots=True)
class Scene:
    reading: Reading
    settings: Settings
    memo: dict[str, Any] = field(default_factory=dict, compare=False)  # what several checks need

    def finding(
        self,
        check: str,
        severity: Severity,
        place: tuple[int, int],
        why: str,
        suggestion: str,
        fix: str | None = None,
    ) -> Finding:
        """A finding at a span of the text as given."""
        start, end = place
        text = self.reading.given[start:end]
        return Finding(check, severity, start, end, text, why, fix or suggestion, fix)

    def missing(self, check: str, severity: Severity, why: str, sentence: str) -> Finding:
        """Something that the text lacks: an empty span at its end, with a sentence to add."""
        end = len(self.reading.given)
        return Finding(check, severity, end, end, "", why, sentence.strip(), None)
