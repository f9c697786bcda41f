"""How fast the rule lab is: a thousand tests by the command, and one long simulation."""

from __future__ import annotations

import logging
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import structlog

from bench.report import Report, Row, judge, milliseconds
from daemon.lab.scenario_file import read_file
from daemon.lab.shelf import RuleShelf
from daemon.lab.simulating import simulate
from rules.model import Site

PACK = Path("rules/packs/shop.yaml")
TESTS = 1_000
SAMPLES = 15

TEST = """\
  - name: outage {number}
    alerts:
      - labels: {{ service: {service}, region: r{number}, severity: critical }}
        fires: 0m
        resolves: {end}m
    people: [ {{ at: {person}m, who: ana, update: "We found the cause of {number}.", status: identified }} ]
    expect:
      - {{ at: 1m, incidents: 1, posts: {{ page: [ first ], subscribers: [ first ], x: [] }} }}
      - {{ at: {person}m, status: identified }}
      - {{ at: 2h, promises: {{ broken: 0 }}, longest_silence: 30m }}
"""
SERVICES = ("checkout", "search", "catalogue-db")


def write_tests(folder: Path, count: int) -> Path:
    """A test file with so many incidents of two hours, no two alike."""
    shutil.copy(PACK, folder / "shop.yaml")
    tests = [
        TEST.format(
            number=number, service=SERVICES[number % 3], person=20 + number % 50, end=90 + number % 25
        )
        for number in range(count)
    ]
    file = folder / "many.test.yaml"
    file.write_text("rule_files: [ shop.yaml ]\ntests:\n" + "".join(tests), encoding="utf-8")
    return file


def thousand(folder: Path, count: int = TESTS) -> Row:
    """The command on a file with a thousand tests, from its start to its end."""
    file = write_tests(folder, count)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "rules", "test", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert f"{count} passed" in done.stdout
    return Row(
        f"rules test: {count:,} tests of a two-hour incident",
        f"{took:.1f} s, {cpu / count * 1000:.1f} ms of CPU each",
        "10 s", judge(("time", took < 10 * count / TESTS)),
    )  # fmt: skip


async def six_hours(folder: Path) -> Row:
    """One incident of six hours, from its file's data to its timeline."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    file = folder / "long.yaml"
    file.write_text(
        "alerts: [ { labels: { service: checkout, severity: critical }, fires: 0m, resolves: 5h } ]\n",
        "utf-8",
    )
    (scenario,) = read_file(file).scenarios
    rules = RuleShelf(Site()).load([PACK])
    samples = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        await simulate(scenario, lambda _: rules, 6 * 3_600_000)
        samples.append(time.perf_counter() - began)
    median, worst = statistics.median(samples), max(samples)
    shown = f"median {milliseconds(median)}, longest {milliseconds(worst)}"
    return Row("rules simulate: an incident of six hours", shown, "100 ms", judge(("median", median < 0.1)))


async def measure(folder: Path, report: Report) -> None:
    """Both rows."""
    report.add(thousand(folder))
    report.add(await six_hours(folder))
