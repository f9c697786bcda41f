"""A PostgreSQL cluster of the tests' own: started, crashed, started again; without fsync, on a free port."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.processes.ports import free_port

_TRIES = 5  # to start, when somebody else was given the port meanwhile


def binaries() -> Path | None:
    """Debian's and others' folder with initdb and pg_ctl; the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [folder for folder in folders if (folder / "initdb").exists()]
    if found:
        return found[-1]
    where = shutil.which("initdb")
    return Path(where).parent if where else None


class Cluster:
    """``make`` and ``remove`` it.  The server refuses to run as root, so root lends it a user."""

    def __init__(self, tools: Path, **settings: str) -> None:
        self.tools = tools
        self._settings = {
            "fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "jit": "off",
            "max_connections": "60", "shared_buffers": "64MB", "log_min_messages": "fatal",
        } | settings  # fmt: skip
        self._numbers = itertools.count(1)
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
        self.port = 0
        self._template = ""

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        log = self.folder / "tools.log"
        with log.open("ab") as output:
            done = subprocess.run(
                [str(self.tools / program), "-D", str(self._data), *arguments], check=False, stdout=output,
                stderr=output, stdin=subprocess.DEVNULL, cwd=self.folder, **as_user,
            )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{program} failed:\n{log.read_text('utf-8', errors='replace')[-3000:]}")
        return done.returncode

    def make(self) -> None:
        """Create and start it."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--no-sync", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        for _ in range(_TRIES):
            self.port = free_port()
            if self.start(check=False) == 0:
                return
        raise AssertionError((self.folder / "tools.log").read_text("utf-8", errors="replace")[-3000:])

    def start(self, *, check: bool = True) -> int:
        """Start it again on the same port; returns when it answers."""
        settings = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        log = str(self.folder / "server.log")
        return self._run(
            "pg_ctl", "-w", "-t", "30", "-l", log, "-o", f"-p {self.port} {settings}", "start", check=check
        )

    def crash(self) -> None:
        """Stop it at once, in the middle of everything; the next start recovers."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints."""
        command = [str(self.tools / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement]
        done = subprocess.run([*command, self.address(database)], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self, template: str = "template0") -> str:
        """The address of an empty database, or of a copy of another one."""
        name = f"t{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def new_user(self, name: str, password: str) -> None:
        """A user without any rights who has to show a password, and who is written ``name:password@``."""
        access = self._data / "pg_hba.conf"
        rest = access.read_text("utf-8")
        access.write_text(f"host all {name} 127.0.0.1/32 scram-sha-256\n{rest}", "utf-8")
        self.sql(f"CREATE USER {name} PASSWORD '{password}'")
        self.sql("SELECT pg_reload_conf()")

    def set(self, address: str, setting: str) -> None:
        """Change a setting of a database, for sessions to come."""
        self.sql(f"ALTER DATABASE {address.rpartition('/')[2]} SET {setting}")

    def drop(self, address: str) -> None:
        self.sql(f"DROP DATABASE {address.rpartition('/')[2]} WITH (FORCE)")
