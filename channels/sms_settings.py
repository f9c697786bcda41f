"""What ``kind: sms`` takes: Twilio's keys, or another provider's call."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from channels.base import ApiUrl, ChannelSettings, Secret
from channels.sms_request import Request

PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Settings(ChannelSettings):
    """Either Twilio's ``account`` and ``sender``, or ``request``; ``secret`` belongs to both."""

    kind: Literal["sms"]
    recipients: Annotated[tuple[PhoneNumber, ...], Field(max_length=1_000)] = Field(
        default=(), description="numbers with plus and country, 1,000 at most"
    )
    account: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")] | None = Field(
        default=None, description="Twilio's: begins with `AC`"
    )
    api_key: Annotated[str, Field(pattern=r"^SK[0-9a-fA-F]{32}$")] | None = Field(
        default=None, description="Twilio's; without it, `secret` is the account's token"
    )
    secret: Secret | None = Field(default=None, description="the key's secret, or what `{secret}` stands for")
    sender: (
        Annotated[
            str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}|[0-9]{3,8}|[A-Za-z0-9 ]{1,11})$")
        ]
        | None
    ) = Field(default=None, description="Twilio's: a number, a word, or a messaging service (`MG...`)")
    valid_for: Annotated[int, Field(ge=1, le=36_000)] = Field(
        default=14_400,
        description=(
            "seconds after which Twilio drops a message that it could not send yet:"
            ' an old "we are investigating" is worse than none'
        ),
    )
    api_url: ApiUrl = Field(
        default="https://api.twilio.com", description="another base address; https, or http to this machine"
    )
    request: Request | None = None
    segments: Annotated[int, Field(ge=1, le=10)] = Field(default=1, description="10 at most")
    link: Literal["first", "never", "always"] = Field(
        default="always", description="`first` message of an incident, `never`, `always`"
    )
    price: Annotated[Decimal, Field(ge=0)] = Field(
        default=Decimal(0), description="of one segment, in whatever currency you count"
    )
    incident_budget: Annotated[Decimal, Field(ge=0)] | None = Field(
        default=None, description="what an incident may cost here"
    )
    timeout: Annotated[float, Field(gt=0, le=25)] = Field(default=20.0, description="seconds for one message")

    @model_validator(mode="after")
    def _one_provider(self) -> Self:
        twilio = (self.account, self.sender, self.secret)
        if self.request is None and None in twilio:
            raise ValueError("write account, secret and sender for Twilio, or request for another provider")
        if self.request is not None and (self.account or self.api_key or self.sender):
            raise ValueError("account, api_key and sender are Twilio's: drop them, or drop request")
        if self.request is not None and self.secret is None and "{secret}" in repr(self.request):
            raise ValueError("request uses {secret}: write secret or secret_file")
        if self.request is None and self.on_doubt is not None:
            raise ValueError("on_doubt has no effect with Twilio: it is asked what it has; drop the key")
        if self.incident_budget is not None and not self.price:
            raise ValueError("incident_budget needs price: what one segment costs")
        return self
