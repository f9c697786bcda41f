"""Every setting of the daemon, with its default; docs/configuration.md is the table for readers.

pydantic-settings' own sources cannot reach into lists or give lines and
columns, so the file and the environment are laid over each other before
(config/load.py) and come in as plain values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from channels.base import ChannelSettings
from channels.registry import settings_model
from config import address, database
from config.address import Address
from config.shape import Lines, choices, nearest
from daemon.core.clock import SECOND, Span
from rules import durations

FINGERPRINT = "sha256:"
MEBIBYTE = 1 << 20
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _span(value: Any) -> Span:
    return value if isinstance(value, int) and not isinstance(value, bool) else durations.parse(str(value))


def _zone(value: str) -> str:
    if value not in available_timezones():
        # Case alone is enough to be wrong: America/new_york.
        known = sorted(available_timezones())
        folded = {name.lower(): name for name in known}
        meant = folded.get(value.lower().replace(" ", "_"))
        hint = f"write `{meant}`" if meant else choices(value, known) if nearest(value, known) else ""
        raise ValueError(f"{value!r} is no time zone; {hint or 'write UTC or a name such as Europe/Berlin'}")
    ZoneInfo(value)
    return value


def _page_url(value: str) -> str:
    if not value.startswith(("https://", "http://")) or any(sign in value for sign in " ?#@"):
        raise ValueError(f"{value[:80]!r} is no page address; write one like https://status.example.com")
    address = value.rstrip("/")
    if "/" in address.partition("://")[2]:  # its links start at the root
        raise ValueError(
            f"{value[:80]!r} has a path; give the page a host name, such as https://status.example.com"
        )
    return address


def _database(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    trouble = database.problem(text) if isinstance(text, str) else "is no text"
    if trouble:
        raise ValueError(trouble)
    return value


def _not_blank(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():  # else a variable that is set to nothing would open a door
        raise ValueError("is empty; write the secret, or leave the key out")
    return value


def _client_cert(value: str) -> str:
    shown = value.removeprefix(FINGERPRINT)
    digits = shown.replace(":", "")
    if not value or (shown != value and re.fullmatch("[0-9a-fA-F]{64}", digits) is None):
        raise ValueError("is no certificate; write its common name, or sha256: and 64 hexadecimal digits")
    return value


SpanSetting = Annotated[int, BeforeValidator(_span), Field(gt=0)]
TimeZone = Annotated[str, AfterValidator(_zone)]
PageUrl = Annotated[str, AfterValidator(_page_url)]
ClientCert = Annotated[str, AfterValidator(_client_cert)]
Tokens = Annotated[SecretStr, AfterValidator(_not_blank), Lines()]


class Block(BaseModel):
    """What all blocks of the file have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Tls(Block):
    """PEM files of the private listener; ``client_ca_file`` signs the certificates that monitors may show.

    ``key_file`` may be left out when the key is in ``cert_file``.
    """

    cert_file: str = Field(
        description="certificate of the private listener, PEM; without `listen.tls` it speaks plain HTTP"
    )
    key_file: str = Field(
        default="", description="its private key, PEM; else it is in the certificate's file"
    )
    client_ca_file: str = Field(default="", description="who signs the certificates that sources may show")


class Listen(Block):
    """Customers reach the public listener, monitors and operators the private one, bounces the third."""

    public: Address = Field(
        default=address.parse("127.0.0.1:8080"),
        description="address of the status page; `:8080` is every address, port 0 a free one",
    )
    private: Address = Field(
        default=address.parse("127.0.0.1:8081"), description="address of webhooks, API, console and metrics"
    )
    bounces: Address | None = Field(
        default=None,
        description="address on which mails that came back are taken (SMTP or LMTP),"
        " such as `127.0.0.1:8025`; see [e-mail](channels/email.md)",
    )
    tls: Tls | None = None  # of the private listener; a proxy in front of the public one has its own


class Page(Block):
    """What the status page and the texts say about themselves."""

    name: str = Field(
        default="Status", min_length=1, max_length=200, description="the page's name, for headings and texts"
    )
    url: PageUrl = Field(
        default="http://127.0.0.1:8080",
        description="the page's address as customers reach it, without a path: its links start at the root",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="time zone of times in texts, such as `Europe/Berlin`"
    )
    description: str = Field(default="", max_length=2000, description="one sentence under the page's name")


class Source(Block):
    """A monitor that may post to ``/hooks/NAME``, and how it shows that it is one.

    Any one kind of credentials is enough: a token, a user with password, or a
    client certificate's name.
    """

    name: str = Field(pattern=NAME, description="the last word of the webhook's address")
    format: Literal["alertmanager"] = Field(default="alertmanager", description="what the monitor sends")
    token: Tokens | None = Field(default=None, description="bearer tokens")
    username: str = Field(default="", description="user of basic authentication")
    password: Tokens | None = Field(default=None, description="its password")
    users: Tokens | None = Field(default=None, description="more users, `name:password` a line")
    client_certs: tuple[ClientCert, ...] = Field(
        default=(),
        description="client certificates: a common name, or `sha256:` and the fingerprint; "
        "needs `listen.tls.client_ca_file`",
    )

    @property
    def tokens(self) -> tuple[str, ...]:
        """Bearer tokens that are live now."""
        return lines(self.token)

    @property
    def logins(self) -> tuple[tuple[str, str], ...]:
        """User names and passwords that are live now."""
        own = [(self.username, password) for password in lines(self.password) if self.username]
        parted = [line.partition(":") for line in lines(self.users)]
        return (*own, *((user, password) for user, colon, password in parted if colon))

    @property
    def common_names(self) -> tuple[str, ...]:
        """Names of client certificates."""
        return tuple(one for one in self.client_certs if not one.startswith(FINGERPRINT))

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """SHA-256 of client certificates in DER form."""
        shown = [one.removeprefix(FINGERPRINT) for one in self.client_certs if one.startswith(FINGERPRINT)]
        return tuple(bytes.fromhex(one.replace(":", "")) for one in shown)

    @property
    def has_credentials(self) -> bool:
        return bool(self.tokens or self.logins or self.client_certs)


class Api(Block):
    """Who may act through the private listener, and under which host names it answers."""

    token: Tokens | None = Field(
        default=None,
        description="needed for acts, and off loopback for everything; else the daemon makes one of its own",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="further host names under which the private listener is reached"
    )

    @property
    def tokens(self) -> tuple[str, ...]:
        """Configured tokens; with none the daemon makes one of its own (config.secrets.own_token)."""
        return lines(self.token)


class Log(Block):
    """What is logged, to stderr; ``auto`` is readable on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning` or `error`"
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`json`, `console`, or `auto`: readable on a terminal, else JSON"
    )


class Limits(Block):
    """Bounds that protect the daemon; the defaults suit a site with 10,000 alerts."""

    body_bytes: int = Field(
        default=64 * MEBIBYTE, ge=1024, description="largest body, unpacked; above it 413"
    )
    raw_bodies: int = Field(
        default=1000, ge=1, description="how many unreadable bodies are kept for a person to look at"
    )
    shutdown_grace: SpanSetting = Field(
        default=30 * SECOND, description="how long deliveries that have begun may take at the end"
    )


if TYPE_CHECKING:
    AnyChannel = ChannelSettings
else:
    AnyChannel = settings_model()  # a union that only the registry knows

DEFAULTS: dict[str, Any] = {
    "api": {},
    "rules": ["pack:starter"],
    "sources": [{"name": "alertmanager", "format": "alertmanager"}],
    "channels": [
        {"name": "page", "kind": "status_page"},
        {"name": "log", "kind": "log", "audience": "internal"},
    ],
}
"""What stands when the file has none; plain data, so that environment and credentials reach into it."""


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    listen: Listen = Listen()
    database: Annotated[SecretStr, BeforeValidator(_database)] = Field(
        default=SecretStr("sqlite:///var/tocsin.db"),
        description="see [Database](#database); a relative path starts where the daemon was started",
    )
    page: Page = Page()
    rules: tuple[str, ...] = Field(
        default=("pack:starter",),
        min_length=1,
        description="rule files in their order; relative to this file, `*` allowed, "
        "`pack:NAME` is one that is shipped",
    )
    sources: tuple[Source, ...] = Field(default=(), description="who may post to `/hooks/NAME`; see below")
    channels: tuple[AnyChannel, ...] = Field(default=(), description="ways out; see below")
    api: Api = Api()
    log: Log = Log()
    limits: Limits = Limits()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what config/load.py laid together and nothing else."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def lines(secret: SecretStr | None) -> tuple[str, ...]:
    """The values of a secret that may have several lines."""
    if secret is None:
        return ()
    return tuple(line.strip() for line in secret.get_secret_value().splitlines() if line.strip())
