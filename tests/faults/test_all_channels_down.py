"""Goal G9: all channels down for 24 hours, 500 incidents, and the hour after.

One text per incident and channel, of now; resolved ones say so; whoever was never
told hears nothing of an end; the rates are kept.  See tests/faults/all_channels_down.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.core.clock import SystemClock
from tests.faults.all_channels_down import COHORTS, PER_MINUTE
from tests.faults.figures import record, size

CLOCK = SystemClock()
ROOT = Path(__file__).parents[2]
MOST_MB = 300
MOST_SECONDS = 300


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the life in its own process saw."""
    incidents = size("ALL_DOWN", here=150, ci=500)
    began = CLOCK.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.all_channels_down", str(tmp_path_factory.mktemp("day")),
         str(incidents)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    seen: dict[str, Any] = json.loads(done.stdout)
    return {**seen, "incidents": incidents, "took": CLOCK.monotonic() - began}


@pytest.mark.timeout(200)
def test_row_64_all_channels_down_for_a_day(day: dict[str, Any]) -> None:
    """The figures of G9, and that each text is the newest truth."""
    told, resolved = set(day["told"]), set(day["resolved"])
    assert day["waiting"] > 10 * day["incidents"], "a day's texts had piled up"
    for channel, heard in day["heard"].items():
        things = [thing for thing, _ in heard]
        assert len(things) == len(set(things)), f"{channel}: an incident was said twice"
        order = [int(thing) * COHORTS // day["incidents"] for thing in things]  # by when they opened
        assert order == sorted(order), f"{channel}: not the oldest first"
        silent = set() if channel == "ops" else resolved - told
        everything = {str(number) for number in range(day["incidents"])}
        assert set(things) == everything - silent
        for thing, text in heard:
            words = ("resolved", "Resolved") if thing in resolved else ("1 day",)
            assert any(word in text for word in words), (channel, thing, text)
    assert day["drained_seconds"] < MOST_SECONDS
    assert day["drained_seconds"] >= (day["incidents"] - len(resolved)) / PER_MINUTE * 60 * 0.9
    assert day["peak_mb"] < MOST_MB
    record(
        "24 h without channels",
        incidents=day["incidents"],
        waiting=day["waiting"],
        drained_seconds=day["drained_seconds"],
        memory_mb=day["peak_mb"],
        calls_per_channel=day["calls_while_down"],
        seconds=round(day["took"], 1),
    )
