"""How updates are named: a text by its occasion, a question by its number within the group."""

from __future__ import annotations

_ASKS = "-q"


def text(public_id: str, occasion: str) -> str:
    """The name of what is said on an occasion."""
    return f"{public_id}/{occasion}"


def question(public_id: str, number: int) -> str:
    """The name of the group's ``number``th question."""
    return f"{public_id}{_ASKS}{number}"


def is_question(update: str) -> bool:
    """Whether people are asked there; public ids are letters and digits.

    >>> is_question(question("abc", 2)), is_question(text("abc", "plan/a-q1/r1"))
    (True, False)
    """
    return _ASKS in update.partition("/")[0]
