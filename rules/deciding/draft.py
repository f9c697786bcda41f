"""A decision in the making: a private copy of the state and the entries so far."""

from __future__ import annotations

from typing import Any

from daemon.core import fold
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.journal import Entry, Said
from daemon.core.words import Audience
from rules.model import ChannelRule, Condition, ConditionError, Plan, Route, RuleSet, Step


class SomethingIsDue(Exception):
    """A look found that there is something to journal."""


class Draft:
    """What all parts of a decision share.  ``state`` already has the entries folded in.

    ``look`` only finds out whether anything is due: the first entry raises
    SomethingIsDue, so that the state needs no copy.  Nearly all calls end so.
    """

    def __init__(self, state: Group, rules: RuleSet, now: Instant, *, look: bool = False) -> None:
        self.before = state
        self.state = state if look else state.copy()
        self.rules = rules
        self.now = now
        self.entries: list[Entry] = []
        self.route: Route | None = rules.route(state.route) if state.route else None
        self._look = look
        self.person_said: list[Said] = []  # people's words that went out in this call
        self.person_words = ""
        self.person_moved_plan = False
        self._facts: tuple[int, dict[str, Any]] = (-1, {})
        self.anchors: dict[tuple[int, str], Instant | None] = {}  # (sequence, plan): what steps.anchor found
        self.failed: list[tuple[str, str]] = []  # (occasion, what) of rules that raised

    def will_add(self) -> None:
        """Say that an entry follows, before costly work on it that a look would lose."""
        if self._look:
            raise SomethingIsDue

    def add(self, entry: Entry) -> None:
        """Journal one entry and fold it in."""
        self.will_add()
        fold.add(self.state, self.now, entry)
        self.entries.append(entry)

    def begin_anew(self, entries: list[Entry]) -> None:
        """Take other entries in place of those so far; what was remembered by sequence is void."""
        self.state = self.before.copy()
        self.entries = []
        self._facts = (-1, {})
        self.anchors.clear()
        for entry in entries:
            self.add(entry)

    @property
    def plan(self) -> Plan | None:
        return self.rules.plans.get(self.state.plan)

    @property
    def is_open(self) -> bool:
        return self.state.phase == "open"

    @property
    def hushed(self) -> bool:
        """Whether automatic public texts become questions: taken over, or paused."""
        state = self.state
        paused = bool(state.paused_by) and (state.paused_until is None or self.now < state.paused_until)
        return paused or bool(state.taken_over_by)

    def has_room(self, name: str) -> bool:
        """Whether the channel's hour allows one more automatic text."""
        return self.state.spent.get(name, 0) <= self.now

    def channel(self, name: str) -> ChannelRule | None:
        """The channel if it is configured."""
        rule = self.rules.channels.get(name)
        return rule if rule is not None and rule.configured else None

    def is_public(self, name: str) -> bool:
        rule = self.rules.channels.get(name)
        return rule is not None and rule.audience is Audience.public

    def is_page(self, name: str) -> bool:
        rule = self.rules.channels.get(name)
        return rule is not None and rule.is_page and rule.configured

    def pages(self) -> tuple[str, ...]:
        return tuple(name for name, rule in self.rules.channels.items() if rule.is_page and rule.configured)

    def plan_has_page(self, plan: Plan) -> bool:
        """Whether the plan speaks on a status page at all; else any of its channels counts."""
        return any(self.is_page(name) for step in plan.steps for name in step.to) or any(
            self.is_page(name) for name in plan.to
        )

    def page_is_silent(self, plan: Plan) -> bool:
        """Whether the plan speaks on a page that has nothing yet: what counted under another plan is void."""
        return not self.state.page_told and self.plan_has_page(plan)

    def facts(self) -> dict[str, Any]:
        """What ``if`` and texts may see (the fact table of rules.show), as values."""
        state = self.state
        if self._facts[0] == state.sequence:
            return self._facts[1]
        windows = {name: window.is_open(self.now) for name, window in self.rules.windows.items()}
        facts = {
            **windows,
            "impact": state.impact,
            "status": state.status,
            "alerts_firing": state.firing,
            "alerts_total": len(state.episodes),
            "labels": state.common or {},
            "components": state.components,
            "told": state.told,
            "channels_down": sorted(name for name, view in state.channels.items() if view.down),
            "acked": bool(state.acked_by),
            "taken_over": self.hushed,
            "unattended": state.unattended,
            "postmortem_scheduled": state.postmortem_scheduled,
        }
        self._facts = (state.sequence, facts)
        return facts

    def holds(self, condition: Condition | None, occasion: str) -> bool:
        """An ``if``; one that raises counts as false and is remembered for a question."""
        if condition is None:
            return True
        try:
            return condition.holds(self.facts())
        except ConditionError as error:
            self.failed.append((occasion, f"{condition.source}: {error}"))
            return False

    def waits(self, plan: str, step: str) -> bool:
        """Whether some occasion of that step waits for people."""
        waiting = self.state.waiting
        return bool(waiting) and any(one.plan == plan and one.step == step for one in waiting.values())

    def target(self, step: Step) -> tuple[str, ...]:
        """The configured channels of a step, ``told`` spelt out, each once."""
        names: list[str] = []
        for name in step.to:
            names.extend(self.state.told if name == "told" else [name])
        return tuple(dict.fromkeys(name for name in names if self.channel(name) is not None))
