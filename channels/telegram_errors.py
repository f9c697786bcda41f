"""What Telegram's refusals mean for a delivery: it says them in words (https://core.telegram.org/bots/api)."""

from __future__ import annotations

from typing import Any

from channels.http import Answer, outcome_of, wait_asked
from daemon.core.clock import Instant
from daemon.core.ports import Outcome, Reason, Rejected, Retry, Scope

_NO_TARGET = (
    "chat not found",
    "upgraded to a supergroup",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "peer_id_invalid",
)
_NO_RIGHT = (
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_admin_required",
    "chat_restricted",
    "not a member",
)
_NO_MESSAGE = ("message to edit not found", "message can't be edited", "message_id_invalid")


def parameters(answer: Answer) -> dict[str, Any]:
    """What an error says besides its words: ``retry_after``, ``migrate_to_chat_id``."""
    found = (answer.fields() or {}).get("parameters")
    return found if isinstance(found, dict) else {}


def words(answer: Answer) -> str:
    """Telegram's description of an error; scrub it."""
    return str((answer.fields() or {}).get("description") or "")


def unchanged(answer: Answer) -> bool:
    """An edit that changes nothing is refused, which is as good as done."""
    return answer.status == 400 and "message is not modified" in words(answer).lower()


def refused(answer: Answer, now: Instant, detail: str) -> Outcome:
    """The outcome of an answer that holds no message; ``detail`` is the scrubbed description."""
    said, low = f"{answer.status} {detail}".strip(), detail.lower()
    if answer.status == 404:  # there is no such method under no such token: never about one message
        return Rejected(Reason.gone, f"{said} (is the token right?)", Scope.destination)
    if answer.status == 429:
        asked = parameters(answer).get("retry_after")
        seconds = float(asked) if isinstance(asked, int | float) else wait_asked(answer, now)
        return Retry(Reason.rate_limited, said, after=seconds)
    if answer.status == 400:
        if any(word in low for word in _NO_MESSAGE):
            return Rejected(Reason.gone, said)
        if any(word in low for word in _NO_TARGET):
            return Rejected(Reason.gone, said, Scope.destination)
        if any(word in low for word in _NO_RIGHT):
            return Rejected(Reason.auth, said, Scope.destination)
    return outcome_of(answer, now, detail)
