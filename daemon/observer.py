"""What was journalled, as metrics and log lines; called after each commit."""

from __future__ import annotations

import structlog

from daemon.core import journal as j
from daemon.core.clock import Instant, to_iso
from daemon.core.delivery import Delivery
from daemon.core.group import Group
from daemon.core.limits import BudgetSpent, OverBudget
from daemon.core.ports import Channel, Outcome, Sent
from daemon.core.words import Audience
from daemon.metrics import Metrics
from daemon.service.posts import incident_name

log = structlog.get_logger("tocsin.incidents")

ACTIONS = {j.Said: "said", j.Asked: "asked", j.StepSet: "set", j.Skipped: "skipped"}
QUIET = (j.Alerts, j.Heard, j.DeliveryMoved, j.Created, j.RaiseLooked, BudgetSpent)


class Watcher:
    """Turns journal entries and attempts into figures and lines."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last_public: dict[int, Instant] = {}

    def entry(self, group: Group, recorded: j.Recorded) -> None:
        """One entry that is durable now."""
        entry = recorded.entry
        self._metrics.journal_written(1)
        action = ACTIONS.get(type(entry))
        if action is not None and getattr(entry, "step", None):
            self._metrics.rule_fired(action)
        match entry:
            case j.Opened():
                self._metrics.incident_opened(entry.impact)
            case j.Said():
                self._said(group, recorded.at, entry)
            case j.PromiseBroken() if not group.shadow:
                self._metrics.promise_ended(kept=False)
            case j.Ended():
                self._last_public.pop(group.id, None)
            case _:
                pass
        if not isinstance(entry, QUIET):
            self._line(group, entry)

    def _said(self, group: Group, at: Instant, said: j.Said) -> None:
        if said.audience is not Audience.public or said.shadow or not said.counts or group.opened_at is None:
            return
        before = self._last_public.get(group.id)
        if before is None and group.public_updates == 1:
            self._metrics.first_update(max(at - group.opened_at, 0))
        elif before is not None:
            self._metrics.update_gap(max(at - before, 0))
        self._last_public[group.id] = at

    def _line(self, group: Group, entry: j.Entry) -> None:
        fields: dict[str, object] = {
            name: getattr(entry, name)
            for name in ("step", "reason", "whom", "who", "act", "how", "plan", "channel")
            if getattr(entry, name, None)
        }
        if isinstance(entry, j.Said):
            fields["channels"] = sorted(entry.posts)
            fields |= {"shadow": True} if entry.shadow else {}
        if isinstance(entry, OverBudget):
            fields |= {"channels": list(entry.channels), "until": to_iso(entry.until)}
        log.info(entry.kind, incident=incident_name(group), **fields)

    def edited(self, channel: Channel, row: Delivery, outcome: Outcome, took: float) -> None:
        """One attempt to change a post ended."""
        self._metrics.edit_ended(channel.name, outcome)
        fields = {"channel": channel.name, "delivery": row.id, "edits": row.edits, "seconds": round(took, 3)}
        if isinstance(outcome, Sent):
            log.info("edited", **fields)
            return
        log.warning(
            "not edited", outcome=type(outcome).__name__.lower(), reason=outcome.reason,
            detail=outcome.detail, **fields,
        )  # fmt: skip

    def attempt(self, channel: Channel, row: Delivery, outcome: Outcome, took: float) -> None:
        """One attempt of a channel ended."""
        self._metrics.attempt_ended(channel.name, outcome)
        word = type(outcome).__name__.lower()
        if isinstance(outcome, Sent):
            tell = log.debug if row.recipient else log.info  # not a line for each of thousands
            tell("delivered", channel=channel.name, delivery=row.id, seconds=round(took, 3))
            return
        log.warning(
            "not delivered", channel=channel.name, delivery=row.id, outcome=word, reason=outcome.reason,
            detail=outcome.detail, seconds=round(took, 3),
        )  # fmt: skip
