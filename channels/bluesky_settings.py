"""The settings of an account on Bluesky."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from channels.base import ApiUrl, ChannelSettings, Secret
from daemon.core.words import Audience


def _name(text: str) -> str:
    if not re.fullmatch(r"did:[a-z]+:[A-Za-z0-9._:%-]+|([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError("write the account's handle without @, such as status.example.com, or its DID")
    return text


class Settings(ChannelSettings):
    """An account and an app password of it; never the account's own password."""

    kind: Literal["bluesky"]
    audience: Literal[Audience.public] = Audience.public
    on_doubt: None = None
    identifier: Annotated[str, AfterValidator(_name)] = Field(
        description="the account's handle without @, or its DID"
    )
    app_password: Secret = Field(description="an app password; never the account's own")
    api_url: ApiUrl = Field(
        default="https://bsky.social", description="the account's server; https, or http to this machine"
    )
    languages: tuple[str, ...] = Field(
        default=(), max_length=3, description="languages of the posts, such as `[en]`; three at most"
    )
    timeout: float = Field(
        default=20.0, gt=0, le=60, description="seconds for one attempt, with the log-in where one is needed"
    )
