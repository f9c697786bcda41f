"""Posts and settings as the tests want them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, TypeAdapter

from channels import registry
from channels.base import ChannelSettings
from daemon.core.ports import ComponentState, Post
from daemon.core.words import Audience, ComponentStatus

_SETTINGS: TypeAdapter[ChannelSettings] = TypeAdapter(
    registry.settings_model(), config=ConfigDict(hide_input_in_errors=True)
)
AT = 1_798_797_600_000


def settings(**fields: Any) -> ChannelSettings:
    """What the configuration would make of one entry under ``channels:``."""
    return _SETTINGS.validate_python(fields)


def post(**fields: Any) -> Post:
    """A first public update; ``fields`` differ."""
    usual: dict[str, Any] = {
        "key": "key-1",
        "incident": "INC-42",
        "title": "Checkout errors",
        "text": "Some orders fail at the moment. We are looking into it.",
        "audience": Audience.public,
        "status": "investigating",
        "impact": "major",
        "components": ("Checkout",),
        "first": True,
        "page_name": "Example",
        "page_url": "https://status.example.com/incidents/abc123def456",
        "at": AT,
        "update": "update-1",
        "thread": "update-1",
        "public_id": "abc123def456",
        "began": AT - 60_000,
        "states": (ComponentState("checkout", "Checkout", ComponentStatus.partial_outage),),
    }
    return Post(**{**usual, **fields})
