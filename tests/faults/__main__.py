"""``python -m tests.faults``: every proof at one size, and a report with seed and commit.

``--tier ci`` takes a quarter of an hour; ``--tier long`` (``make torture``) runs
each proof as a job of its own, up to 80 minutes each.  ``--write FILE`` puts the
table between the two marks in that file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from daemon.core.clock import SystemClock, to_iso
from tests.faults.seed import SEED
from tests.sources import ROOT

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
FAULTS = "tests/faults"
MACHINE = f"{FAULTS}/simulation/test_machine.py"
YEARS = f"{FAULTS}/simulation/test_years.py"
FUZZ = f"{FAULTS}/test_fuzzed_bodies.py"


@dataclass(frozen=True, slots=True)
class Proof:
    """One job: what pytest runs, and the sizes of its two tiers."""

    name: str
    tests: tuple[str, ...]
    ci: dict[str, int]
    long: dict[str, int]


FAILPOINTS = {"FAILPOINT_SHARE": 1, "FAILPOINT_ROUNDS": 20}

PROOFS = (
    Proof("kill", (f"{FAULTS}/test_kill_cycles.py",), {"KILL_CYCLES": 200}, {"KILL_CYCLES": 2_000}),
    Proof("failpoints", (f"{FAULTS}/failpoints",), {"FAILPOINT_SHARE": 1}, FAILPOINTS),
    Proof("pairs", (f"{FAULTS}/failpoints",), {"FAILPOINT_PAIRS": 20}, {"FAILPOINT_PAIRS": 1_000}),
    Proof("power", (f"{FAULTS}/power_cut",), {"POWER_CUTS": 2_000}, {"POWER_CUTS": 100_000}),
    Proof("model", (f"{FAULTS}/test_outbox_model.py",), {}, {}),
    Proof("stateful", (MACHINE,), {"STATEFUL_STEPS": 20_000}, {"STATEFUL_STEPS": 1_000_000}),
    Proof("years", (YEARS,), {"SIMULATED_YEARS": 1}, {"SIMULATED_YEARS": 30}),
    Proof("nemesis", (f"{FAULTS}/nemesis",), {"NEMESIS_ROUNDS": 20}, {"NEMESIS_ROUNDS": 500}),
    Proof("fuzz", (FUZZ,), {"FUZZED_BODIES": 200_000}, {"FUZZED_BODIES": 20_000_000}),
    Proof("outage", (f"{FAULTS}/test_all_channels_down.py",), {}, {}),
    Proof("storm", (f"{FAULTS}/test_storm.py",), {}, {}),
    Proof("restart", (f"{FAULTS}/test_restart.py",), {}, {}),
    Proof("mutations", (f"{FAULTS}/mutations",), {}, {}),
    Proof("catalogue", (f"{FAULTS}/test_catalogue.py",), {}, {}),
)


@dataclass(slots=True)
class Ran:
    """How one proof ended."""

    proof: Proof
    passed: bool
    seconds: float
    lines: list[dict[str, object]]

    def rows(self) -> list[str]:
        lines = self.lines or [{"proof": self.proof.name}]
        return [_row(line, self) for line in lines]


def _row(line: dict[str, object], ran: Ran) -> str:
    figures = ", ".join(
        f"{_words(name)} {_shown(line[name])}" for name in line if name not in {"proof", "seed"}
    )
    verdict = "held" if ran.passed else "**failed**"
    return f"| {line['proof']} | {figures} | {verdict} | {ran.seconds:,.0f} s |"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def run(proof: Proof, tier: str) -> Ran:
    """One pytest of its own; its figures come back through a file."""
    clock = SystemClock()
    began = clock.monotonic()
    sizes = proof.ci if tier == "ci" else proof.long
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        environment = (
            os.environ | {"CI": "true"} | {f"TOCSIN_{name}": str(size) for name, size in sizes.items()}
        )
        environment |= {"TOCSIN_FIGURES": str(figures), "TOCSIN_SEED": SEED}
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=6000", *proof.tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        lines = figures.read_text("utf-8").splitlines() if figures.exists() else []
    return Ran(proof, done.returncode == 0, clock.monotonic() - began, [json.loads(line) for line in lines])


def report(tier: str, ran: list[Ran]) -> str:
    """The table, under a line that says how to get the same again."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.strip()
    day = to_iso(SystemClock().now())[:10]
    head = f"Tier `{tier}`, commit `{commit or 'unknown'}`, seed `{SEED}`, {day}."
    rows = [row for one in ran for row in one.rows()]
    return "\n".join([head, "", "| proof | figures | result | took |", "| --- | --- | --- | --- |", *rows])


def write(file: Path, table: str) -> None:
    """Put the table between the marks of a document."""
    before, mark, rest = file.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{file}: lacks the marks {BEGIN} and {END}")
    file.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--tier", choices=("ci", "long"), default="ci")
    parser.add_argument("--only", nargs="+", choices=[proof.name for proof in PROOFS], metavar="PROOF")
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    chosen = [proof for proof in PROOFS if options.only is None or proof.name in options.only]
    ran = []
    for proof in chosen:
        sys.stdout.write(f"\n== {proof.name}\n")
        sys.stdout.flush()
        ran.append(run(proof, options.tier))
    table = report(options.tier, ran)
    sys.stdout.write(f"\n{table}\n")
    if options.write is not None:
        write(options.write, table)
    return 0 if all(one.passed for one in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
