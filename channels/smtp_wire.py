"""How far one mail got: the moment that separates "not sent" from "nobody knows"."""

from __future__ import annotations

import aiosmtplib


class Wire:
    """Sees whether the message itself has been written, which ``data()`` does not tell."""

    def __init__(self) -> None:
        self.dotted = False

    def watch(self, smtp: aiosmtplib.SMTP) -> None:
        """Call it between RCPT and ``data()``."""
        protocol = smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("gone before DATA")
        write = protocol.write

        def seen(data: bytes) -> None:
            self.dotted = self.dotted or data != b"DATA\r\n"
            write(data)

        protocol.write = seen  # type: ignore[method-assign]  # this one connection's
