"""The settings of an e-mail channel."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from channels.base import LOOPBACK, ChannelSettings, Secret
from channels.letter import MailAddress, mail_address, plain_link
from channels.tokens import LENGTH

TOKEN = "TOKEN"  # noqa: S105 - the word in an address that each mail's own word replaces
SHORTEST_SECRET = 24
_FILLED = "x" * LENGTH


def _marked(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if local.count(TOKEN) != 1 or TOKEN in domain:
        raise ValueError("write TOKEN once, before the @: b+TOKEN@bounces.example.com")
    try:
        mail_address(text.replace(TOKEN, _FILLED))
    except ValueError:
        raise ValueError(
            f"with {LENGTH} letters in place of TOKEN it is no address: 64 are allowed before the @"
        ) from None
    return text


def _stop_mail(text: str) -> str:
    return _marked(text) if TOKEN in text else mail_address(text)


def _stop_link(text: str) -> str:
    if text.count(TOKEN) != 1:
        raise ValueError("write TOKEN once: https://status.example.com/unsubscribe/TOKEN")
    return plain_link(text)


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"at least {SHORTEST_SECRET} characters, by chance: openssl rand -hex 32")
    return secret


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
    timeout: float = Field(default=20.0, gt=0, le=25, description="seconds for one whole attempt, 25 at most")
    connections: int = Field(
        default=8,
        ge=1,
        le=100,
        description="connections at once; fewer if the relay answers 421 to more",
    )
    bounces: Annotated[str, AfterValidator(lambda text: text and _marked(text))] = Field(
        default="", description="return path, with `TOKEN` for each mail's own word"
    )
    unsubscribe_url: Annotated[str, AfterValidator(lambda text: text and _stop_link(text))] = Field(
        default="",
        description="https address with `TOKEN` for the recipient's word: one-click unsubscribing",
    )
    unsubscribe_mail: Annotated[str, AfterValidator(lambda text: text and _stop_mail(text))] = Field(
        default="", description="the same by mail: an address, with or without `TOKEN`"
    )
    token_secret: Annotated[Secret, AfterValidator(_long_enough)] | None = Field(
        default=None,
        description="what those words are made with, 24 characters or more; another one voids them",
    )

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
        marked = self.bounces or self.unsubscribe_url or TOKEN in self.unsubscribe_mail
        if marked and self.token_secret is None:
            raise ValueError("TOKEN in an address needs token_secret_file: /path/of/a/file")
        return self
