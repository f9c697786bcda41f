"""What the daemon counts: every Prometheus metric, its labels and its buckets.

Owns the names (docs/metrics.md lists them, a test compares).  Label sets are
closed: sources and channels come from the configuration, everything else from
enumerations; an unknown value is counted as ``other``, so no sender can make
series.  Imports nothing of ours but the core's vocabularies.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterable, Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from daemon.core.clock import SECOND, Instant, Span
from daemon.core.delivery import DeliveryState
from daemon.core.ports import Outcome, Reason, Sent
from daemon.core.suppression import Taken
from daemon.core.words import Impact

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

OTHER = "other"
NO_REASON = "none"
NO_FAILURE = "no_failure"
ALERT_STATES = ("firing", "resolved")
CODES = ("200", "400", "401", "403", "404", "405", "408", "413", "415", "500", "503")
OUTCOMES = ("sent", "retry", "rejected", "unknown")
ACTIONS = ("said", "asked", "set", "skipped")
LOOPS = ("ticker", "outbox", "reconcile", "page", "figures", "rules", "watchdog")
PLACES = (
    "app", "intake", "service", "ticker", "outbox", "reconcile", "store", "channel", "rules",
    "page", "web", "console", "reload", "notify", "figures",
)  # fmt: skip
COUNTED_STATES = (
    DeliveryState.queued,
    DeliveryState.claimed,
    DeliveryState.attempted,
    DeliveryState.unknown,
    DeliveryState.held,
    DeliveryState.dead,
)
"""States whose rows are few enough to count; `sent` and its like only ever grow."""

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
FIRST_UPDATE = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
UPDATE_GAP = (
    60.0,
    300.0,
    600.0,
    900.0,
    1200.0,
    1500.0,
    1800.0,
    2100.0,
    2700.0,
    3600.0,
    5400.0,
    7200.0,
    14400.0,
)


def _one_of(value: str, known: Iterable[str]) -> str:
    return value if value in known else OTHER


def _ended(outcome: Outcome) -> tuple[str, str]:
    """Outcome and reason as labels."""
    reason = NO_REASON if isinstance(outcome, Sent) else Reason(outcome.reason).value
    return type(outcome).__name__.lower(), reason


class Metrics:
    """Counts what happens; ``exposition`` is the page that Prometheus reads.

    ``sources`` and ``channels`` (name -> kind) are the configured ones,
    ``checks`` the wording gate's.  Spans are milliseconds, as everywhere.
    """

    def __init__(
        self,
        *,
        sources: Iterable[str] = (),
        channels: Mapping[str, str] | None = None,
        checks: Iterable[str] = (),
        version: str = "",
        registry: CollectorRegistry | None = None,
    ) -> None:
        # `_created` doubles the number of series and Prometheus ignores it; the switch is process-wide.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream has no types here
        self.registry = registry if registry is not None else CollectorRegistry()
        self._sources = frozenset(sources)
        self._channels = dict(channels or {})
        self._checks = frozenset(checks)
        self._define_intake()
        # Finding a child costs more than counting on it, and these are counted on with every webhook.
        self._alert_counters = functools.lru_cache(maxsize=256)(self._find_alert_counters)
        self._answer_meters = functools.lru_cache(maxsize=256)(self._find_answer_meters)
        self._define_incidents()
        self._define_deliveries()
        self._define_rules()
        self._define_process(version)
        self._seed()

    # -- definitions -------------------------------------------------------

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tocsin_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"tocsin_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"tocsin_{name}", text, labels, registry=self.registry, buckets=buckets)

    def _define_intake(self) -> None:
        self._alerts = self._counter(
            "alerts_received_total",
            "Alerts in webhooks that were accepted, repeats included.",
            "source",
            "status",
        )
        self._requests = self._counter(
            "webhook_requests_total", "Webhooks answered, by HTTP status code.", "source", "code"
        )
        self._request_time = self._histogram(
            "webhook_duration_seconds", "From the first byte of a webhook to its answer.", FAST, "source"
        )
        self._raw_bodies = self._counter(
            "raw_bodies_kept_total",
            "Bodies that nothing could be made of, kept for a person to look at.",
            "source",
        )

    def _define_incidents(self) -> None:
        self._open = self._gauge("incidents_open", "Incidents that are open now.", "impact")
        self._opened = self._counter("incidents_opened_total", "Incidents opened, by first impact.", "impact")
        self._first_update = self._histogram(
            "time_to_first_update_seconds",
            "From an incident's opening to its first public update.",
            FIRST_UPDATE,
        )
        self._gap = self._histogram(
            "update_gap_seconds", "Between two public updates of an open incident.", UPDATE_GAP
        )
        self._overdue = self._gauge("updates_overdue", "Open public incidents whose next update is late.")
        self._kept = self._counter("promises_kept_total", "Promised updates that came in time.")
        self._broken = self._counter("promises_broken_total", "Promised updates that did not come in time.")
        self._journal = self._counter("journal_entries_total", "Entries written to journals.")

    def _define_deliveries(self) -> None:
        self._notifications = self._counter(
            "notifications_total",
            "Attempts to send, by how they ended.",
            "channel",
            "kind",
            "outcome",
            "reason",
        )
        self._edits = self._counter(
            "edits_total",
            "Attempts to change a post that is there, by how they ended.",
            "channel",
            "kind",
            "outcome",
            "reason",
        )
        self._latency = self._histogram(
            "notification_latency_seconds",
            "From an update's decision to its being sent.",
            LATENCY,
            "channel",
            "kind",
        )
        self._rows = self._gauge("outbox_deliveries", "Deliveries that are not done, and dead ones.", "state")
        self._oldest = self._gauge(
            "outbox_oldest_age_seconds", "Age of the oldest delivery in a state.", "state"
        )
        self._bounces = self._counter(
            "bounces_total", "Mails that came back, by what became of the notice.", "channel", "outcome"
        )
        self._suppressions = self._gauge(
            "suppressed_recipients", "Recipients who get no more mail, because it came back.", "channel"
        )
        self._parked = self._gauge(
            "channel_parked", "1 while a channel refuses our credentials.", "channel", "kind"
        )
        self._down = self._gauge(
            "channel_down", "1 while a channel takes no posts for two minutes or more.", "channel", "kind"
        )

    def _define_rules(self) -> None:
        self._fired = self._counter(
            "rules_fired_total", "Steps of plans that ended, by what they did.", "action"
        )
        self._reload_good = self._gauge(
            "rules_last_reload_successful", "1 if the newest try to load the rules succeeded, else 0."
        )
        self._reload_time = self._gauge(
            "rules_last_reload_success_timestamp_seconds", "When the rules in force were loaded."
        )
        self._findings = self._counter("wording_findings_total", "Findings of the wording gate.", "check")

    def _define_process(self, version: str) -> None:
        self._lag = self._histogram("event_loop_lag_seconds", "How late the event loop woke us.", FAST)
        self._turns = self._counter("loop_turns_total", "Completed turns of the daemon's loops.", "loop")
        self._errors = self._counter("unexpected_errors_total", "Errors that nobody foresaw.", "where")
        self._database = self._gauge("database_bytes", "Size of the database file.")
        self._database_log = self._gauge(
            "database_log_bytes", "Size of the write-ahead log beside the database file."
        )
        build = Info("tocsin_build", "Version of the running program.", registry=self.registry)
        build.info({"version": version, "python": platform.python_version()})
        ProcessCollector(registry=self.registry)

    def _seed(self) -> None:
        """Make the series that alert rules look at exist from the start, at zero."""
        for impact in Impact:
            self._open.labels(impact.name)
            self._opened.labels(impact.name)
        for action in ACTIONS:
            self._fired.labels(action)
        for loop in LOOPS:
            self._turns.labels(loop)
        for state in COUNTED_STATES:
            self._rows.labels(state.value)
            self._oldest.labels(state.value)
        for source in self._sources:
            for status in ALERT_STATES:
                self._alerts.labels(source, status)
            self._requests.labels(source, "200")
        for channel, kind in self._channels.items():
            self._notifications.labels(channel, kind, "sent", NO_REASON)
            self._parked.labels(channel, kind)
            self._down.labels(channel, kind)

    # -- what happens ------------------------------------------------------

    def alerts_received(self, source: str, *, firing: int = 0, resolved: int = 0) -> None:
        counters = self._alert_counters(source)
        for counter, count in zip(counters, (firing, resolved), strict=True):
            if count:
                counter.inc(count)

    def webhook_answered(self, source: str, code: int, seconds: float) -> None:
        answers, times = self._answer_meters(source, code)
        answers.inc()
        times.observe(seconds)

    def raw_body_kept(self, source: str) -> None:
        self._raw_bodies.labels(_one_of(source, self._sources)).inc()

    def incidents_open(self, by_impact: Mapping[Impact, int]) -> None:
        """Set the gauge; an impact that is not given has none open."""
        for impact in Impact:
            self._open.labels(impact.name).set(by_impact.get(impact, 0))

    def incident_opened(self, impact: Impact) -> None:
        self._opened.labels(impact.name).inc()

    def first_update(self, after: Span) -> None:
        self._first_update.observe(after / SECOND)

    def update_gap(self, gap: Span) -> None:
        self._gap.observe(gap / SECOND)

    def updates_overdue(self, count: int) -> None:
        self._overdue.set(count)

    def promise_ended(self, *, kept: bool) -> None:
        (self._kept if kept else self._broken).inc()

    def journal_written(self, entries: int) -> None:
        self._journal.inc(entries)

    def attempt_ended(self, channel: str, outcome: Outcome) -> None:
        """Count one attempt of a channel and why it was not ``Sent``."""
        self._notifications.labels(*self._channel(channel), *_ended(outcome)).inc()

    def edit_ended(self, channel: str, outcome: Outcome) -> None:
        """Count one attempt to change a post."""
        self._edits.labels(*self._channel(channel), *_ended(outcome)).inc()

    def delivered(self, channel: str, after: Span) -> None:
        """Observe how long after its update's decision a delivery was sent."""
        self._latency.labels(*self._channel(channel)).observe(after / SECOND)

    def outbox(self, rows: Mapping[DeliveryState, tuple[int, Instant | None]], now: Instant) -> None:
        """Set rows and oldest creation per state; a state that is not given has no rows."""
        for state in COUNTED_STATES:
            count, oldest = rows.get(state, (0, None))
            self._rows.labels(state.value).set(count)
            age = 0.0 if oldest is None else max(now - oldest, 0) / SECOND
            self._oldest.labels(state.value).set(age)

    def bounce_heard(self, channel: str, taken: Taken | None) -> None:
        """Count a notice about a mail that came back; None: it told of no failure of ours."""
        name, _ = self._channel(channel)
        self._bounces.labels(name, taken.value if taken is not None else NO_FAILURE).inc()

    def suppressed(self, counts: Mapping[str, int]) -> None:
        """Set how many recipients each channel leaves out."""
        for channel in self._channels:
            self._suppressions.labels(channel).set(counts.get(channel, 0))

    def channel_parked(self, channel: str, *, parked: bool) -> None:
        self._parked.labels(*self._channel(channel)).set(int(parked))

    def channel_down(self, channel: str, *, down: bool) -> None:
        self._down.labels(*self._channel(channel)).set(int(down))

    def rule_fired(self, action: str) -> None:
        """Count a step's end: ``said``, ``asked``, ``set`` or ``skipped``."""
        self._fired.labels(_one_of(action, ACTIONS)).inc()

    def rules_loaded(self, now: Instant) -> None:
        self._reload_good.set(1)
        self._reload_time.set(now / SECOND)

    def rules_refused(self) -> None:
        """Note that the newest rule files are bad; those in force stay."""
        self._reload_good.set(0)

    def wording_finding(self, check: str) -> None:
        self._findings.labels(_one_of(check, self._checks)).inc()

    def loop_lag(self, seconds: float) -> None:
        self._lag.observe(max(seconds, 0.0))

    def loop_turned(self, loop: str) -> None:
        self._turns.labels(_one_of(loop, LOOPS)).inc()

    def unexpected_error(self, where: str) -> None:
        self._errors.labels(_one_of(where, PLACES)).inc()

    def database_size(self, file: float, log: float) -> None:
        self._database.set(file)
        self._database_log.set(log)

    # -- reading -----------------------------------------------------------

    def exposition(self) -> bytes:
        """The text that ``GET /metrics`` answers, in ``CONTENT_TYPE``."""
        return prometheus_client.generate_latest(self.registry)

    def _find_alert_counters(self, source: str) -> tuple[Counter, ...]:
        name = _one_of(source, self._sources)
        return tuple(self._alerts.labels(name, status) for status in ALERT_STATES)

    def _find_answer_meters(self, source: str, code: int) -> tuple[Counter, Histogram]:
        name = _one_of(source, self._sources)
        return self._requests.labels(name, _one_of(str(code), CODES)), self._request_time.labels(name)

    def _channel(self, channel: str) -> tuple[str, str]:
        kind = self._channels.get(channel)
        return (OTHER, OTHER) if kind is None else (channel, kind)
