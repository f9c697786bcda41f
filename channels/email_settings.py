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
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(gt=0, lt=65536)] = 25
    sender: MailAddress
    sender_name: str = ""
    recipients: tuple[MailAddress, ...] = ()
    start_tls: bool | None = None
    implicit_tls: bool = False
    ca_file: FilePath | None = None
    username: str | None = None
    password: Secret | None = None
    timeout: Annotated[float, Field(gt=0, le=25)] = 20.0  # shorter than the outbox's deadline
    connections: Annotated[int, Field(ge=1, le=100)] = 8
    bounces: Annotated[str, AfterValidator(lambda text: text and _marked(text))] = ""
    unsubscribe_url: Annotated[str, AfterValidator(lambda text: text and _stop_link(text))] = ""
    unsubscribe_mail: Annotated[str, AfterValidator(lambda text: text and _stop_mail(text))] = ""
    token_secret: Annotated[Secret, AfterValidator(_long_enough)] | None = None

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
