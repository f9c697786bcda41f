"""The file system around the database: where it may lie, and that one daemon alone has it.

The lock is the operating system's (flock on ``<file>.lock``): it goes when the
process goes, however it went.  It is a file of its own because closing any
descriptor of the database drops SQLite's own locks on it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from daemon.core.errors import BadConfig, Unavailable

# File systems whose locks or mmap SQLite cannot rely on; https://sqlite.org/useovernet.html
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"}


def check_place(path: Path, mounts: str | None = None) -> None:
    """Raise BadConfig when no database can or should lie there; ``mounts`` is /proc/self/mountinfo."""
    try:
        # The parent first: what lies in a directory that is closed to us cannot even be looked at.
        if not path.parent.is_dir():
            raise BadConfig(
                f"database: the directory {path.parent} does not exist; create it, or change `database`"
            )
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise BadConfig(
                f"database: the directory {path.parent} cannot be written to; change its owner or mode"
            )
        if path.is_dir():
            raise BadConfig(f"database: {path} is a directory; name a file in it")
    except PermissionError as error:  # a directory further up
        raise BadConfig(
            f"database: {path.parent} cannot be reached; change the owner or mode of the directories above it"
        ) from error
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise BadConfig(f"database: {path} cannot be written to; change its owner or mode")
    kind = file_system_of(path.parent.resolve(), _mounts() if mounts is None else mounts)
    if kind in _REMOTE:
        raise BadConfig(
            f"database: {path} lies on a network file system ({kind}), where SQLite loses data;"
            " move it to a local disk"
        )


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux: nothing to go by


def file_system_of(directory: Path, mounts: str) -> str:
    """The type of the file system that a directory lies on; empty when the list does not say."""
    best, kind = "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = fields[4].encode().decode("unicode_escape")  # spaces are written \040
        if directory.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def take_lock(path: Path) -> int:
    """The descriptor of the lock that this process now holds.  Raises Unavailable when another has it."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadConfig(f"database: {lock} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Unavailable(
            f"another tocsin is using {path}; stop it first, or name another database"
        ) from error
    return descriptor


def create(path: Path) -> None:
    """Make the file, readable for its owner alone, before SQLite opens it with the umask's mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise BadConfig(f"database: {path} cannot be created: {error.strerror}") from error


def sync_directory(directory: Path) -> None:
    """Make the names of new files durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
