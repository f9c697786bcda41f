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
    token: Secret
    components: dict[str, PartId] = {}  # noqa: RUF012 - pydantic gives each its own
    deliver_notifications: bool = False
    timeout: Annotated[float, Field(gt=0, le=25)] = 20.0


HostedT = TypeVar("HostedT", bound=HostedSettings)
