"""Notices as mail systems write them."""

from __future__ import annotations

BOUNDARY = "=_cut"


def notice(
    *statuses: str,
    action: str = "failed",
    envelope: str = "",
    diagnostic: str = "smtp; 550 5.1.1 who is that",
) -> bytes:
    """A report with a block for each status."""
    about = "Reporting-MTA: dns; mx.example.org\r\n"
    if envelope:
        about += f"Original-Envelope-Id: {envelope}\r\n"
    blocks = [
        f"Final-Recipient: rfc822; r{number}@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {diagnostic}\r\n"
        for number, status in enumerate(statuses)
    ]
    return (
        "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{BOUNDARY}"\r\n\r\n'
        f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--{BOUNDARY}\r\nContent-Type: message/delivery-status\r\n\r\n"
        + "\r\n".join([about, *blocks])
        + f"\r\n--{BOUNDARY}\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: [Example] Checkout\r\n"
        f"--{BOUNDARY}--\r\n"
    ).encode()


ANSWER = (
    b"From: ann@example.org\r\nSubject: Re: Checkout\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
)
