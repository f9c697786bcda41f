"""Secrets from files: ``*_file`` beside any secret key, and systemd's credentials.

A file's line break at the end does not count; a source's token file may have
several lines, each a live token.  Nothing here ever puts a value into a message.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config import shape
from config.findings import Finding
from daemon.core.errors import BadConfig

CREDENTIAL = "credential:"
"""``token_file: credential:NAME`` is the credential of that name that systemd passed."""
OWN_PREFIX = "tocsin."
"""Credential stores are shared by all services, so ours may carry our name."""
LARGEST = 64 * 1024
SUFFIX = "_file"


class BadSecret(BadConfig):
    """A secret file that cannot be used; the text says which and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class Resolved:
    """What came of reading the secret files."""

    findings: list[Finding] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read(file: Path, *, several: bool = False) -> str:
    """The secret in ``file``: its lines without blank ones and white space around them.

    Raises BadSecret: missing, unreadable, empty, too large, no text, or several lines where one belongs.
    """
    try:
        if not file.is_file():
            raise BadSecret(f"there is no file {file}", "write the path of a file that holds the secret")
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except PermissionError as error:
        raise BadSecret(f"the file {file} may not be read", "let the daemon's user read it") from error
    except OSError as error:
        raise BadSecret(f"the file {file} cannot be read ({error.strerror})", "check the file") from error
    if len(content) > LARGEST:
        raise BadSecret(
            f"the file {file} is longer than {LARGEST} bytes", "that is no secret: check the path"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadSecret(f"the file {file} is not UTF-8", "save it as text") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadSecret(f"the file {file} is empty", "write the secret into it")
    if len(lines) > 1 and not several and not lines[0].startswith("-----BEGIN"):
        raise BadSecret(
            f"the file {file} has {len(lines)} lines", "keep one line: here only one value can be live"
        )
    return "\n".join(lines)


def readable_by_others(file: Path) -> bool:
    """Whether everybody on the machine may read the file."""
    return bool(file.stat().st_mode & stat.S_IROTH)


def resolve(model: shape.Model, data: dict[str, Any], base: Path, environ: Mapping[str, str]) -> Resolved:
    """Put the content of every ``*_file``, and credentials named like a key, into ``data``.

    Relative paths start at ``base``.  A credential is named like its key, by
    names where there are lists: ``channels.x.api_key``, ``sources.am.token``.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    resolver = _Resolver(base, Path(directory) if directory else None)
    for found, mapping, path in list(shape.walk(model, data)):
        for name, info in found.model_fields.items():
            if not shape.is_secret(info):
                continue
            if f"{name}{SUFFIX}" in mapping:
                resolver.take_file(mapping, path, name, info)
            elif mapping.get(name) is None:
                resolver.take_credential(mapping, path, name, info, _credential(data, path, name))
    return resolver.result


class _Resolver:
    """Reads what one configuration names."""

    def __init__(self, base: Path, credentials: Path | None) -> None:
        self.base = base
        self.credentials = credentials
        self.result = Resolved()

    def take_file(self, mapping: dict[str, Any], path: shape.Path, name: str, info: FieldInfo) -> None:
        """Replace ``name_file`` by ``name``."""
        key = f"{name}{SUFFIX}"
        asked = mapping.pop(key)
        here = (*path, key)
        if mapping.get(name) is not None:
            self._find(here, f"`{name}` is given too", f"keep one of `{name}` and `{key}`")
            return
        # What cannot be read is reported once; "missing" on top of it would only confuse.
        mapping[name] = "unreadable"
        if not isinstance(asked, str) or not asked:
            self._find(here, "is no path", f"write `{key}: /path/of/a/file`")
            return
        file = self._locate(here, asked)
        if file is not None:
            self._read(mapping, here, name, file, info)

    def take_credential(
        self, mapping: dict[str, Any], path: shape.Path, name: str, info: FieldInfo, credential: str
    ) -> None:
        """Set ``name`` from the credential that is named like it, if systemd passed one."""
        file = _in_directory(self.credentials, credential)
        if file is not None:
            self._read(mapping, (*path, name), name, file, info)

    def _locate(self, here: shape.Path, asked: str) -> Path | None:
        if not asked.startswith(CREDENTIAL):
            file = self.base / Path(asked).expanduser()
            if file.is_file() and readable_by_others(file):
                self.result.notices.append(f"{file} can be read by everybody; chmod 600 it")
            return file
        wanted = asked.removeprefix(CREDENTIAL)
        found = _in_directory(self.credentials, wanted)
        if found is None:
            remedy = f"write LoadCredential={wanted}:/path/of/a/file into the unit"
            self._find(here, f"systemd passed no credential {wanted}", remedy)
        return found

    def _read(
        self, mapping: dict[str, Any], here: shape.Path, name: str, file: Path, info: FieldInfo
    ) -> None:
        try:
            mapping[name] = read(file, several=shape.has_lines(info))
        except BadSecret as error:
            self._find(here, error.message, error.remedy)

    def _find(self, path: shape.Path, message: str, remedy: str) -> None:
        self.result.findings.append(Finding(path, message, remedy))


def _credential(data: dict[str, Any], path: shape.Path, name: str) -> str:
    """The credential's name for a key: the path in words, entries of lists by their name."""
    words: list[str] = []
    here: Any = data
    for part in path:
        here = here[part]
        words.append(str(here.get("name", part)) if isinstance(part, int) else part)
    return ".".join((*words, name))


def _in_directory(directory: Path | None, name: str) -> Path | None:
    if directory is None or "/" in name:
        return None
    for candidate in (directory / name, directory / f"{OWN_PREFIX}{name}"):
        if candidate.is_file():
            return candidate
    return None


def known(settings: BaseModel) -> Iterator[str]:
    """Every secret value in the settings, for those who must never print one."""
    for name in type(settings).model_fields:
        yield from _values(getattr(settings, name))


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from known(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _values(item)


def own_token(file: Path) -> str:
    """The token that the daemon and the command line share; made (0600) when there is none yet.

    Raises BadSecret: the file cannot be written or read.
    """
    if not file.exists():
        _make_token(file)
    return read(file).splitlines()[0]


def _make_token(file: Path) -> None:
    """Write a new token; the name appears only with the whole content, and never twice."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        # O_EXCL: never into a file or through a link that somebody else has put there.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"{secrets.token_urlsafe(32)}\n")
        with suppress(FileExistsError):  # another process was first: its token counts
            os.link(draft, file)
        draft.unlink()
    except OSError as error:
        message = f"the token file {file} cannot be made ({error.strerror})"
        raise BadSecret(message, "set api.token_file, or let the daemon's user write there") from error
