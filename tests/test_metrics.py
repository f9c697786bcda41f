"""Metrics: closed labels, the documented names, and an exposition that Prometheus' own linter likes."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from daemon.core.delivery import DeliveryState
from daemon.core.ports import Outcome, Reason, Ref, Rejected, Retry, Sent, Unknown
from daemon.core.suppression import Taken
from daemon.core.words import Impact
from daemon.metrics import Metrics

ROOT = Path(__file__).parents[1]
RULES = ROOT / "ops" / "tocsin.rules.yml"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt install prometheus)"
)


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a daemon with one source and two channels, nothing counted yet."""
    return Metrics(
        sources=["am"], channels={"mail": "email", "ops": "slack"}, checks=["blame"], version="1.2.3"
    )


def touch(metrics: Metrics) -> Metrics:
    """Count everything once."""
    metrics.alerts_received("am", firing=3, resolved=2)
    metrics.webhook_answered("am", 200, 0.003)
    metrics.raw_body_kept("am")
    metrics.incidents_open({Impact.major: 2})
    metrics.incident_opened(Impact.major)
    metrics.first_update(90_000)
    metrics.update_gap(1_800_000)
    metrics.updates_overdue(1)
    metrics.promise_ended(kept=True)
    metrics.promise_ended(kept=False)
    metrics.journal_written(5)
    metrics.attempt_ended("mail", Sent(Ref({})))
    metrics.edit_ended("mail", Sent(Ref({})))
    metrics.delivered("mail", 1_500)
    metrics.outbox({DeliveryState.queued: (4, 10_000), DeliveryState.held: (1, None)}, now=70_000)
    metrics.bounce_heard("mail", Taken.suppressed)
    metrics.suppressed({"mail": 3})
    metrics.channel_parked("ops", parked=True)
    metrics.channel_down("ops", down=True)
    metrics.rule_fired("said")
    metrics.rules_loaded(1_700_000_000_000)
    metrics.wording_finding("blame")
    metrics.loop_lag(0.002)
    metrics.loop_turned("ticker")
    metrics.unexpected_error("outbox")
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"tocsin_{name}", labels)


def test_counts_what_happened(metrics: Metrics) -> None:
    """Each method ends in the series that its name promises, in base units."""
    touch(metrics)
    assert value(metrics, "alerts_received_total", source="am", status="firing") == 3
    assert value(metrics, "alerts_received_total", source="am", status="resolved") == 2
    assert value(metrics, "webhook_requests_total", source="am", code="200") == 1
    assert value(metrics, "webhook_duration_seconds_sum", source="am") == 0.003
    assert value(metrics, "raw_bodies_kept_total", source="am") == 1
    assert value(metrics, "incidents_open", impact="major") == 2
    assert value(metrics, "incidents_opened_total", impact="major") == 1
    assert value(metrics, "time_to_first_update_seconds_sum") == 90
    assert value(metrics, "update_gap_seconds_sum") == 1800
    assert value(metrics, "updates_overdue") == 1
    assert value(metrics, "promises_kept_total") == 1
    assert value(metrics, "promises_broken_total") == 1
    assert value(metrics, "journal_entries_total") == 5
    assert value(metrics, "notification_latency_seconds_sum", channel="mail", kind="email") == 1.5
    assert value(metrics, "outbox_deliveries", state="queued") == 4
    assert value(metrics, "outbox_oldest_age_seconds", state="queued") == 60
    assert value(metrics, "outbox_deliveries", state="held") == 1
    assert value(metrics, "outbox_oldest_age_seconds", state="held") == 0
    assert value(metrics, "channel_parked", channel="ops", kind="slack") == 1
    assert value(metrics, "channel_down", channel="ops", kind="slack") == 1
    assert value(metrics, "rules_fired_total", action="said") == 1
    assert value(metrics, "rules_last_reload_success_timestamp_seconds") == 1_700_000_000
    assert value(metrics, "wording_findings_total", check="blame") == 1
    assert value(metrics, "loop_turns_total", loop="ticker") == 1
    assert value(metrics, "unexpected_errors_total", where="outbox") == 1
    assert value(metrics, "build_info", version="1.2.3", python=platform.python_version()) == 1


@pytest.mark.parametrize(
    ("outcome", "word", "reason"),
    [
        pytest.param(Sent(Ref({})), "sent", "none", id="sent"),
        pytest.param(Retry(Reason.rate_limited), "retry", "rate_limited", id="retry"),
        pytest.param(Rejected(Reason.content), "rejected", "content", id="rejected"),
        pytest.param(Unknown(Reason.timeout), "unknown", "timeout", id="unknown"),
    ],
)
def test_attempts_by_outcome_and_reason(metrics: Metrics, outcome: Outcome, word: str, reason: str) -> None:
    """An attempt is counted by channel, kind, outcome and reason."""
    metrics.attempt_ended("ops", outcome)
    assert (
        value(metrics, "notifications_total", channel="ops", kind="slack", outcome=word, reason=reason) == 1
    )


def test_unknown_labels_become_other(metrics: Metrics) -> None:
    """Nobody outside can make a series: what is not configured is `other`."""
    before = metrics.exposition().count(b"\n")
    for number in range(50):
        metrics.alerts_received(f"made-up-{number}", firing=1)
        metrics.webhook_answered(f"made-up-{number}", 200 + number, 0.1)
        metrics.raw_body_kept(f"made-up-{number}")
        metrics.attempt_ended(f"made-up-{number}", Sent(Ref({})))
        metrics.delivered(f"made-up-{number}", 1)
        metrics.channel_parked(f"made-up-{number}", parked=False)
        metrics.rule_fired(f"made-up-{number}")
        metrics.wording_finding(f"made-up-{number}")
        metrics.loop_turned(f"made-up-{number}")
        metrics.unexpected_error(f"made-up-{number}")
    text = metrics.exposition().decode()
    assert "made-up" not in text
    assert value(metrics, "alerts_received_total", source="other", status="firing") == 50
    assert text.count("\n") - before < 80


def test_gauges_forget(metrics: Metrics) -> None:
    """What is no longer open or queued goes back to zero."""
    touch(metrics)
    metrics.incidents_open({})
    metrics.outbox({}, now=0)
    metrics.rules_refused()
    assert value(metrics, "incidents_open", impact="major") == 0
    assert value(metrics, "outbox_deliveries", state="queued") == 0
    assert value(metrics, "outbox_oldest_age_seconds", state="queued") == 0
    assert value(metrics, "rules_last_reload_successful") == 0


def test_instances_do_not_share(metrics: Metrics) -> None:
    """Two daemons in one process count apart, unless they are given one registry."""
    other = Metrics(sources=["am"])
    metrics.alerts_received("am", firing=1)
    assert value(other, "alerts_received_total", source="am", status="firing") == 0
    registry = CollectorRegistry()
    assert Metrics(registry=registry).registry is registry


def test_series_exist_before_anything_happens(metrics: Metrics) -> None:
    """Alert rules need zeros, not absent series."""
    assert value(metrics, "alerts_received_total", source="am", status="firing") == 0
    assert value(metrics, "outbox_deliveries", state="held") == 0
    assert value(metrics, "promises_broken_total") == 0
    assert value(metrics, "channel_parked", channel="ops", kind="slack") == 0


def families(metrics: Metrics) -> dict[str, str]:
    """Name as Prometheus shows it -> type, without the process's own."""
    found = re.findall(r"^# TYPE (tocsin_\S+) (\S+)$", metrics.exposition().decode(), re.MULTILINE)
    return dict(found)


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(tocsin_\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", text, re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_every_metric_is_documented(metrics: Metrics) -> None:
    """docs/metrics.md has each metric with its type, and none that is gone."""
    assert {name: kind for name, (kind, _) in documented().items()} == families(touch(metrics))


def test_documented_labels_are_true(metrics: Metrics) -> None:
    """The label names in docs/metrics.md are those of the series."""
    text = touch(metrics).exposition().decode()
    for name, (_, labels) in documented().items():
        sample = re.search(rf"^{name}(?:_sum)?(?:\{{(.*?)\}})? ", text, re.MULTILINE)
        assert sample is not None, name
        assert tuple(sorted(re.findall(r'(\w+)="', sample.group(1) or ""))) == tuple(sorted(labels)), name


def test_shipped_alerts_use_real_metrics(metrics: Metrics) -> None:
    """Each series in ops/tocsin.rules.yml exists, down to the bucket's spelling."""
    text = touch(metrics).exposition().decode()
    for name in set(re.findall(r"\btocsin_\w+", RULES.read_text(encoding="utf-8"))):
        assert re.search(rf"^{name}[ {{]", text, re.MULTILINE), name
    assert 'tocsin_time_to_first_update_seconds_bucket{le="900.0"}' in text


@pytest.mark.external
@needs_promtool
def test_promtool_finds_no_fault(metrics: Metrics) -> None:
    """Prometheus' own linter has nothing to say about names, units and help texts."""
    text = touch(metrics).exposition()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.external
@needs_promtool
@pytest.mark.parametrize(
    "what", [["check", "rules", "tocsin.rules.yml"], ["test", "rules", "tocsin.rules.test.yml"]]
)
def test_promtool_accepts_the_shipped_alerts(what: list[str]) -> None:
    """The shipped alert rules load, and fire when and only when they should."""
    done = subprocess.run(
        ["promtool", *what], cwd=ROOT / "ops", capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
