"""Where the daemon is and how to show who we are: the few keys of the configuration that a client needs.

The whole configuration needs every channel's library and secrets; whoever may
ask the daemon need not be able to read those, and `tocsin health` has to be fast.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, SecretStr, ValidationError

from config import database as databases
from config import secrets
from config.address import Address, HostPort, parse
from config.document import read_document
from config.environment import environment, overlay
from config.findings import Finding, Origin
from config.shape import Lines, keys
from daemon.core.errors import BadConfig
from rules.errors import LoadError

DEFAULT_FILE = "tocsin.yaml"


class _Tls(BaseModel):
    cert_file: str = ""


class _Listen(BaseModel):
    private: Address = parse("127.0.0.1:8081")
    tls: _Tls | None = None


class _Api(BaseModel):
    token: Annotated[SecretStr, Lines()] | None = None


class _Wiring(BaseModel):
    """Those keys of config.settings.Settings that are read here; a test compares the defaults."""

    listen: _Listen = _Listen()
    database: SecretStr = SecretStr("sqlite:///var/tocsin.db")
    api: _Api = _Api()


@dataclass(frozen=True, slots=True)
class Target:
    """The private listener as this machine reaches it."""

    host: str
    port: int
    token: str = ""
    no_token: str = ""  # why there is none
    certificate: Path | None = None

    @property
    def address(self) -> str:
        scheme = "https" if self.certificate is not None else "http"
        return f"{scheme}://{HostPort(self.host, self.port)}"

    def tls(self) -> ssl.SSLContext | None:
        """Trusts exactly the certificate that the daemon was given, under whatever name it is reached."""
        if self.certificate is None:
            return None
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(cafile=self.certificate)
        except (OSError, ssl.SSLError) as error:
            raise BadConfig(f"listen.tls.cert_file: {self.certificate} cannot be used: {error}") from error
        return context


def config_file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The same choice as config.load.find, without what that imports."""
    if named is not None:
        return named
    if environ.get("TOCSIN_CONFIG"):
        return Path(environ["TOCSIN_CONFIG"])
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def find(named: Path | None) -> Target:
    """The daemon that the configuration describes.  Raises BadConfig."""
    wiring, base, trouble = _wired(named)
    token, why = ("", trouble) if trouble else _token(wiring)
    tls = wiring.listen.tls
    certificate = base / tls.cert_file if tls is not None else None
    host, port = _reachable(wiring.listen.private)
    return Target(host, port, token, why, certificate)


def database(named: Path | None) -> str:
    """The database's address.  Raises BadConfig."""
    address = _wired(named)[0].database.get_secret_value()
    trouble = databases.problem(address)
    if trouble:
        raise BadConfig(f"database: {trouble}")
    return address


def _wired(named: Path | None) -> tuple[_Wiring, Path, str]:
    """The few keys, the directory that relative names start from, and why there is no token."""
    environ = environment()
    file = config_file(named, environ)
    document = read_document(file)
    base = file.parent if file is not None else Path()
    data = document.data if isinstance(document.data, dict) else {}
    written = {key: data[key] for key in keys(_Wiring) if data.get(key) is not None}
    laid = overlay(_Wiring, written, environ)
    resolved = secrets.resolve(_Wiring, laid.data, base, environ)
    token_trouble = [one for one in resolved.findings if one.path[:1] == ("api",)]
    findings = [*laid.findings, *(one for one in resolved.findings if one not in token_trouble)]
    if findings:
        raise LoadError(Origin(document, laid.variables).problem(one) for one in findings)
    wiring = _validate(laid.data, Origin(document, laid.variables))
    return wiring, base, str(token_trouble[0].message) if token_trouble else ""


def _validate(data: dict[str, Any], origin: Origin) -> _Wiring:
    try:
        return _Wiring.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise LoadError(
            origin.problem(
                Finding(one["loc"], one["msg"].removeprefix("Value error, "), "run `tocsin check`")
            )
            for one in details
        ) from error


def _token(wiring: _Wiring) -> tuple[str, str]:
    """The token, or why there is none."""
    if wiring.api.token is not None:
        return wiring.api.token.get_secret_value().splitlines()[0], ""
    file = databases.token_file(wiring.database.get_secret_value())
    try:
        return secrets.read(file).splitlines()[0], ""
    except secrets.BadSecret as error:
        return (
            "",
            f"{error.message} (the daemon writes it; a relative `database` starts where the daemon does)",
        )


def _reachable(private: HostPort) -> tuple[str, int]:
    if private.port == 0:
        raise BadConfig("listen.private: port 0 is another port at every start; name one to reach the daemon")
    if private.is_every:
        return ("::1" if private.host == "::" else "127.0.0.1"), private.port
    return private.host, private.port
