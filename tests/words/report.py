"""`make words-report`: precision and recall of the gate, per check and severity, with the confusion list.

The texts of the measured parts are never printed: who reads them, tunes on them.
"""

from __future__ import annotations

import argparse

from rules.words.finding import CHECKS, Severity
from tests.words.scoring import FOLDERS, Figures, confusion, judged


def main() -> None:
    parser = argparse.ArgumentParser(prog="make words-report", description=__doc__)
    parser.add_argument("--patterns", action="store_true", help="the first layer alone")
    options = parser.parse_args()
    for name, folder in FOLDERS.items():
        report(name, judged(folder, model=not options.patterns))


def report(name: str, figures: Figures) -> None:
    labels = [one.one.label for one in figures.judged]
    counts = ", ".join(f"{labels.count(label)} {label}" for label in ("bad", "grey", "good"))
    print(f"\n## {name}: {counts}\n")
    print(f"recall by error {figures.recall_by_error:.3f}, by any finding {figures.recall:.3f}")
    print(f"good without an error {figures.good_without_error:.3f}, without any finding ", end="")
    print(f"{figures.good_without_finding:.3f}\n")
    print("| check | texts | recall by error | recall by any | precision of errors | precision of warnings |")
    print("|---|---|---|---|---|---|")
    for check in CHECKS:
        print(row(check, figures))
    print("\nconfusion (what it is about -> what was found):")
    for (about, found), count in sorted(confusion(figures).items(), key=lambda one: (-one[1], one[0])):
        print(f"  {count:3} {about} -> {found}")


def row(check: str, figures: Figures) -> str:
    own = Figures([one for one in figures.judged if one.one.check == check])
    texts = sum(one.one.label != "good" for one in own.judged)
    shares = "- | -" if not texts else f"{own.recall_by_error:.2f} | {own.recall:.2f}"
    errors, warnings = (precision(check, severity, figures) for severity in (Severity.error, Severity.warn))
    return f"| {check} | {texts} | {shares} | {errors} | {warnings} |"


def precision(check: str, severity: Severity, figures: Figures) -> str:
    """Of the texts with such a finding, how many are bad or grey."""
    flagged = [
        one
        for one in figures.judged
        if any(found.check == check and found.severity is severity for found in one.findings)
    ]
    right = sum(one.one.label != "good" for one in flagged)
    return f"{right / len(flagged):.2f} ({len(flagged)})" if flagged else "-"


if __name__ == "__main__":
    main()
