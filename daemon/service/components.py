"""How the components stand that one post is about: what a hosted page is to show with it."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.core.group import Group
from daemon.core.journal import Said
from daemon.core.ports import ComponentState
from daemon.core.words import COMPONENT_STATUS_OF_IMPACT, Impact, Status
from rules.model import RuleSet


def component_states(
    state: Group, said: Said, channel: str, live: Iterable[Group], rules: RuleSet
) -> tuple[ComponentState, ...]:
    """Every component that the incident was ever about on this channel; the worst open incident decides.

    Of the other incidents those count that the channel was told of: what is not
    public there may not show by a colour either.
    """
    worst = dict.fromkeys(sorted(state.channels[channel].components), Impact.none)
    if said.status is not Status.resolved:
        for one in said.components:
            worst[one] = said.impact
    for other in live:
        told = other.channels.get(channel)
        if other.id == state.id or other.phase != "open" or other.shadow or told is None or not told.posts:
            continue
        for one in worst.keys() & set(other.components):
            worst[one] = max(worst[one], other.impact)
    names = {one: rules.components[one].name if one in rules.components else one for one in worst}
    return tuple(
        ComponentState(one, names[one], COMPONENT_STATUS_OF_IMPACT[impact]) for one, impact in worst.items()
    )
