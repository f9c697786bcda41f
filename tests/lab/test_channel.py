"""Channels of the lab settle doubts as the real ones of their kind do."""

from __future__ import annotations

import asyncio

import pytest

from channels import registry
from channels.http import open_session
from daemon.core.clock import FakeClock
from daemon.core.ports import Capabilities
from daemon.lab.channel import POLICIES
from tests.channels.posts import settings
from tests.channels.test_registry import EXAMPLES

SETTLE = ("kind", "per_recipient", "threads", "can_find", "idempotency", "on_doubt", "late_apply")


async def _real(kind: str) -> Capabilities:
    async with open_session() as session:
        built = registry.build(settings(name="ours", kind=kind, **EXAMPLES[kind]), session, FakeClock())
        return built.capabilities


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_a_doubt_is_settled_as_in_life(kind: str) -> None:
    """What the reconciler asks a channel is the same; a kind without a row leaves doubts to people."""
    real = asyncio.run(_real(kind))
    assert {name: getattr(POLICIES[kind], name) for name in SETTLE} == {
        name: getattr(real, name) for name in SETTLE
    }
