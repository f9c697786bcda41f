"""People's acts in a scenario, through the use cases that the command line and the API call."""

from __future__ import annotations

from daemon.core.errors import NotFound, Refused
from daemon.core.group import Group
from daemon.core.words import Impact, Status
from daemon.lab.scenario import Act, Which
from daemon.lab.world import World
from daemon.service.incidents import OpenRequest, UpdateRequest


async def perform(world: World, act: Act) -> None:
    """Do what the person does.  Raises a TocsinError where the daemon would refuse it."""
    incidents = world.incidents
    if act.act == "open":
        await incidents.open(act.who, _opening(world, act))
        return
    number = whose(world, act).number
    match act.act:
        case "ack":
            await incidents.ack(number, act.who)
        case "update":
            await incidents.update(number, act.who, _update(world, act))
        case "resolve":
            await incidents.resolve(number, act.who, act.text)
        case "retract":
            await incidents.retract(number, act.who, act.reason)
        case "take_over":
            await incidents.take_over(number, act.who)
        case "hand_back":
            await incidents.hand_back(number, act.who)
        case "approve" | "veto":
            await incidents.vote(number, act.step, act.who, act.act)


def whose(world: World, act: Act) -> Group:
    """The incident that the act is about.  Raises NotFound or Refused when it cannot be told."""
    states = matching(world.states(), act.incident)
    wanted = [one for one in states if one.phase == "open"]
    if act.step and act.incident is None:
        wanted = [
            one for one in wanted if any(each.step == act.step for each in one.waiting.values())
        ] or wanted
    wanted = wanted or states[-1:]
    if not wanted:
        raise NotFound(
            "there is no incident then" if act.incident is None else f"no incident has {act.incident}"
        )
    if len(wanted) > 1:
        raise Refused(f"{len(wanted)} incidents are open then; pick one with {suggestion(wanted)}")
    return wanted[0]


def matching(states: list[Group], which: Which | None) -> list[Group]:
    """Those incidents that a scenario picks."""
    if which is None:
        return states
    return [
        one
        for one in states
        if (not which.route or one.route == which.route) and which.labels.items() <= one.labels.items()
    ]


def suggestion(states: list[Group]) -> str:
    """How to pick the first of several incidents."""
    first = states[0]
    parts = [f"route: {first.route}"] if len({one.route for one in states}) > 1 else []
    told_apart = {
        name: value
        for name, value in first.labels.items()
        if any(other.labels.get(name) != value for other in states)
    }
    if told_apart:
        parts.append(
            "labels: { " + ", ".join(f"{name}: {value}" for name, value in told_apart.items()) + " }"
        )
    return "incident: { " + ", ".join(parts) + " }" if parts else "a later time: they have the same labels"


def _update(world: World, act: Act) -> UpdateRequest:
    return UpdateRequest(
        text=act.text,
        status=act.status,
        impact=act.impact,
        add=act.add,
        remove=act.remove,
        to=act.to,
        promise=None if act.promise is None else world.clock.now() + act.promise,
        plan=act.plan,
        title=act.title,
    )


def _opening(world: World, act: Act) -> OpenRequest:
    return OpenRequest(
        title=act.title,
        text=act.text,
        impact=Impact.minor if act.impact is None else act.impact,
        components=act.add,
        plan=act.plan,
        to=act.to,
        promise=None if act.promise is None else world.clock.now() + act.promise,
        status=act.status or Status.investigating,
    )
