"""Where a server listens: ``127.0.0.1:8080``, ``[::1]:8080``, ``:8080`` for every address."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

_SHAPE = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:\s/]*)):([0-9]{1,5})")
_HINT = "write it like 127.0.0.1:8080, [::1]:8080, or :8080 for every address"


class HostPort(NamedTuple):
    """An address to listen on; port 0 takes a free one, host "" means every address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it; a name other than localhost counts as not."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_every(self) -> bool:
        """Whether it stands for all addresses of the machine."""
        return self.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def parse(value: Any) -> HostPort:
    """The address in a text.  Raises ValueError with what to write."""
    if isinstance(value, HostPort):
        return value
    match = _SHAPE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{str(value)[:80]!r} is no address with a port; {_HINT}")
    six, host, port = match.group(1), match.group(2) or "", int(match.group(3))
    if six is not None:
        host = str(ip_address(six))
    if port > 65535:
        raise ValueError(f"there is no port {port}; write a number up to 65535")
    return HostPort(host, port)


Address = Annotated[HostPort, BeforeValidator(parse), PlainSerializer(str)]
