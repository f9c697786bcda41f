"""What people do with incidents: open, acknowledge, write, approve, take over, resolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.errors import BadInput, NotFound, Refused
from daemon.core.group import Group, Pending
from daemon.core.words import Audience, Impact, Status
from daemon.service.alerts import begin
from daemon.service.desk import Desk, Settled, Work
from daemon.service.views import public_name
from rules.deciding.speech import plan_for_customers
from rules.model import RuleSet

PAUSE = "pause"
LONGEST_TEXT = 10_000
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """What a person wants to say or set; everything is optional, but not all of it."""

    text: str = ""
    title: str = ""
    status: Status | None = None
    impact: Impact | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    promise: Instant | None = None
    plan: str = ""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A person opens an incident that no alert reported."""

    title: str
    text: str = ""
    impact: Impact = Impact.minor
    components: tuple[str, ...] = ()
    plan: str = ""
    to: tuple[str, ...] = ()
    promise: Instant | None = None
    status: Status = field(default=Status.investigating)


class IncidentDesk:
    """People's acts; each is one transaction and raises NotFound, Refused or BadInput."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def open(self, who: str, request: OpenRequest) -> Settled:
        """Open an incident; with a text that is its first update."""
        rules = self.desk.book.current
        plan = request.plan or rules.first_public_plan()
        _check_names(rules, plan=plan, components=request.components, to=request.to)
        _check_words(request.text, request.title, needed=True)
        if request.status is Status.resolved:
            raise BadInput("an incident cannot be opened as resolved: open it, then resolve it")

        def job(work: Work) -> Settled:
            group = work.tx.next_id("group")
            created = j.Created(
                public_id=public_name(self.desk.store.secret.hex(), str(group)), rules=rules.version,
                plan=plan, who=who, title=request.title, impact=request.impact, components=request.components,
            )  # fmt: skip
            begin(self.desk, work, group, created)
            inputs: list[j.Entry] = []
            if request.text:
                inputs.append(
                    j.Acted(
                        act="update", who=who, text=request.text, to=request.to, promise=request.promise,
                        status=request.status if request.status is not Status.investigating else None,
                    )
                )  # fmt: skip
            return work.settle(work.state(group), inputs)

        return await self.desk.work(job)

    async def ack(self, number: int, who: str) -> Settled:
        return await self._act(number, lambda _: j.Acted(act="ack", who=who))

    async def update(self, number: int, who: str, request: UpdateRequest) -> Settled:
        """A person's update counts as the update; without a text it only sets things."""
        _check_words(request.text, request.title, needed=False)

        def make(state: Group) -> j.Entry:
            self._check_update(state, request)
            return j.Acted(
                act="update", who=who, text=request.text, title=request.title, status=request.status,
                impact=request.impact, add=request.add, remove=request.remove, to=request.to,
                promise=request.promise, plan=request.plan,
            )  # fmt: skip

        return await self._act(number, make, ended_too=bool(request.text) and request.status is None)

    async def resolve(self, number: int, who: str, text: str = "") -> Settled:
        return await self.update(number, who, UpdateRequest(text=text, status=Status.resolved))

    async def retract(self, number: int, who: str, reason: str = "") -> Settled:
        """For a false alarm: closes, says so wherever it was told."""
        return await self._act(
            number, lambda _: j.Acted(act="retract", who=who, reason=reason), resolved_too=True
        )

    async def take_over(self, number: int, who: str) -> Settled:
        def make(state: Group) -> j.Entry:
            if state.taken_over_by and state.taken_over_by != who:
                raise Refused(
                    f"{_name(state)} is taken over by {state.taken_over_by}; they hand it back first"
                )
            return j.Acted(act="take_over", who=who)

        return await self._act(number, make)

    async def hand_back(self, number: int, who: str) -> Settled:
        def make(state: Group) -> j.Entry:
            if not state.taken_over_by:
                raise Refused(f"{_name(state)} is not taken over by anybody")
            return j.Acted(act="hand_back", who=who)

        return await self._act(number, make)

    async def vote(self, number: int, step: str, who: str, act: str) -> Settled:
        """``act`` is approve or veto; ``step`` is the id of a step that waits."""

        def make(state: Group) -> j.Entry:
            pending = _waiting(state, step)
            if act == "approve" and pending.need == "veto":
                raise Refused(
                    f"step {step} goes out by itself unless somebody vetoes it; there is nothing to approve"
                )
            if act == "approve" and who in pending.votes:
                raise Refused(
                    f"{who} has approved step {step} already; {pending.need} different people are needed"
                )
            return j.Acted(act=act, who=who, occasion=pending.occasion)

        return await self._act(number, make)

    async def pause(self, who: str, until: Instant | None) -> int:
        """A take over of all incidents, those to come too.  Returns how many are open."""
        paused = self.desk.paused
        if paused is not None and (paused.until is None or paused.until > self.desk.clock.now()):
            raise Refused(f"already paused by {paused.who}")
        return await self._everywhere(j.Paused(who=who, until=until))

    async def resume(self, who: str) -> int:
        if self.desk.paused is None:
            raise Refused("nothing is paused")
        return await self._everywhere(j.Resumed(who=who))

    async def _everywhere(self, entry: j.Paused | j.Resumed) -> int:
        def job(work: Work) -> int:
            groups = sorted({*self.desk.memory.live.values(), *self.desk.memory.opened_by_people})
            self.desk.memory.prepare(work.tx, groups)
            for group in groups:
                work.settle(work.state(group), [entry])
            work.tx.note(PAUSE, msgspec.json.encode(entry) if isinstance(entry, j.Paused) else b"")
            return len(groups)

        count = await self.desk.work(job)
        self.desk.paused = entry if isinstance(entry, j.Paused) else None
        return count

    async def _act(
        self,
        number: int,
        make: Callable[[Group], j.Entry],
        *,
        resolved_too: bool = True,
        ended_too: bool = False,
    ) -> Settled:
        group = await self.group_of(number)

        def job(work: Work) -> Settled:
            state = work.state(group)
            over = state.phase == "ended" or (state.phase == "resolved" and not resolved_too)
            if over and not ended_too:
                raise Refused(
                    f"{_name(state)} has ended ({state.ended or state.status.name}); open a new one"
                )
            return work.settle(state, [make(state)])

        return await self.desk.work(job)

    async def group_of(self, number: int) -> int:
        """The group behind INC-<number>.  Raises NotFound."""
        group = self.desk.memory.numbers.get(number)
        if group is None:
            row = await self.desk.store.group_by_number(number)
            if row is None:
                raise NotFound(f"there is no INC-{number}")
            group = row.id
        return group

    def _check_update(self, state: Group, request: UpdateRequest) -> None:
        rules = self.desk.book.of(state.rules)
        _check_names(rules, plan=request.plan, components=(*request.add, *request.remove), to=request.to)
        if request == UpdateRequest():
            raise BadInput("nothing to update: give a text, a status, an impact, components or a plan")
        if request.promise is not None and not request.text:
            raise BadInput("a promise needs a text that makes it: give both")
        if request.promise is not None and request.promise <= self.desk.clock.now():
            raise BadInput("the promised instant has passed already: name a later one")
        if state.shadow and request.to and not request.plan:
            _check_shadow(state, rules, request.to)
        if request.status is Status.resolved and state.phase != "open":
            raise Refused(f"{_name(state)} is {state.ended or state.status.name} already")


def _name(state: Group) -> str:
    return f"INC-{state.number}"


def _waiting(state: Group, step: str) -> Pending:
    for pending in state.waiting.values():
        if pending.step == step:
            return pending
    waiting = ", ".join(one.step for one in state.waiting.values()) or "none"
    raise Refused(f"step {step} of {_name(state)} does not wait for anybody (waiting: {waiting})")


def _check_names(rules: RuleSet, *, plan: str, components: tuple[str, ...], to: tuple[str, ...]) -> None:
    for what, names, known in (
        ("plan", (plan,) if plan else (), rules.plans),
        ("component", components, rules.components),
        ("channel", to, rules.channels),
    ):
        for name in names:
            if name not in known:
                raise BadInput(f"no {what} is called {name!r}; there are: {', '.join(known) or 'none'}")
    for name in to:
        if not rules.channels[name].configured:
            raise BadInput(f"channel {name!r} is in the rules but not configured")


def _check_shadow(state: Group, rules: RuleSet, to: tuple[str, ...]) -> None:
    public = [name for name in to if rules.channels[name].audience is Audience.public]
    if public and not plan_for_customers(rules):
        raise Refused(
            f"every public plan is in shadow, so nothing of {_name(state)} goes to {', '.join(public)};"
            " remove shadow: true from a plan and reload"
        )


def _check_words(text: str, title: str, *, needed: bool) -> None:
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"the text has {len(text)} characters; at most {LONGEST_TEXT} are taken")
    if len(title) > LONGEST_TITLE:
        raise BadInput(f"the title has {len(title)} characters; at most {LONGEST_TITLE} are taken")
    if needed and not title.strip():
        raise BadInput("an incident needs a title")
