"""Every row of the fault catalogue has a test whose name carries its number."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import FAULTS, proofs, rows_of
from tests.faults.figures import record
from tests.sources import ROOT

LATER = {
    70: "the copy that a web server serves while the daemon is dead comes with the static export of the page",
}
"""Rows that belong to something that is not built yet, and to what."""

PROOFS = proofs(ROOT / "tests")


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: f"row {row:02}")
def test_every_row_has_a_test(row: int) -> None:
    """A row without a test is named with its reason, and a reason goes when the test comes."""
    reason = LATER.get(row)
    tests = PROOFS.get(row)
    if reason is None:
        assert tests, f"no test carries the number of row {row}: {FAULTS[row]}"
    else:
        assert not tests, f"row {row} has a test now: take it out of the table ({tests[0]})"


def test_no_test_carries_a_number_that_is_none() -> None:
    """A slip of the pen would prove a row that nobody has."""
    assert sorted(PROOFS.keys() - FAULTS.keys()) == []
    record("fault catalogue", rows=len(FAULTS), proven=len(PROOFS), tests=len(set().union(*PROOFS.values())))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_row_14_no_descriptor_is_left", {14}),
        ("test_rows_42_and_44_at_the_door", {42, 44}),
        ("test_rows_01_to_03_and_08_killed", {1, 2, 3, 8}),
        ("test_rows_of_another_thread_do_not_wait", set()),
        ("test_row_5_without_a_zero", set()),
        ("test_a_row_12", set()),
    ],
)
def test_numbers_in_names(name: str, rows: set[int]) -> None:
    """Two digits each, joined by `and`, or `to` for a range."""
    assert rows_of(name) == rows
