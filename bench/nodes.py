"""Webhooks a second on PostgreSQL: one node, and two nodes that share the load and the database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import msgspec

from bench.ingest import CASES, Case, job_of
from bench.load import Result
from bench.report import Row, judge, milliseconds
from bench.systems import Tocsin, send
from tests.processes.postgres import Cluster, binaries

TARGETS = {5: 1_000.0, 100: 150.0}
"""Webhooks a second on one node, by the alerts in each; two nodes together reach no less."""


async def compare(folder: Path, hook_port: int, rounds: int, seconds: float) -> list[Row]:
    """One node and two in turn, on a server with its fsync on; nothing without a server."""
    tools = binaries()
    if tools is None:
        return []
    cluster = Cluster(tools, fsync="on", shared_buffers="256MB")
    await asyncio.to_thread(cluster.make)
    try:
        rows = []
        for case in (one for one in CASES if one.size in TARGETS and not one.repeats):
            found: dict[int, list[list[Result]]] = {1: [], 2: []}
            for number in range(rounds):
                for nodes, results in found.items():
                    where = folder / f"nodes-{nodes}-{case.size}-{number}"
                    results.append(await _round(case, where, hook_port, nodes, seconds, cluster))
            rows += _rows(case, found)
        return rows
    finally:
        await asyncio.to_thread(cluster.remove)


async def _round(
    case: Case, folder: Path, hook_port: int, nodes: int, seconds: float, cluster: Cluster
) -> list[Result]:
    address = await asyncio.to_thread(cluster.new_database)
    async with AsyncExitStack() as stack:
        systems = []
        for number in range(nodes):
            node = Tocsin(folder / str(number), hook_port, address)
            systems.append(await stack.enter_async_context(node))
        jobs = [
            msgspec.structs.replace(job_of(case, seconds, seed), connections=case.connections // nodes)
            for seed in range(1, nodes + 1)
        ]
        pairs = zip(systems, jobs, strict=True)
        return await asyncio.gather(*(send(system.job(job)) for system, job in pairs))


def _rows(case: Case, found: dict[int, list[list[Result]]]) -> list[Row]:
    rates = {nodes: median(sum(one.rate for one in each) for each in all_) for nodes, all_ in found.items()}
    rows = []
    for nodes, results in found.items():
        p99 = median(max(one.p99 for one in each) for each in results)
        bad = sum(one.answered - one.codes.get("200", 0) for each in results for one in each)
        goal = TARGETS[case.size]
        rows.append(
            Row(
                f"PostgreSQL, {nodes} node{'s' * (nodes > 1)}: {case.measure}",
                f"{rates[nodes]:,.0f}/s, {rates[nodes] * case.size:,.0f} alerts/s, p99 {milliseconds(p99)}"
                + (f", {bad} not 200" if bad else ""),
                target=f"{goal * case.size:,.0f} alerts/s",
                misses=judge(("rate", rates[nodes] >= goal), ("every answer 200", bad == 0)),
            )
        )
    return rows
