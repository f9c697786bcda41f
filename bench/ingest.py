"""Webhooks and alerts a second, beside Alertmanager in the same minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Job, Result
from bench.report import Row, judge, milliseconds
from bench.systems import CLOCK, Alertmanager, Receiver, Tocsin, send


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of body and the targets of shared performance goals for it.

    ``most``: bodies a second that no system here exceeds; that many are made
    beforehand.  Targets: webhooks or alerts a second, seconds, and the share of
    Alertmanager's figure.
    """

    measure: str
    size: int
    connections: int
    most: int
    ratio: float
    webhooks: float = 0.0
    alerts: float = 0.0
    p99: float = 0.0
    body: float = 0.0  # seconds for one body
    repeats: bool = False
    mixed: bool = False


CASES = (
    Case("webhooks of 1 new alert", 1, 64, 16_000, 0.15, webhooks=2_000, p99=0.1),
    Case("webhooks of 5 new alerts", 5, 64, 7_000, 0.3, webhooks=1_500, p99=0.1),
    Case("webhooks of 100 new alerts", 100, 16, 700, 0.7, alerts=30_000),
    Case("webhooks of 10,000 new alerts, one after the other", 10_000, 1, 5, 0.0, body=1.0, mixed=True),
    Case("unchanged repeats of 5", 5, 64, 100, 0.8, alerts=25_000, repeats=True),
    Case("unchanged repeats of 100", 100, 16, 25, 3.0, alerts=150_000, repeats=True),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of a case's rounds."""

    rate: float
    alerts: float
    p50: float
    p99: float
    cpu: float = 0.0  # seconds of processor time a body
    bad: int = 0  # answers other than 200

    def text(self) -> str:
        cpu = f", {self.cpu * 1e6:,.0f} µs of CPU a body" if self.cpu else ""
        bad = f", {self.bad} not 200" if self.bad else ""
        rate = f"{self.rate:,.0f}/s, " if self.rate >= 10 else ""
        return (
            f"{rate}{self.alerts:,.0f} alerts/s, p50 {milliseconds(self.p50)},"
            f" p99 {milliseconds(self.p99)}{cpu}{bad}"
        )


async def measure(make: Callable[[Path], Receiver], folder: Path, job: Job) -> tuple[Result, float]:
    """One round on a fresh system; the result and the processor time a body."""
    async with make(folder) as system:
        before = system.cpu()
        result = await send(system.job(job))
        return result, (system.cpu() - before) / max(result.answered, 1)


def job_of(case: Case, seconds: float, seed: int) -> Job:
    return Job(
        port=0, path="", size=case.size, seed=seed, connections=case.connections, seconds=seconds,
        bodies=case.most * 4 if case.repeats else max(int(case.most * seconds), 3),
        mixed=case.mixed, repeats=case.repeats,
    )  # fmt: skip


async def compare(
    case: Case, folder: Path, hook_port: int, rounds: int, seconds: float
) -> tuple[Row, Figures]:
    """Both systems in turn, so that a busy neighbour disturbs both."""
    makers: dict[str, Callable[[Path], Receiver]] = {"tocsin": lambda where: Tocsin(where, hook_port)}
    if Alertmanager.program() is not None:
        makers["alertmanager"] = Alertmanager
    found: dict[str, list[tuple[Result, float]]] = {name: [] for name in makers}
    for number in range(rounds):
        job = job_of(case, seconds, seed=number + 1)
        for name, make in makers.items():
            where = folder / f"{name}-{case.size}-{int(case.repeats)}-{number}"
            found[name].append(await measure(make, where, job))
    ours = _figures(found["tocsin"])
    theirs = _figures(found["alertmanager"]) if "alertmanager" in found else None
    return _row(case, ours, theirs), ours


def _figures(results: list[tuple[Result, float]]) -> Figures:
    return Figures(
        rate=median(one.rate for one, _ in results),
        alerts=median(one.alert_rate for one, _ in results),
        p50=median(one.p50 for one, _ in results),
        p99=median(one.p99 for one, _ in results),
        cpu=median(cpu for _, cpu in results),
        bad=sum(one.answered - one.codes.get("200", 0) for one, _ in results),
    )


def _row(case: Case, ours: Figures, theirs: Figures | None) -> Row:
    ratio = ours.alerts / theirs.alerts if theirs is not None and theirs.alerts else None
    wanted, checks = [], []
    if case.webhooks:
        wanted.append(f"{case.webhooks:,.0f}/s")
        checks.append(("rate", ours.rate >= case.webhooks))
    if case.alerts:
        wanted.append(f"{case.alerts:,.0f} alerts/s")
        checks.append(("rate", ours.alerts >= case.alerts))
    if case.body:
        wanted.append(f"under {milliseconds(case.body)}")
        checks.append(("time", ours.p50 < case.body))
    if case.p99:
        wanted.append(f"p99 under {milliseconds(case.p99)}")
        checks.append(("p99", ours.p99 < case.p99))
    if case.ratio:
        wanted.append(f"ratio {case.ratio}")
        checks.append(("ratio", ratio is None or ratio >= case.ratio))
    return Row(
        measure=case.measure,
        tocsin=ours.text(),
        alertmanager=theirs.text() if theirs is not None else "not installed",
        ratio=f"{ratio:.2f}" if ratio is not None else "",
        target=", ".join(wanted),
        misses=judge(*checks, ("every answer 200", ours.bad == 0)),
    )


def msgspec_free(theirs: Figures | None) -> str:
    """Alertmanager's figures, or why there are none."""
    return theirs.text() if theirs is not None else "not installed"


async def beside_large(folder: Path, hook_port: int, seconds: float) -> Row:
    """A small request's answer time while bodies of 10,000 go in without a pause."""
    begin = CLOCK.monotonic() + 3.0 + seconds / 2  # both generators have made their bodies by then
    big = Job(0, "", 10_000, 71, max(int(seconds * 4), 3), 1, seconds, mixed=True, begin_at=begin)
    small = Job(0, "", 1, 72, 10_000, 4, seconds, pause=0.02, begin_at=begin)
    async with Tocsin(folder / "beside", hook_port) as system:
        large, found = await asyncio.gather(send(system.job(big)), send(system.job(small)))
    return Row(
        "a small request while bodies of 10,000 go in",
        f"p50 {milliseconds(found.p50)}, p99 {milliseconds(found.p99)}, longest {milliseconds(found.longest)}"
        f"; {large.answered} large bodies, p50 {milliseconds(large.p50)}",
        "p99 under 250 ms",
        judge(("p99", found.p99 < 0.25), ("every answer 200", {*found.codes, *large.codes} == {"200"})),
    )


async def crowd(folder: Path, hook_port: int, seconds: float, peak: float) -> Row:
    """A thousand connections at once, in bodies of 5; ``peak`` is what 64 connections reached."""
    async with Tocsin(folder / "crowd", hook_port) as system:
        job = Job(0, "", 5, 73, int(7_000 * seconds), 1_000, seconds)
        found = await send(system.job(job))
    answers = ", ".join(f"{count:,} × {code}" for code, count in sorted(found.codes.items()))
    return Row(
        "1,000 connections at once, webhooks of 5",
        f"{found.rate:,.0f}/s, {found.rate / peak:.0%} of 64 connections;"
        f" longest {milliseconds(found.longest)}; {answers}",
        "60 % of peak, every answer under 5 s",
        judge(("goodput", found.rate >= 0.6 * peak), ("time", found.longest < 5.0)),
    )
