"""A delivery status notification (RFC 3464) as far as it matters here; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from daemon.core.suppression import is_hard, is_status

MOST_RECIPIENTS = 50  # blocks of a report that are read; a mail of ours has one recipient
_HIDDEN = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Report:
    """That a mail could not be delivered: why, and the envelope's name if the mail system was told one."""

    status: str  # RFC 3463
    detail: str
    envelope: str


def parse(content: bytes) -> Report | None:
    """The failure that a mail tells of; None when it tells of none (a delay, an answer of a person).

    Of several failures the mildest counts: the address that we wrote to was then
    a list, and some behind it may have got the mail.
    """
    message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
    blocks = _status_blocks(message)
    if not blocks:
        return None
    failures = [block for block in blocks[1:MOST_RECIPIENTS] if _field(block, "Action").lower() == "failed"]
    found = [(status, block) for block in failures if is_status(status := _status(block))]
    if not found:
        return None
    status, block = min(found, key=lambda one: is_hard(one[0]))
    detail = _field(block, "Diagnostic-Code").partition(";")[2].strip()[:200]
    return Report(status, detail, _field(blocks[0], "Original-Envelope-Id"))


def _status_blocks(message: EmailMessage) -> list[Message]:
    """The block about the mail, then those about recipients."""
    if message.get_content_type() != "multipart/report":
        return []
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            if isinstance(blocks, list):
                return [block for block in blocks if isinstance(block, Message)]
    return []


def _status(block: Message) -> str:
    """``5.1.1`` of ``5.1.1 (no such user)``."""
    return _field(block, "Status").partition(" ")[0]


def _field(block: Message, name: str) -> str:
    """One line of plain characters: strangers write this, and people read it."""
    return _HIDDEN.sub(" ", str(block.get(name, ""))).strip()
