"""The settings that all hosted pages take."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

from channels.base import ChannelSettings, Secret
from daemon.core.words import Audience

PartId = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class HostedSettings(ChannelSettings):
    """``components`` leads from ours, by id or name, to the ids of theirs."""

    audience: Literal[Audience.public] = Audience.public
    on_doubt: None = None
    token: Secret = Field(description="an API key")
    components: dict[str, PartId] = Field(
        default={},
        description="a map from our components, by id or name, to the ids of theirs; "
        "what is not in it is left alone",
    )
    deliver_notifications: bool = Field(
        default=False,
        description="whether the page tells its own subscribers, who may hear it from us already",
    )
    timeout: float = Field(
        default=20.0, gt=0, le=25, description="seconds for one attempt; each call has a third"
    )


HostedT = TypeVar("HostedT", bound=HostedSettings)
