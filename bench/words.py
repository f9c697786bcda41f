"""The wording gate: short texts, a post-mortem, what it costs to load; all in processor time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench.report import Row, milliseconds
from rules.words.gate import check
from rules.words.settings import Settings

SHORT = """We have found the cause: a full disk on the server that stores orders.
Half of the orders go through again, and the others may still fail.
We are moving orders to a larger disk and expect this to take about an hour.
We will post the next update by 15:00 UTC. Sorry for the trouble."""
TARGETS = {"short": 0.003, "long": 0.050, "load": 0.300}  # seconds
LOADING = (
    "import time; began = time.process_time();"
    "from rules.words.gate import check; from rules.words.settings import Settings;"
    "check('Calls to Spain fail for some of our customers.', Settings(model={model}));"
    "print(time.process_time() - began)"
)


def rows(rounds: int) -> list[Row]:
    """Seconds a text, patterns and second layer together; and the first text of a process."""
    long = " ".join([SHORT] * (5_000 // len(SHORT) + 1))[:5_000]
    first = min(_loading(model=False) for _ in range(3))
    both = min(_loading(model=True) for _ in range(3))
    return [
        _row("wording gate, 280 characters", _median(SHORT[:280], rounds * 100), TARGETS["short"]),
        _row("wording gate, 5,000 characters", _median(long, rounds * 20), TARGETS["long"]),
        _row("wording gate, import and lexicons (first text of a process)", first, TARGETS["load"]),
        _row("the same with the second layer (numpy, tokenizer, weights)", both, 0.0),
    ]


def _median(text: str, times: int) -> float:
    settings = Settings(phase="progress")
    check(text, settings)
    spans = []
    for _ in range(times):
        began = time.process_time()
        check(text, settings)
        spans.append(time.process_time() - began)
    return statistics.median(spans)


def _loading(*, model: bool) -> float:
    program = LOADING.format(model=model)
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return float(out.stdout)


def _row(measure: str, seconds: float, target: float) -> Row:
    if not target:
        return Row(measure, milliseconds(seconds))
    missed = () if seconds < target else ("time",)
    return Row(measure, milliseconds(seconds), f"under {milliseconds(target)}", missed)


def main() -> None:
    for row in rows(rounds=3):
        print(" | ".join(cell for cell in row.cells() if cell))


if __name__ == "__main__":
    main()
