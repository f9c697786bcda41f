"""The settings of a Discord channel."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from channels.base import ApiUrl, ChannelSettings, Secret, safe_address

HOOK = re.compile(r"/api(?:/v\d+)?/webhooks/(\d+/[A-Za-z0-9._-]+)")
"""The path of a webhook's address, with its own part as a group."""


def _snowflake(text: str) -> str:
    if not re.fullmatch("[0-9]{5,25}", text):
        raise ValueError("write the ID, a long number in quotes (Copy ID in Discord's developer mode)")
    return text


Snowflake = Annotated[str, AfterValidator(_snowflake)]


class Settings(ChannelSettings):
    """Either ``token`` and ``channel``, or ``webhook_url`` with ``thread`` if wanted."""

    kind: Literal["discord"]
    on_doubt: Literal["hold", "resend"] | None = Field(
        default=None,
        description="with a webhook alone, after a lost answer: `hold`, so unless given, asks a person; "
        "`resend` sends again",
    )
    token: Secret | None = Field(default=None, description="the bot form: the bot's token")
    channel: Snowflake | None = Field(
        default=None, description="the bot form: the ID of the channel or thread, in quotes"
    )
    webhook_url: Secret | None = Field(
        default=None, description="the webhook form: its address; exactly one of the two forms"
    )
    thread: Snowflake | None = Field(
        default=None, description="with a webhook alone: the ID of the thread or forum post to write into"
    )
    api_url: ApiUrl = Field(
        default="https://discord.com/api/v10",
        description="another base address for a bot; https, or http to this machine",
    )
    timeout: float = Field(default=20.0, gt=0, le=25, description="seconds for one attempt")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        bot = (self.token is not None, self.channel is not None)
        if not (all(bot) and self.webhook_url is None) and not (not any(bot) and self.webhook_url):
            raise ValueError("write either token and channel, or webhook_url alone")
        if self.webhook_url is not None:
            address = safe_address(self.webhook_url.get_secret_value())
            if not HOOK.fullmatch(urlsplit(address).path):
                raise ValueError("webhook_url: copy it from the channel's Integrations, .../api/webhooks/...")
        elif self.on_doubt is not None:
            raise ValueError(
                "on_doubt has no effect with a token: Discord is then asked what it has; drop the key"
            )
        elif self.thread is not None:
            raise ValueError("thread goes with webhook_url; for a bot write the thread's ID as channel")
        return self
