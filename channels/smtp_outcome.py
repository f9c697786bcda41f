"""What a refusal, or the loss of a connection, says about a mail."""

from __future__ import annotations

import re
import ssl

import aiosmtplib

from daemon.core.ports import Outcome, Reason, Rejected, Retry, Scope, Unknown

_POLICY = re.compile(r"\b5\.7\.\d{1,3}\b")
_REFUSED_LOGIN = frozenset({530, 534, 535, 538})


def refused(code: int, message: str, detail: str) -> Outcome:
    """RFC 5321 4.2.1 and RFC 3463: 4 is for later, 5 for good, 5.7 about us, not the recipient."""
    if 400 <= code < 500:
        return Retry(Reason.rate_limited if "4.7." in message else Reason.server, detail)
    if code in _REFUSED_LOGIN or _POLICY.search(message):
        return Rejected(Reason.auth, detail, Scope.destination)
    if code in (550, 551, 553):
        return Rejected(Reason.gone, detail)
    return Rejected(Reason.content, detail)


def lost(error: Exception, detail: str, *, dotted: bool) -> Outcome:
    """No answer, or none that can be understood; ``dotted``: whether the mail itself had been written."""
    reason = Reason.timeout if isinstance(error, TimeoutError) else Reason.network
    if dotted:
        return Unknown(reason, f"after the final dot: {detail}")
    # No TLS where it is required, a wrong certificate, no way to log in: it is about the relay.
    tls = any(isinstance(problem, ssl.SSLError) for problem in (error, error.__cause__))
    relay = tls or type(error) is aiosmtplib.SMTPException
    return Retry(reason, detail, scope=Scope.destination if relay else Scope.delivery)
