"""``python -m bench``: everything in one run; exits 0 whether or not the targets are met."""

from __future__ import annotations

import argparse
import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import ingest, language, mail, nodes, page, reach, render, rules, size, words
from bench.report import Report
from bench.sink import Sink


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured; seconds are those of one round."""

    rounds: int
    seconds: float
    samples: int
    entries: int
    starts: int
    recipients: int


FULL = Extent(rounds=3, seconds=4.0, samples=100, entries=1_000_000, starts=3, recipients=100_000)
QUICK = Extent(rounds=1, seconds=1.5, samples=25, entries=100_000, starts=1, recipients=5_000)


async def measure(extent: Extent, folder: Path, report: Report) -> None:
    sink = Sink()
    await sink.start()
    peak = 0.0
    for case in ingest.CASES:
        row, figures = await ingest.compare(case, folder, sink.port, extent.rounds, extent.seconds)
        report.add(row)
        if case.size == 5 and not case.repeats:
            peak = figures.rate
    for row in await nodes.compare(folder, sink.port, extent.rounds, extent.seconds):
        report.add(row)
    report.add(await ingest.beside_large(folder, sink.port, extent.seconds * 2))
    report.add(await ingest.crowd(folder, sink.port, extent.seconds, peak))
    for row in await reach.idle(folder, sink, extent.samples):
        report.add(row)
    for row in await reach.loaded(folder, sink, extent.seconds + 5):
        report.add(row)
    for row in (*await mail.compare(extent.recipients), *await mail.whole(folder)):
        report.add(row)
    for row in (*await render.render(), *language.measure(extent.rounds), *words.rows(extent.rounds)):
        report.add(row)
    report.add(await page.requests(folder, sink.port, extent.seconds))
    rows, full = await size.memory(folder, sink)
    for row in (*rows, *await size.start(folder, sink, full, extent.entries, extent.starts)):
        report.add(row)
    await sink.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each: under two minutes")
    parser.add_argument("--rules", action="store_true", help="only how fast rules are tested and simulated")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (min(most, 65_536), most)
    )  # 1,000 connections need more than 1,024
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        uvloop.run(rules.measure(Path(folder), report))
        if not options.rules:
            uvloop.run(measure(QUICK if options.quick else FULL, Path(folder), report))
    table = report.markdown()
    print(f"\n{table}")
    if options.markdown is not None:
        options.markdown.write_text(table, encoding="utf-8")
    print(f"{len(report.misses())} of {len(report.rows)} lines miss a target.")


if __name__ == "__main__":
    main()
