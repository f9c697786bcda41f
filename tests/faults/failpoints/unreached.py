"""The failpoints that no life of a daemon gets to, each with its reason; a test fails when one is reached."""

from __future__ import annotations

CLI = "a command's own process, which the daemon never runs"
UNASKED = "nothing in the daemon asks this"

UNREACHED = {
    "daemon.storage.sqlite.checkup:": CLI,
    "daemon.storage.sqlite.restore:": CLI,
    "daemon.storage.restoration:": CLI,
    "daemon.storage.copying:": CLI,
    "daemon.storage.upkeep:": CLI,
    "daemon.storage.sqlite.upkeep:": CLI,
    "daemon.storage.sqlite.transfer:": CLI,
    "daemon.service.timers:TimerDesk.next_due:": UNASKED,
    "daemon.storage.answers:Answers.earliest_due:": UNASKED,
    "daemon.storage.answers:Answers.earliest_claim:": UNASKED,
    "daemon.storage.answers:Answers.group_by_public_id:": UNASKED,
    "daemon.storage.answers:Answers.episodes:": UNASKED,
    "daemon.storage.answers:Answers.rules_versions:": UNASKED,
    "daemon.storage.answers:Answers.quarantined:": UNASKED,
    "daemon.storage.answers:Answers.verify_chain:": UNASKED,
    "daemon.storage.answers:Answers.claimable:1": "a worker asks for its own channel alone",
    "daemon.storage.writer:Writer._settle:2": "intake cleans whatever would make the database refuse rows",
}
"""Beginnings of names."""

RARE = {
    "daemon.web.deadline:Deadlines.close:2": "late works mostly end before the loops do",
    "daemon.outbox:Outbox._record:2": "a post must be answered in the very moment of a lock",
}
"""Those that a life may get to, but only by an unlikely order of things."""


def is_expected(point: str) -> bool:
    """Whether a campaign has to end a life there."""
    return not point.startswith((*UNREACHED, *RARE))


def is_unreached(point: str) -> bool:
    return point.startswith(tuple(UNREACHED))
