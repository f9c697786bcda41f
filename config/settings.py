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

    cert_file: str
    key_file: str = ""
    client_ca_file: str = ""


class Listen(Block):
    """Customers reach the public listener, monitors and operators the private one, bounces the third."""

    public: Address = address.parse("127.0.0.1:8080")
    private: Address = address.parse("127.0.0.1:8081")
    bounces: Address | None = None
    tls: Tls | None = None  # of the private listener; a proxy in front of the public one has its own


class Page(Block):
    """What the status page and the texts say about themselves."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "Status"
    url: PageUrl = "http://127.0.0.1:8080"
    time_zone: TimeZone = "UTC"
    description: Annotated[str, Field(max_length=2000)] = ""


class Source(Block):
    """A monitor that may post to ``/hooks/NAME``, and how it shows that it is one.

    Any one kind of credentials is enough: a token, a user with password, or a
    client certificate's name.
    """

    name: Annotated[str, Field(pattern=NAME)]
    format: Literal["alertmanager"] = "alertmanager"
    token: Tokens | None = None
    username: str = ""
    password: Tokens | None = None
    users: Tokens | None = None
    client_certs: tuple[ClientCert, ...] = ()

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

    token: Tokens | None = None
    allowed_hosts: tuple[str, ...] = ()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Configured tokens; with none the daemon makes one of its own (config.secrets.own_token)."""
        return lines(self.token)


class Log(Block):
    """What is logged, to stderr; ``auto`` is readable on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Limits(Block):
    """Bounds that protect the daemon; the defaults suit a site with 10,000 alerts."""

    body_bytes: Annotated[int, Field(ge=1024)] = 64 * MEBIBYTE
    raw_bodies: Annotated[int, Field(ge=1)] = 1000
    shutdown_grace: SpanSetting = 30 * SECOND


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
    database: Annotated[SecretStr, BeforeValidator(_database)] = SecretStr("sqlite:///var/tocsin.db")
    page: Page = Page()
    rules: tuple[str, ...] = Field(default=("pack:starter",), min_length=1)
    sources: tuple[Source, ...] = ()
    channels: tuple[AnyChannel, ...] = ()
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
