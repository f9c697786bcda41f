"""The help page whose manners the product has: each of its good and bad examples comes out right."""

from __future__ import annotations

import pytest

from rules.words.finding import Finding, Severity
from rules.words.gate import check
from rules.words.settings import Phase, Settings

GOOD: list[tuple[Phase, str]] = [
    ("initial", ("We're aware of intermittent errors affecting our payment service. "
     "Our team is investigating. We'll have an update in 10 minutes.")),
    ("progress", ("Update: We've identified the issue is in our message queue service. "
     "The team has implemented a fix and is currently validating it. "
     "We expect full resolution within 30 minutes.")),
    ("resolution", ("The incident is now fully resolved. Root cause was a memory leak in our message queue "
     "service that accumulated over 3 days. We've deployed a fix and will be monitoring closely. "
     "We apologize for the disruption and appreciate your patience.")),
    ("initial", ("We're currently experiencing issues with our payment service. Our team is investigating. "
     "Real-time updates: status.company.com")),
    ("progress", "We're working with our provider to resolve this"),
    ("progress", "We expect resolution within 30 minutes"),
    ("progress", "Database running out of connections, adding capacity"),
    ("progress", "Database running out of connections"),
    ("initial", "We're experiencing service degradation affecting payments"),
    ("progress", "We're still investigating but here's what we know so far..."),
    ("progress", "We're working to resolve this"),
    ("initial", ("We're aware of payment service issues starting at 14:00 UTC. Our team is investigating. "
     "We'll provide an update in 15 min.")),
    ("progress", "Update: We've identified a full disk. The team is adding space. We expect one hour."),
    ("resolution", ("This incident has been resolved. Root cause was a full disk. "
     "We've added an early alarm. We apologize for the disruption.")),
]  # fmt: skip
BAD: list[tuple[Phase, str, str]] = [
    ("progress", "Our provider's issue, not ours", "blame"),
    ("progress", "We'll have this fixed in 5 minutes", "overpromise"),
    ("progress", "Should be fixed in 15 minutes", "overpromise"),
    ("progress", "Database connection pool exhausted, scaling MySQL replicas", "jargon"),
    ("progress", "Database connection pool exhausted on MySQL replicas", "jargon"),
    ("progress", "DB connection pool exhausted", "jargon"),
    ("initial", "Just a minor glitch affecting a few users", "minimising"),
    ("progress", "We have no idea", "unprofessional"),
    ("progress", "Our stupid CDN failed again", "unprofessional"),
]


def errors(findings: tuple[Finding, ...]) -> set[str]:
    return {one.check for one in findings if one.severity is Severity.error}


@pytest.mark.parametrize(("phase", "text"), GOOD, ids=[text[:40] for _, text in GOOD])
def test_good_examples_pass(phase: Phase, text: str) -> None:
    """What the page calls good has no error."""
    assert errors(check(text, Settings(phase=phase))) == set()


@pytest.mark.parametrize(("phase", "text", "name"), BAD, ids=[text[:40] for _, text, _ in BAD])
def test_bad_examples_stop(phase: Phase, text: str, name: str) -> None:
    """What the page calls bad is an error of the check that it is about."""
    assert name in errors(check(text, Settings(phase=phase)))


def test_silence_and_repetition() -> None:
    """Two bad examples are no sentences: saying nothing new, and saying only that one works on it."""
    said = "We are still working on the payment service."
    repeated = check(said, Settings(phase="progress", earlier=said))
    assert "repeat" in errors(repeated)
    assert "vague" in {one.check for one in check("We're working on it.", Settings(phase="progress"))}
