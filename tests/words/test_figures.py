"""What the gate reaches on sentences that nobody tunes on."""

from __future__ import annotations

from tests.words.scoring import FOLDERS, judged


def test_measured_part() -> None:
    """Recall 0.85 by error and 0.95 by any finding; good texts 0.97 without error, 0.90 without finding."""
    figures = judged(FOLDERS["measured"])
    assert figures.recall_by_error >= 0.85
    assert figures.recall >= 0.95
    assert figures.good_without_error >= 0.97
    assert figures.good_without_finding >= 0.90
