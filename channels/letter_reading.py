"""A letter as a program that shows text alone shows it."""

from __future__ import annotations

from email import message_from_string
from email.policy import SMTP

from daemon.core.ports import Shown


def read(message: str) -> Shown:
    """Its subject and its text part."""
    letter = message_from_string(message, policy=SMTP)
    part = letter.get_body(("plain",))
    text = part.get_content() if part is not None else ""
    return Shown(text.replace("\r\n", "\n").strip(), str(letter["Subject"] or ""))
