"""The settings of a Slack channel."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from channels.base import ApiUrl, ChannelSettings, Secret, safe_address
from daemon.core.words import Audience


def _channel_id(text: str) -> str:
    if not re.fullmatch("[CDG][A-Z0-9]{2,}", text):
        raise ValueError("write the channel's ID, such as C0123ABCD (at the end of its details)")
    return text


class Settings(ChannelSettings):
    """Either ``token`` and ``channel``, or ``webhook_url``."""

    kind: Literal["slack"]
    on_doubt: Literal["hold", "resend"] | None = Field(
        default=None,
        description="with a webhook alone, after a lost answer: `hold`, so unless given, asks a person; "
        "`resend` sends again",
    )
    token: Secret | None = Field(
        default=None, description="the bot form: the bot's token, with `chat:write` and `channels:history`"
    )
    channel: Annotated[str, AfterValidator(_channel_id)] | None = Field(
        default=None, description="the bot form: the channel's ID, such as `C0123ABCD`, not its name"
    )
    webhook_url: Secret | None = Field(
        default=None, description="the webhook form: its address; exactly one of the two forms"
    )
    api_url: ApiUrl = Field(
        default="https://slack.com/api", description="another base address; https, or http to this machine"
    )
    timeout: float = Field(
        default=20.0,
        gt=0,
        le=60,
        description="seconds for one attempt; each of its at most two calls has half",
    )

    buttons: bool = Field(
        default=False,
        description="with a token and `audience: internal`: questions to people have buttons; leave it off "
        "until their answers are taken, for a button that nobody listens to does nothing",
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        bot = (self.token is not None, self.channel is not None)
        if not (all(bot) and self.webhook_url is None) and not (not any(bot) and self.webhook_url):
            raise ValueError("write either token and channel, or webhook_url alone")
        if self.webhook_url is not None:
            safe_address(self.webhook_url.get_secret_value())
        elif self.on_doubt is not None:
            raise ValueError(
                "on_doubt has no effect with a token: Slack is then asked what it has; drop the key"
            )
        if self.buttons and (self.webhook_url is not None or self.audience is Audience.public):
            raise ValueError("buttons: questions with buttons need a token, and audience: internal")
        return self
