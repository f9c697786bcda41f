"""A disk in memory, as a VFS of SQLite, that remembers every write, truncation and sync in order.

Reads see everything, as they do on a machine that still runs; what a cut leaves
behind is for ``cut.py`` to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import apsw

POWERSAFE_OVERWRITE = 0x1000  # as SQLite's own VFS for Unix says: a torn write harms its own bytes alone
SECTOR = 4096


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Create:
    """A new name in the directory; durable with the file's first sync (SQLite syncs the directory then)."""

    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    file: str


@dataclass(frozen=True, slots=True)
class Sync:
    file: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """COMMIT has returned: from here on these rows are promised."""

    rows: frozenset[tuple[int, int]]  # group and sequence of journal entries


Event = Write | Truncate | Create | Delete | Sync | Acknowledged


@dataclass
class Disk:
    """Files as a running process sees them, and how they came to be so."""

    files: dict[str, bytearray] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)


class _File:
    """One open file; the methods that SQLite calls."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._name = name

    @property
    def _body(self) -> bytearray:
        return self._disk.files[self._name]

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        return bytes(self._body[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        put(self._body, offset, data)
        self._disk.log.append(Write(self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        resize(self._body, size)
        self._disk.log.append(Truncate(self._name, size))

    def xSync(self, _flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.log.append(Sync(self._name))

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's name
        return len(self._body)

    def xLock(self, _level: int) -> None:  # noqa: N802 - SQLite's name
        """There is one process."""

    def xUnlock(self, _level: int) -> None:  # noqa: N802 - SQLite's name
        """There is one process."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xFileControl(self, _operation: int, _pointer: int) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xSectorSize(self) -> int:  # noqa: N802 - SQLite's name
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 - SQLite's name
        return POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802 - SQLite's name
        """Closing makes nothing durable."""


class DiskVfs(apsw.VFS):
    """SQLite's view of the disk; ``unregister`` it."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xFullPathname(self, name: str) -> str:  # noqa: N802 - SQLite's name
        return name

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        if name is None:
            raise AssertionError("no temporary file is expected: temp_store is MEMORY")
        path = name if isinstance(name, str) else name.filename()
        if path not in self._disk.files:
            self._disk.files[path] = bytearray()
            self._disk.log.append(Create(path))
        flags[1] = flags[0]
        return _File(self._disk, path)

    def xDelete(self, filename: str, _sync_directory: bool) -> None:  # noqa: N802 - SQLite's name
        self._disk.files.pop(filename, None)
        self._disk.log.append(Delete(filename))

    def xAccess(self, pathname: str, _flags: int) -> bool:  # noqa: N802 - SQLite's name
        return pathname in self._disk.files


def put(body: bytearray, offset: int, data: bytes) -> None:
    """Write, with zeros in a hole before."""
    if len(body) < offset:
        resize(body, offset)
    body[offset : offset + len(data)] = data


def resize(body: bytearray, size: int) -> None:
    del body[size:]
    body.extend(bytes(size - len(body)))
