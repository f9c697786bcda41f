"""The acts of /api/v1: each is one use case, by a person who is named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from daemon.core.clock import Instant
from daemon.core.words import Impact, Status
from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import Desk, Settled
from daemon.service.incidents import IncidentDesk, OpenRequest, UpdateRequest
from daemon.web import api_models as m
from daemon.web import api_views as views
from daemon.web.api_input import delivery_number, incident_number
from daemon.web.api_route import Call, Operation
from daemon.web.api_times import instant


class Acts:
    """What people do."""

    def __init__(self, desk: Desk, incidents: IncidentDesk, deliveries: DeliveryDesk) -> None:
        self.desk = desk
        self.incidents = incidents
        self.deliveries = deliveries

    def operations(self) -> list[Operation]:
        def on_incident(
            act: str, run: Callable[[Call], Awaitable[m.Done]], summary: str, body: type[m.Act] = m.Act
        ) -> Operation:
            path = f"/incidents/{{id}}/{act}"
            return Operation("POST", path, run, summary, m.Done, body=body, id_form="INC-42")

        def on_delivery(
            act: str, run: Callable[[Call], Awaitable[m.Delivery]], summary: str, body: type[m.Act] = m.Act
        ) -> Operation:
            path = f"/deliveries/{{id}}/{act}"
            return Operation("POST", path, run, summary, m.Delivery, body=body, id_form="17")

        return [
            Operation("POST", "/incidents", self.open_incident, "Open an incident", m.Done,
                      body=m.OpenIncident, status=201),
            on_incident("ack", self.ack, "Acknowledge: somebody works on it"),
            on_incident("update", self.update, "Say something, or set something, or both", m.WriteUpdate),
            on_incident("resolve", self.resolve, "It is over", m.Resolve),
            on_incident("retract", self.retract, "It was a false alarm: close and say so", m.Retract),
            on_incident("take-over", self.take_over, "Rules ask instead of speaking in public"),
            on_incident("hand-back", self.hand_back, "Rules speak again"),
            on_incident("approve", self.approve, "Agree to a text that waits", m.Vote),
            on_incident("veto", self.veto, "Stop a text that waits", m.Vote),
            Operation("POST", "/pause", self.pause, "Take over all incidents, those to come too",
                      m.Pausing, body=m.Pause),
            Operation("POST", "/resume", self.resume, "End a pause", m.Pausing, body=m.Act),
            on_delivery("confirm", self.confirm, "A held post is there", m.Confirm),
            on_delivery("resend", self.resend, "A held post is not there: send it again"),
            on_delivery("drop", self.drop, "Leave a held post as it is, and stop asking"),
        ]  # fmt: skip

    async def open_incident(self, call: Call) -> m.Done:
        asked: m.OpenIncident = call.body
        request = OpenRequest(
            title=asked.title, text=asked.text, impact=Impact[asked.impact], components=asked.components,
            plan=asked.plan, to=asked.to, promise=self._when(asked.promise, "promise"),
            status=Status[asked.status],
        )  # fmt: skip
        return _done(await self.incidents.open(call.who, request))

    async def ack(self, call: Call) -> m.Done:
        return _done(await self.incidents.ack(incident_number(call.name), call.who))

    async def update(self, call: Call) -> m.Done:
        asked: m.WriteUpdate = call.body
        request = UpdateRequest(
            text=asked.text, title=asked.title,
            status=Status[asked.status] if asked.status is not None else None,
            impact=Impact[asked.impact] if asked.impact is not None else None,
            add=asked.add, remove=asked.remove, to=asked.to,
            promise=self._when(asked.promise, "promise"), plan=asked.plan,
        )  # fmt: skip
        return _done(await self.incidents.update(incident_number(call.name), call.who, request))

    async def resolve(self, call: Call) -> m.Done:
        asked: m.Resolve = call.body
        return _done(await self.incidents.resolve(incident_number(call.name), call.who, asked.text))

    async def retract(self, call: Call) -> m.Done:
        asked: m.Retract = call.body
        return _done(await self.incidents.retract(incident_number(call.name), call.who, asked.reason))

    async def take_over(self, call: Call) -> m.Done:
        return _done(await self.incidents.take_over(incident_number(call.name), call.who))

    async def hand_back(self, call: Call) -> m.Done:
        return _done(await self.incidents.hand_back(incident_number(call.name), call.who))

    async def approve(self, call: Call) -> m.Done:
        return await self._vote(call, "approve")

    async def veto(self, call: Call) -> m.Done:
        return await self._vote(call, "veto")

    async def _vote(self, call: Call, act: str) -> m.Done:
        asked: m.Vote = call.body
        return _done(await self.incidents.vote(incident_number(call.name), asked.step, call.who, act))

    async def pause(self, call: Call) -> m.Pausing:
        asked: m.Pause = call.body
        until = self._when(asked.until, "until")
        count = await self.incidents.pause(call.who, until)
        return m.Pausing(paused_by=call.who, until=views.moment(until), incidents=count)

    async def resume(self, call: Call) -> m.Pausing:
        return m.Pausing(paused_by=None, until=None, incidents=await self.incidents.resume(call.who))

    async def confirm(self, call: Call) -> m.Delivery:
        asked: m.Confirm = call.body
        return await self._answer(call, "confirm", asked.reference)

    async def resend(self, call: Call) -> m.Delivery:
        return await self._answer(call, "resend")

    async def drop(self, call: Call) -> m.Delivery:
        return await self._answer(call, "drop")

    async def _answer(self, call: Call, answer: str, reference: str = "") -> m.Delivery:
        row = await self.deliveries.answer_held(delivery_number(call.name), answer, call.who, reference)
        group = await self.desk.store.group_by_id(row.group)
        return views.delivery(row, group.number if group is not None else None)

    def _when(self, text: str | None, key: str) -> Instant | None:
        if text is None:
            return None
        return instant(text, self.desk.clock.now(), self.desk.book.current.site.time_zone, key)


def _done(settled: Settled) -> m.Done:
    return m.Done(
        incident=views.incident_of(settled.state),
        journal=[views.journal_item(one) for one in settled.recorded],
    )
