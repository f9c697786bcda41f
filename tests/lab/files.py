"""Test files and scenarios as texts, and ways to run them."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

from daemon.core.clock import FakeClock
from daemon.lab.playing import in_order
from daemon.lab.shelf import RuleShelf
from daemon.lab.testing import Result, Run, Suite, read_suite, run
from rules.model import Site

RULES = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  x: { kind: x }
  ops: { kind: slack, audience: internal }
components:
  - { id: checkout, name: Checkout, matchers: [ 'service="checkout"' ], customers_cannot: "pay" }
  - { id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: "find products" }
routes:
  - id: services
    matchers: [ 'severity=~"critical|page"' ]
    group_by: [ component ]
    for: 1m
    keep_firing_for: 5m
    monitor_for: 10m
    open:
      components: matched
      impact: { label: severity, values: { critical: critical }, else: major }
      plan: public
  - { id: rest, open: { components: [], impact: none, plan: internal } }
plans:
  public:
    to: [ page, mail, ops ]
    ask: comms
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: nag, every: 25m, ask: comms }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: social, after: 1h, say: short, to: [ x ], if: "impact >= critical", approve: veto 5m }
      - { id: clear, on: monitoring, say: monitoring, limit: 3 }
      - { id: relapse, on: [ refired, reopened ], say: relapse, promise: 30m, limit: 3 }
      - { id: done, on: resolved, say: resolved, to: [ told, ops ] }
      - { id: sorry, on: retracted, say: false_alarm, to: [ told, ops ] }
  internal:
    to: [ ops ]
    ask: comms
    steps:
      - { id: tell, after: 0s, say: internal_note }
      - { id: end, on: resolved, say: internal_end }
people:
  comms: { channel: ops, mention: "@comms" }
"""
OUTAGE = "alerts: [ { labels: { service: checkout, severity: page }, fires: 0m } ]"


def write(folder: Path, text: str, *, rules: str = RULES, name: str = "a.test.yaml") -> Path:
    """A test file beside its rules."""
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    file = folder / name
    file.write_text("rule_files: [ rules.yaml ]\n" + textwrap.dedent(text), encoding="utf-8")
    return file


def suite_of(*files: Path) -> Suite:
    return read_suite(files, RuleShelf(Site()))


async def run_file(*files: Path, tags: tuple[str, ...] = ()) -> Run:
    return await asyncio.to_thread(
        run, suite_of(*files), lambda suite, chosen: in_order(suite, chosen, FakeClock().monotonic), tags
    )


async def run_text(folder: Path, text: str, *, rules: str = RULES) -> list[Result]:
    """The results of the tests of one file."""
    return (await run_file(write(folder, text, rules=rules))).results


async def run_one(folder: Path, keys: str, *, rules: str = RULES) -> Result:
    """One test with an outage of checkout unless the keys say otherwise."""
    lines = textwrap.indent(textwrap.dedent(keys).strip(), "    ")
    alerts = "" if "alerts:" in keys else f"    {OUTAGE}\n"
    (result,) = await run_text(folder, f"tests:\n  - name: one\n{alerts}{lines}\n", rules=rules)
    return result


def told(result: Result) -> list[str]:
    """What is wrong, shortly: `what: -expected +got (note)`."""
    found = []
    for one in result.outcome.differences:
        lines = " ".join(f"{line.sign}{line.text}" for line in one.lines if line.sign.strip())
        notes = " ".join(f"({note})" for note in one.notes)
        found.append(f"{one.what}: {lines} {notes}".strip())
    return found + [one.message for one in result.outcome.troubles]
