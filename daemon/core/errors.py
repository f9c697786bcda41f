"""What can go wrong, in one tree.

TocsinError
├── BadInput        what a caller sent can never be understood (400, exit 2)
├── Refused         understood, but the answer is no: state, rights, approval (409, exit 1)
├── Conflict        the caller's memory of a group is not what is stored: read again, do it again
├── NotFound        no such incident, step, delivery (404, exit 1)
├── Unavailable     the store cannot take it now; the caller should come back (503)
└── BadConfig       a file of the operator is wrong; carries file, line, column, key, remedy (exit 2)
"""

from __future__ import annotations


class TocsinError(Exception):
    """Root of all errors that this program raises on purpose."""


class BadInput(TocsinError):
    """What was sent can never be understood; sending it again is useless."""


class Refused(TocsinError):
    """The request is clear and the answer is no; the text says why."""


class Conflict(TocsinError):
    """Somebody else wrote in between, or memory is stale: read again and do it again."""


class NotFound(TocsinError):
    """Nothing has that name."""


class Unavailable(TocsinError):
    """Not now: full, locked, too slow or shutting down.  Nothing was stored."""


class BadConfig(TocsinError):
    """An operator's file is wrong; the message names place, key and remedy."""
