"""The gate on labelled texts: what it found, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rules.words.finding import Finding, Severity
from rules.words.gate import check
from rules.words.labelled import FOLDER, Labelled, read_folder
from rules.words.settings import Settings

MEASURED = Path(__file__).parent / "measured"
UNSEEN = Path(__file__).parent / "unseen"
FOLDERS = {"worked on": FOLDER, "measured": MEASURED, "unseen": UNSEEN}
PARTS_ONLY = ("incomplete", "vague")  # checks of whole updates; a sentence alone is never complete


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled text with what the gate found."""

    one: Labelled
    findings: tuple[Finding, ...]

    @property
    def stopped(self) -> bool:
        return any(finding.severity is Severity.error for finding in self.findings)

    @property
    def named(self) -> bool:
        """Whether the check that it is about found something."""
        return any(finding.check == self.one.check for finding in self.findings)


@dataclass(slots=True)
class Figures:
    """Shares over some texts; 1.0 where there are none."""

    judged: list[Judged] = field(default_factory=list)

    def share(self, label: str, *, stopped: bool) -> float:
        chosen = [one for one in self.judged if one.one.label == label]
        hits = sum(one.stopped if stopped else bool(one.findings) for one in chosen)
        return hits / len(chosen) if chosen else 1.0

    @property
    def recall_by_error(self) -> float:
        return self.share("bad", stopped=True)

    @property
    def recall(self) -> float:
        """By any finding, over what should be an error and what should be a warning."""
        chosen = [one for one in self.judged if one.one.label != "good"]
        return sum(bool(one.findings) for one in chosen) / len(chosen) if chosen else 1.0

    @property
    def good_without_error(self) -> float:
        return 1 - self.share("good", stopped=True)

    @property
    def good_without_finding(self) -> float:
        return 1 - self.share("good", stopped=False)


def judge(one: Labelled, *, model: bool = True) -> Judged:
    """Put one labelled text before the gate."""
    parts = () if one.whole else PARTS_ONLY if one.check != "vague" else ("incomplete",)
    settings = Settings(
        phase=one.phase,
        audience=one.audience,
        earlier=one.earlier,
        severities=dict.fromkeys(parts, Severity.off),
        model=model,
    )
    return Judged(one, check(one.text, settings))


def judged(folder: Path, *, model: bool = True) -> Figures:
    return Figures([judge(one, model=model) for one in read_folder(folder)])


def confusion(figures: Figures) -> Counter[tuple[str, str]]:
    """How often a text about one thing was found by another check ("nothing": by none)."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in figures.judged:
        if one.one.label == "good":
            counted.update((f"good ({one.one.check})", name) for name in checks_of(one.findings))
        elif not one.named:
            counted.update((one.one.check, name) for name in checks_of(one.findings) or ["nothing"])
    return counted


def checks_of(findings: Iterable[Finding]) -> list[str]:
    return sorted({finding.check for finding in findings})
