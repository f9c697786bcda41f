"""What Slack's error words mean for a delivery; with ``ok: false`` nothing was posted, but for a few.

https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from __future__ import annotations

from channels.http import Answer, wait_asked
from daemon.core.clock import Instant
from daemon.core.ports import Outcome, Reason, Rejected, Retry, Scope, Unknown

NO_PARENT = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})
"""The thread is gone; the words can still go out as a message of their own."""

_NO_EDIT = frozenset({"cant_update_message", "edit_window_closed"})
"""The message is there and stays as it is (https://docs.slack.dev/reference/methods/chat.update#errors)."""

_DEAD = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "account_inactive", "token_expired", "missing_scope"}
)
_NO_TARGET = frozenset({"channel_not_found", "not_in_channel", "is_archived"})
_UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LIMITED = frozenset({"ratelimited", "rate_limited"})


def refused(error: str, answer: Answer, now: Instant, detail: str) -> Outcome:
    """The outcome of an ``ok: false``; ``detail`` is the error word, scrubbed."""
    if error in _LIMITED:
        return Retry(Reason.rate_limited, detail, after=wait_asked(answer, now))
    if error in _UNSURE:
        return Unknown(Reason.server, detail)
    if error in _DEAD:
        return Rejected(Reason.auth, detail, Scope.destination)
    if error in _NO_TARGET or error.startswith("restricted_action"):
        return Rejected(Reason.gone, detail, Scope.destination)
    return Rejected(Reason.gone if error in NO_PARENT | _NO_EDIT else Reason.content, detail)
