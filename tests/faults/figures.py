"""What a proof counted, for the report: one JSON line each in the file that TOCSIN_FIGURES names.

Every proof calls ``record`` once, at its end, with its name and what it found.
docs/reliability.md shows these lines; nothing else writes figures there.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.faults.seed import SEED


def record(proof: str, **figures: float | str) -> None:
    """Print the figures, and append them to the report's file where one is asked for."""
    line = json.dumps({"proof": proof, "seed": SEED, **figures})
    sys.stdout.write(f"\n{line}\n")
    wanted = os.environ.get("TOCSIN_FIGURES")
    if wanted:
        with Path(wanted).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def size(name: str, here: int, ci: int) -> int:
    """How many rounds a proof makes: TOCSIN_<NAME>, else ``ci`` in CI and ``here`` elsewhere."""
    given = os.environ.get(f"TOCSIN_{name}")
    if given:
        return int(given)
    return ci if os.environ.get("CI") == "true" else here
