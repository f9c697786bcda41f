"""The questions of /api/v1 about rules: why, since when, and what of them is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from daemon.core.clock import to_iso
from daemon.core.errors import NotFound
from daemon.service.desk import Desk
from daemon.service.rule_history import Change, RuleHistory
from daemon.web import api_rules_models as m
from daemon.web.api_input import incident_number
from daemon.web.api_route import Call, Operation
from daemon.web.api_times import instant_before
from daemon.web.api_views import moment
from rules.lab.coverage import unreached
from rules.lab.explain import Approval, Moment


class RuleReads:
    """Answers of stored data and of the rules; nothing is changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._history = RuleHistory(desk.store, desk.book)

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "/incidents/{id}/explain", self.explain_incident, "Why its steps acted, or not",
                      m.Explanation, query=m.ExplainQuery, id_form="INC-42"),
            Operation("GET", "/rules/versions", self.list_versions, "Versions of the rules, newest first",
                      m.RulesChanges, query=m.RulesQuery),
            Operation("GET", "/rules/versions/{id}", self.show_version, "What a version changed",
                      m.WholeRulesChange, id_form="3f9a0c"),
            Operation("GET", "/rules/coverage", self.show_coverage, "What a history used of the rules",
                      m.RulesCoverage, query=m.CoverageQuery),
        ]  # fmt: skip

    async def explain_incident(self, call: Call) -> m.Explanation:
        asked: m.ExplainQuery = call.query
        number = incident_number(call.name)
        row = await self._desk.store.group_by_number(number)
        if row is None:
            raise NotFound(f"there is no INC-{number}")
        found = await self._history.explain(row, self._desk.clock.now(), asked.step)
        return m.Explanation(
            incident=f"INC-{number}",
            rules=row.rules,
            plan=next((one.plan for one in reversed(found)), ""),
            items=[_explained(one) for one in found],
        )

    async def list_versions(self, call: Call) -> m.RulesChanges:
        asked: m.RulesQuery = call.query
        skip = asked.cursor or 0
        found, more = await self._history.changes(asked.limit, skip)
        keep = self._kept()
        items = [m.RulesChange(**self._change(one, keep)) for one in found]
        return m.RulesChanges(items, str(skip + asked.limit) if more else None)

    async def show_version(self, call: Call) -> m.WholeRulesChange:
        found = await self._history.change(call.name)
        return m.WholeRulesChange(**self._change(found, self._kept()), diff=list(found.diff))

    async def show_coverage(self, call: Call) -> m.RulesCoverage:
        asked: m.CoverageQuery = call.query
        since = instant_before(asked.since, self._desk.clock.now(), "since")
        found = await self._history.coverage(since)
        return m.RulesCoverage(
            since=to_iso(since),
            version=found.rules.version,
            routes=[
                m.RouteUsed(route=one.route, incidents=one.incidents, alerts=one.alerts)
                for one in found.routes()
            ],
            steps=[
                m.StepUsed(
                    plan=one.plan, step=one.step, acted=one.acted, skipped=one.skipped, reason=one.reason
                )
                for one in found.steps()
            ],
            catch_all=[m.CaughtAlert(alertname=name, count=count) for name, count in found.catch_all()],
            unreached=list(unreached(found)),
        )

    def _kept(self) -> Counter[str]:
        """How many live incidents keep each version."""
        return Counter(state.rules for state in self._desk.memory.states.values() if state.number)

    def _change(self, one: Change, kept: Mapping[str, int]) -> dict[str, Any]:
        stored = one.version
        return {
            "version": stored.version,
            "loaded_at": to_iso(stored.loaded_at),
            "who": stored.who,
            "files": [name for name, _ in stored.sources],
            "added": one.added,
            "removed": one.removed,
            "in_force": stored.version == self._desk.book.current.version,
            "incidents": kept.get(stored.version, 0),
        }


def _explained(one: Moment) -> m.Explained:
    return m.Explained(
        plan=one.plan,
        step=one.step,
        occasion=one.occasion,
        at=to_iso(one.at),
        outcome=cast("m.OutcomeName", one.outcome),
        reason=one.reason,
        to=list(one.to),
        condition=one.condition,
        holds=one.holds,
        facts=dict(one.facts),
        parts=[m.Part(text=part.text, value=part.value, depth=part.depth) for part in one.parts],
        approval=_approval(one.approval) if one.approval is not None else None,
        changed_by=list(one.changed_by),
        expected=moment(one.expected),
    )


def _approval(one: Approval) -> m.AskedApproval:
    return m.AskedApproval(
        need=cast("Any", one.need),
        since=to_iso(one.since),
        until=to_iso(one.until),
        otherwise=cast("Any", one.otherwise),
        votes=[m.CastVote(at=to_iso(at), who=who, act=cast("Any", act)) for at, who, act in one.votes],
    )
