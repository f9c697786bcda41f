"""The settings of an e-mail channel."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, FilePath, model_validator

from channels.base import LOOPBACK, ChannelSettings, Secret
from channels.letter import MailAddress


class Settings(ChannelSettings):
    """``start_tls`` unset: required, but not to this machine."""

    kind: Literal["email"]
    host: str = Field(min_length=1, description="the relay")
    port: int = Field(default=25, gt=0, lt=65536, description="587 for submission, 465 with `implicit_tls`")
    sender: MailAddress = Field(
        description="envelope sender and address in From; its domain also names Message-IDs"
    )
    sender_name: str = Field(
        default="", description="the name shown beside the address; else the page's name"
    )
    recipients: tuple[MailAddress, ...] = Field(
        default=(), description="bare addresses, one message for each"
    )
    start_tls: bool | None = Field(
        default=None,
        description="whether STARTTLS is required; unless given, it is wherever `host` is not this machine",
    )
    implicit_tls: bool = Field(default=False, description="TLS from the first byte (port 465)")
    ca_file: FilePath | None = Field(
        default=None, description="the authorities that vouch for the relay, PEM; else the system's"
    )
    username: str | None = Field(
        default=None, description="for relays that want a login; goes with `password`"
    )
    password: Secret | None = Field(default=None, description="goes with `username`; never sent in the clear")
    timeout: float = Field(default=30.0, gt=0, le=300, description="seconds for one whole attempt")

    @property
    def upgrades(self) -> bool:
        """Whether STARTTLS is required; never tried and then forgotten."""
        if self.start_tls is not None:
            return self.start_tls
        return not self.implicit_tls and self.host not in LOOPBACK

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.implicit_tls and self.start_tls:
            raise ValueError("write implicit_tls (port 465) or start_tls (ports 25, 587), not both")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.password is not None and not (self.upgrades or self.implicit_tls or self.host in LOOPBACK):
            raise ValueError("a password would leave in the clear; drop start_tls: false")
        return self
