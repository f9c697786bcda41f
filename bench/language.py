"""Rules alone, without a daemon: checking a large pack, routing one alert, deciding one incident.

Times are of the processor, so that a busy neighbour does not count; each is the
best of some rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.report import Row, judge
from daemon.core import journal as j
from daemon.core.clock import HOUR, MINUTE, Instant
from daemon.core.fold import add
from daemon.core.group import Group
from daemon.core.words import Impact
from rules.check import check_sources
from rules.check_tests import TestFile, read
from rules.decide import decide
from rules.load import load_sources
from rules.model import RuleSet, Site
from rules.settle import settle
from rules.yaml_source import parse

ROUTES, COMPONENTS, STEPS = 500, 50, 40
START: Instant = 1_799_056_800_000  # 2027-01-04T10:00:00Z
ALERT_EVERY = 5 * MINUTE  # another alert joins the incident
SITE = Site("Bench", "https://status.example.com", "UTC")

CHECKED, ROUTED, DECIDED = 1.0, 200e-6, 300e-6  # seconds: the targets

HEAD = """\
channels:
  page: { kind: status_page }
  subscribers: { kind: email }
  ops: { kind: slack, audience: internal }
defaults: { route: { for: 1m, keep_firing_for: 5m, monitor_for: 10m, group_by: [ region ] } }
"""
FIRST = "{ id: first, after: 0s, say: investigating, promise: 30m }"
HOLDING = "{ id: holding, every: 30m, say: holding, promise: 30m }"
DONE = "{ id: done, on: resolved, say: resolved, to: [ told ] }"


def pack(routes: int = ROUTES, *, patterns: bool = False) -> str:
    """A rule file with so many routes; ``patterns`` makes their matchers regular expressions alone."""
    lines = [HEAD, "components:\n"]
    lines += [
        f"  - {{ id: part_{n}, name: Part {n}, matchers: [ 'service=\"service-{n}\"' ] }}\n"
        for n in range(COMPONENTS)
    ]
    lines.append("routes:\n")
    for n in range(routes):
        team = f'team=~"team-{n}(-.*)?"' if patterns else f'team=~"team-{n}|crew-{n}"'
        lines.append(
            f"  - id: route_{n}\n    matchers: [ '{team}', 'severity=~\"critical|page\"' ]\n"
            f"    open: {{ components: [ part_{n % COMPONENTS} ], plan: public,"
            " impact: { label: severity, values: { critical: major }, else: minor } }\n"
        )
    lines.append("  - { id: rest, open: { components: [], impact: none, plan: internal } }\n")
    lines.append(_plan("public", (FIRST, HOLDING, DONE)))
    lines.append(
        "  internal: { to: [ ops ], steps: [ { id: tell, after: 0s, say: internal_note } ] }\n"
        "people: { comms: { channel: ops } }\n"
    )
    return "".join(lines)


def long_plan() -> str:
    """One route, and a plan of forty steps, three in four with an `if`."""
    steps = [FIRST]
    for n in range(STEPS - 3):
        condition = f'if: "impact >= major && alerts_firing > {n} || acked"' if n % 4 else "limit: 1"
        when = (f"after: {10 * n}m", f"every: {20 + n}m", "on: [ identified, refired ]")[n % 3]
        steps.append(f"{{ id: step_{n}, {when}, ask: comms, {condition} }}")
    text = HEAD + "routes:\n  - { id: all, open: { components: [], impact: major, plan: public } }\n"
    return text + _plan("public", (*steps, HOLDING, DONE)) + "people: { comms: { channel: ops } }\n"


def _plan(name: str, steps: tuple[str, ...]) -> str:
    lines = "".join(f"      - {step}\n" for step in steps)
    return f"plans:\n  {name}:\n    to: [ page, subscribers, ops ]\n    ask: comms\n    steps:\n{lines}"


def reaching(routes: int = ROUTES) -> TestFile:
    """A test file whose alerts reach every route of ``pack``."""
    teams = ", ".join([*(f"team-{n}" for n in range(routes)), "none"])
    alert = f"{{ labels: {{ severity: page }}, vary: {{ team: [ {teams} ] }}, fires: 0m }}"
    text = f"rule_files: [ pack.yaml ]\ntests: [ {{ strict: true, alerts: [ {alert} ] }} ]\n"
    return read(parse("pack.test.yaml", text))


def best(rounds: int, work: Callable[[], object]) -> float:
    """Seconds of the processor that the work takes, at best."""
    times = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)


def checking(rounds: int) -> Row:
    text, files = pack(), [reaching()]

    def work() -> None:
        found = check_sources([("pack.yaml", text)], site=SITE, tests=files)
        assert not found, found[:3]

    seconds = best(rounds, work)
    return Row(
        f"`rules check` of {ROUTES} routes", f"{seconds * 1000:,.0f} ms of CPU ({len(text) // 1000} kB)",
        "under 1,000 ms", judge(("time", seconds < CHECKED)),
    )  # fmt: skip


def routing(rounds: int) -> Iterator[Row]:
    """Without the memory of earlier answers: an alert that nobody has seen."""
    for patterns in (False, True):
        rules = load_sources([("pack.yaml", pack(patterns=patterns))], site=SITE)
        judged = rules.router.decide  # type: ignore[attr-defined]  # the same answer, not remembered
        alerts = [{"team": f"team-{7 * n % ROUTES}", "severity": "page", "pod": str(n)} for n in range(200)]
        if patterns:  # values that no pattern has seen
            alerts = [{**one, "team": f"{one['team']}-{n}"} for n, one in enumerate(alerts)]
            rounds = 1
        assert judged({"team": "team-7", "severity": "page"})[0].route.id == "route_7"
        seconds = best(rounds, lambda judged=judged, alerts=alerts: [judged(one) for one in alerts])  # type: ignore[misc]  # bound now
        each = seconds / len(alerts)
        what = "patterns alone" if patterns else "labels of known values"
        yield Row(
            f"routing one alert through {ROUTES} routes, {what}", f"{each * 1e6:,.0f} µs of CPU",
            "under 200 µs", judge(("time", each < ROUTED)),
        )  # fmt: skip


def deciding(rounds: int) -> Row:
    """Every decision of a six-hour incident: those that say something, and those that find nothing."""
    rules = load_sources([("plan.yaml", long_plan())], site=SITE)
    assert len(rules.plans["public"].steps) == STEPS
    calls = [(state, now, bool(decide(state, rules, now).entries)) for state, now in _incident(rules)]

    def each(*, busy: bool) -> float:
        chosen = [(state, now) for state, now, found in calls if found is busy]
        return best(rounds, lambda: [decide(state, rules, now) for state, now in chosen]) / len(chosen)

    quiet, busy = each(busy=False), each(busy=True)
    share = sum(found for _, _, found in calls) / len(calls)
    seconds = share * busy + (1 - share) * quiet
    figures = (
        f"{seconds * 1e6:,.0f} µs of CPU: {quiet * 1e6:,.0f} where nothing is due, {busy * 1e6:,.0f} else"
    )
    return Row(
        f"deciding an incident of {STEPS} steps, {len(calls)} calls in six hours", figures,
        "under 300 µs", judge(("time", seconds < DECIDED)),
    )  # fmt: skip


def _incident(rules: RuleSet) -> Iterator[tuple[Group, Instant]]:
    """The states in which the daemon calls ``decide``: at each instant that is due, and after each alert."""
    state = Group(id=1)
    add(state, START, j.Created("abcdefghijkl", rules.version, route="all"))
    for alert, arrives in enumerate(range(START, START + 6 * HOUR, ALERT_EVERY)):
        fired = j.Fired(alert, arrives, "", Impact.major)
        add(state, arrives, j.Alerts(fired=(fired,), common={"severity": "page"}))
        now = arrives
        while now < arrives + ALERT_EVERY:
            yield state.copy(), now
            done = settle(state, [], rules, now, due=None, number=lambda: 1)
            state, now = done.state, done.next_due or arrives + ALERT_EVERY


def measure(rounds: int) -> Iterator[Row]:
    yield checking(rounds)
    yield from routing(rounds)
    yield deciding(rounds)


def main() -> None:
    """``python -m bench.language``: these lines alone."""
    for row in measure(5):
        print(" | ".join(cell for cell in row.cells() if cell), flush=True)


if __name__ == "__main__":
    main()
