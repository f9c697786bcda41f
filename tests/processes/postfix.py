"""A Postfix of the tests' own: its configuration, queue and port, apart from the machine's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.processes.ports import free_port

DAEMONS = Path("/usr/lib/postfix/sbin")
MASTER = """\
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str:
    """The one line that helps where it cannot run; empty where it can."""
    if shutil.which("postfix") is None:
        return "not installed: postfix (Debian: apt install postfix)"
    return "" if os.geteuid() == 0 else "postfix is started as root alone"


class Postfix:
    """Takes mail on ``port``; ``routes`` are Postfix's transports by domain, ``relay`` takes all the rest."""

    def __init__(self, relay: int, routes: Mapping[str, str]) -> None:
        self.port = free_port()
        self._relay = relay
        self._routes = routes
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-postfix-"))

    @property
    def log(self) -> str:
        file = self._folder / "log"
        return file.read_text("utf-8", errors="replace") if file.exists() else ""

    def __enter__(self) -> Self:
        self._folder.chmod(0o755)  # its processes have users of their own
        for name in ("etc", "queue", "data"):
            (self._folder / name).mkdir()
        user = pwd.getpwnam("postfix")
        os.chown(self._folder / "data", user.pw_uid, user.pw_gid)
        (self._folder / "etc" / "main.cf").write_text(self._main(), "utf-8")
        (self._folder / "etc" / "master.cf").write_text(MASTER.format(port=f"127.0.0.1:{self.port}"), "utf-8")
        self._run("start")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("stop", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _main(self) -> str:
        routes = " ".join(f"{{ {domain} = {where} }}" for domain, where in self._routes.items())
        settings = {
            "compatibility_level": "3.6",
            "command_directory": "/usr/sbin",
            "daemon_directory": str(DAEMONS),
            "queue_directory": str(self._folder / "queue"),
            "data_directory": str(self._folder / "data"),
            "maillog_file": str(self._folder / "log"),
            "maillog_file_prefixes": str(self._folder),
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "myhostname": "relay.example.com",
            "mydestination": "",
            "alias_maps": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "disable_dns_lookups": "yes",
            "relayhost": f"[127.0.0.1]:{self._relay}",
            "transport_maps": f"inline:{{ {routes} }}" if routes else "",
            "smtp_tls_security_level": "none",
            "smtpd_tls_security_level": "none",
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _run(self, word: str, *, check: bool = True) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self._folder / "etc"), word], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0 or not check, f"postfix {word}: {done.stdout}{done.stderr}\n{self.log}"
