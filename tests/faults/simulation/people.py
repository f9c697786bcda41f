"""People: they act on what they see, and answer for held posts after they have looked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from daemon.core.clock import HOUR, MINUTE
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.errors import BadInput, NotFound, Refused
from daemon.core.words import Impact, Status
from daemon.service.incidents import OpenRequest, UpdateRequest
from tests.faults.simulation import invariants
from tests.faults.simulation.provider import Broken
from tests.faults.simulation.world import World

ACTS = (
    "ack", "update", "promise", "identified", "monitoring", "resolve", "retract", "take_over", "hand_back",
    "approve", "veto", "raise", "lower", "remove",
)  # fmt: skip


class People:
    """Each method is one person's one act; what the daemon refuses with a reason is no fault."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._said = 0

    async def act(self, number: int, act: str, who: str = "ana") -> None:
        """One of ``ACTS`` on INC-<number>."""
        self._world.counts.acts[act] += 1
        await self._try(lambda: self._act(number, act, who))

    async def open(self, who: str, component: str) -> None:
        words = self._words("We look into it")
        await self._try(
            lambda: self._world.home.incidents.open(
                who, OpenRequest("Seen by a person", words, Impact.minor, (component,))
            )
        )

    async def pause(self, who: str, minutes: int) -> None:
        until = self._world.clock.now() + minutes * MINUTE
        await self._try(lambda: self._world.home.incidents.pause(who, until))

    async def resume(self, who: str) -> None:
        await self._try(lambda: self._world.home.incidents.resume(who))

    async def settle_held(self, who: str = "ana", *, drop: bool = False) -> int:
        """Look at each held post and say what is true of it; ``drop`` what is not there, else post it."""
        world = self._world
        with world.fuse.out_of_the_way():
            held = (await world.home.store.deliveries(100, states={DeliveryState.held})).items
        for row in reversed(held):
            await self._answer(row, who, drop=drop)
        return len(held)

    async def replay_dead(self, who: str = "ana") -> None:
        """Post again what was refused for good and has been put right."""
        world = self._world
        with world.fuse.out_of_the_way():
            dead = (await world.home.store.deliveries(5, states={DeliveryState.dead}, edits=False)).items
        for row in dead:
            if not world.providers[row.channel].has(row.key):
                await self._try(lambda row=row: self._order(row, "resend", who))  # type: ignore[misc]

    async def _answer(self, row: Delivery, who: str, *, drop: bool) -> None:
        if self._world.providers[row.channel].has(row.key):
            answer = "confirm"
        else:
            answer = "drop" if drop or self._world.was_passed(row) else "resend"
        if not await self._try(lambda: self._order(row, answer, who)) and answer == "resend":
            await self._try(lambda: self._order(row, "drop", who))  # newer posts went past it

    async def _order(self, row: Delivery, answer: str, who: str) -> None:
        provider = self._world.providers[row.channel]
        before = provider.said_again[row.key], provider._in_doubt.get(row.key)
        if answer == "resend":
            provider.order_again(row.key)
        try:
            await self._world.home.deliveries.answer_held(row.id, answer, who)
        except (Refused, NotFound):
            provider.said_again[row.key] = before[0]
            if before[1] is not None:
                provider._in_doubt[row.key] = before[1]
            raise

    async def _try(self, act: Callable[[], Awaitable[object]]) -> bool:
        """False when the daemon refuses it, with a reason."""
        done = True

        async def with_reason() -> None:
            nonlocal done
            try:
                await act()
            except (Refused, BadInput, NotFound):
                done = False

        await self._world.do(with_reason())
        return done

    def _words(self, begin: str) -> str:
        self._said += 1
        return f"{begin} ({self._said})."

    async def _act(self, number: int, act: str, who: str) -> None:
        incidents = self._world.home.incidents
        match act:
            case "ack":
                await incidents.ack(number, who)
            case "resolve":
                await incidents.resolve(number, who, self._words("It is over"))
            case "retract":
                await incidents.retract(number, who, "false alarm")
            case "take_over":
                await incidents.take_over(number, who)
            case "hand_back":
                await incidents.hand_back(number, who)
            case "approve" | "veto":
                await self._vote(number, act, who)
            case _:
                await incidents.update(number, who, self._request(act))

    def _request(self, act: str) -> UpdateRequest:
        words = self._words("We work on it")
        requests = {
            "update": UpdateRequest(words),
            "promise": UpdateRequest(words, promise=self._world.clock.now() + 50 * MINUTE),
            "identified": UpdateRequest(words, status=Status.identified),
            "monitoring": UpdateRequest(words, status=Status.monitoring),
            "raise": UpdateRequest(impact=Impact.critical),
            "lower": UpdateRequest(impact=Impact.minor),
            "remove": UpdateRequest(remove=("checkout",)),
        }
        return requests[act]

    async def _vote(self, number: int, act: str, who: str) -> object:
        home = self._world.home
        group = await home.incidents.group_of(number)
        state = home.desk.memory.states.get(group)
        waiting = [one.step for one in state.waiting.values()] if state is not None else []
        return await home.incidents.vote(number, waiting[0] if waiting else "social", who, act)

    async def see_to_the_end(self) -> None:
        """The monitor's alerts are over, and so is every incident; what is held is settled."""
        world = self._world
        await self.resume("ana")
        over = [world.monitor.clear(alert.fingerprint, world.clock.now()) for alert in world.monitor.firing()]
        await world.report(list(world.monitor.alerts.values()) if over else [])
        await world.forward(20 * MINUTE)
        for number in sorted(world.home.desk.memory.numbers):
            await self.act(number, "resolve")
        await world.forward(40 * MINUTE)
        await self.settle_held(drop=True)
        await world.forward(4 * HOUR)
        await world.inspect()
        await invariants.check_quiet(world.home.store)
        await world.check_shown()
        still = await world.home.store.open_groups()
        if still:
            raise Broken(f"I10: groups {[row.id for row in still]} never end")
