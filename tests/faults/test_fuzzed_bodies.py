"""Bodies that no monitor would send, through the real way in, on as many processes as there are cores.

Whatever comes: no exception that nobody foresaw, no 500; a body that was refused
can be read again byte for byte; one that was taken is stored, or passed over by a rule.
TOCSIN_FUZZED_BODIES and TOCSIN_SEED choose how many and which.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.faults.figures import record, size
from tests.faults.fuzz import ROUND, fuzz
from tests.faults.seed import SEED
from tests.processes.waiting import CLOCK

BODIES = size("FUZZED_BODIES", here=20_000, ci=60_000)


@pytest.mark.slow
@pytest.mark.timeout(4_800)
def test_rows_42_and_44_fuzzed_bodies(tmp_path: Path) -> None:
    """None is lost, none is too much; a share that fails is named, and runs alone by its seed."""
    began = CLOCK.monotonic()
    answers = Counter[int]()
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        shares = {
            f"{SEED}/{number}": pool.submit(
                fuzz, tmp_path / str(number), f"{SEED}/{number}", min(ROUND, BODIES - start)
            )
            for number, start in enumerate(range(0, BODIES, ROUND))
        }
        for seed, share in shares.items():
            error = share.exception()
            assert error is None, f"seed {seed}: {error!r}"
            answers += share.result()
    seconds = CLOCK.monotonic() - began
    assert answers.keys() <= {200, 400, 503}
    assert min(answers[200], answers[400]) > BODIES / 5, "bodies of one kind alone prove little"
    record(
        "fuzzed bodies", inputs=BODIES, taken=answers[200], refused=answers[400], repeated=answers[503],
        unhandled=0, answers_of_500=answers[500], seconds=round(seconds, 1),
    )  # fmt: skip
