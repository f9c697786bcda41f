"""What the gate says about a text: a finding, and how much it weighs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CHECKS = (
    "blame",
    "overpromise",
    "jargon",
    "minimising",
    "speculation",
    "unprofessional",
    "vague",
    "incomplete",
    "leak",
    "length",
    "repeat",
    "tone",
)
"""All checks, in the order of their findings at one place."""


class Severity(StrEnum):
    """``error`` blocks, ``warn`` shows, ``off`` is not looked for."""

    error = "error"
    warn = "warn"
    off = "off"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the gate found.

    ``start`` and ``end`` count characters of the text as it was given;
    an empty span at its end means that something is missing.  ``fix`` is what
    to put in place of the span, where that can be computed; ``suggestion`` is
    the same or, without one, advice.
    """

    check: str
    severity: Severity
    start: int
    end: int
    text: str
    why: str
    suggestion: str
    fix: str | None = None

    def as_data(self) -> dict[str, object]:
        """The finding as JSON has it."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "why": self.why,
            "suggestion": self.suggestion,
            "fix": self.fix,
        }


def blocks(findings: tuple[Finding, ...]) -> bool:
    """Whether any of them keeps the text from going out."""
    return any(one.severity is Severity.error for one in findings)
