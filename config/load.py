"""From files to settings: read, lay the environment over, read secrets, validate, check.

All that is wrong is reported at once, each with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config import secrets
from config.document import read_document
from config.environment import overlay
from config.explain import explain
from config.findings import Finding, Origin
from config.safety import advice, check_consistency, check_safety
from config.settings import DEFAULTS, Settings
from config.shape import choices
from rules.errors import LoadError
from rules.yaml_source import Document

DEFAULT_FILE = "tocsin.yaml"
PACK = "pack:"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings that may be used, and what belongs to them."""

    settings: Settings
    base: Path  # what relative paths of the file start at
    file: Path | None = None
    rule_files: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)  # for the log's redactor
    notices: tuple[str, ...] = ()

    def path(self, name: str) -> Path:
        """The file that a path in the configuration means."""
        return self.base / name


def find(named: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: the one named, else TOCSIN_CONFIG, else ./tocsin.yaml if it is there."""
    if named:
        return Path(named)
    if environ.get("TOCSIN_CONFIG"):
        return Path(environ["TOCSIN_CONFIG"])
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def load(file: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The configuration in ``file`` (none: defaults) with the environment laid over it.

    Raises BadConfig: anything is wrong; the message has a line ``file:line:column: key: ...; remedy`` each.
    """
    base = file.parent if file is not None else Path()
    document = read_document(file)
    origin = Origin(document)
    # A block whose lines are all commented out is null in YAML; it means "the default".
    written = {key: value for key, value in _mapping(document).items() if value is not None}
    laid = overlay(Settings, {**deepcopy(DEFAULTS), **written}, environ)
    origin.variables = laid.variables
    resolved = secrets.resolve(Settings, laid.data, base, environ)
    findings = [*laid.findings, *resolved.findings]
    settings, complaints = _validate(laid.data)
    findings += [one for one in complaints if not _is_echo(one, findings)]
    rule_files, missing = _rule_files(laid.data["rules"], base)
    findings += missing
    if settings is not None:
        findings += [
            *_missing_tls_files(settings, base),
            *check_consistency(settings),
            *check_safety(settings),
        ]
    if findings or settings is None:
        raise LoadError(
            sorted((origin.problem(one) for one in findings), key=lambda one: (one.line, one.column))
        )
    notices = (*laid.notices, *resolved.notices, *advice(settings))
    if file is None:
        notices = (f"there is no {DEFAULT_FILE} here: the defaults are in force", *notices)
    return Configuration(settings, base, file, rule_files, tuple(secrets.known(settings)), notices)


def _mapping(document: Document) -> dict[str, Any]:
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        raise LoadError(
            [document.problem((), "is no block of keys", "write `page: { name: ... }`", code="C001")]
        )
    return document.data


def _validate(data: dict[str, Any]) -> tuple[Settings | None, list[Finding]]:
    hidden = [name for name in data if name not in Settings.model_fields]
    plain = {name: value for name, value in data.items() if name not in hidden}
    known = list(Settings.model_fields)
    # Names that BaseSettings would take as its own arguments (_env_file) never reach it.
    findings = [
        Finding((name,), "is no key of the file", choices(name, known), at_key=True) for name in hidden
    ]
    try:
        return Settings(**plain), findings
    except ValidationError as error:
        return None, [*findings, *explain(Settings, plain, error)]


def _rule_files(names: object, base: Path) -> tuple[tuple[Path, ...], list[Finding]]:
    """The rule files in the order listed; ``pack:NAME`` is one that we ship, ``*`` takes all that match."""
    found: dict[Path, None] = {}
    findings: list[Finding] = []
    for index, name in enumerate(names if isinstance(names, list) else ()):
        matches = _matches(name, base) if isinstance(name, str) else []
        if isinstance(name, str) and not matches:
            findings.append(
                Finding(("rules", index), f"there is no file {name!r}", _rules_remedy(name, base))
            )
        found |= dict.fromkeys(matches)
    return tuple(found), findings


def _missing_tls_files(settings: Settings, base: Path) -> Iterator[Finding]:
    tls = settings.listen.tls
    for key in ("cert_file", "key_file", "client_ca_file") if tls is not None else ():
        name = getattr(tls, key)
        if name and not (base / name).is_file():
            yield Finding(
                ("listen", "tls", key), f"there is no file {base / name}", "write the path of a PEM file"
            )


def _matches(name: str, base: Path) -> list[Path]:
    if name.startswith(PACK):
        pack = _packs() / f"{name.removeprefix(PACK)}.yaml"
        return [pack] if pack.is_file() and pack.parent == _packs() else []
    if any(sign in name for sign in "*?["):
        pattern = Path(name)
        start = Path(pattern.anchor) if pattern.is_absolute() else base
        return sorted(one for one in start.glob(str(pattern.relative_to(pattern.anchor))) if one.is_file())
    file = base / name
    return [file] if file.is_file() else []


def _packs() -> Path:
    return Path(str(files("rules"))) / "packs"


def _rules_remedy(name: str, base: Path) -> str:
    if name.startswith(PACK):
        known = sorted(f"{PACK}{one.stem}" for one in _packs().glob("*.yaml"))
        return choices(name, known)
    return f"write a path that starts at {base.resolve()}, or `{PACK}starter`"


def _is_echo(complaint: Finding, findings: list[Finding]) -> bool:
    """Whether a complaint only follows from what has been reported already, such as a missing file."""
    heard = [(*one.path[:-1], str(one.path[-1]).removesuffix(secrets.SUFFIX)) for one in findings if one.path]
    return any(path[: len(complaint.path)] == complaint.path for path in heard)
