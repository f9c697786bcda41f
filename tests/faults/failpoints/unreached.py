"""The failpoints that no life of a daemon gets to, each with its reason; a test fails when one is reached."""

from __future__ import annotations

CLI = "a command's own process, which the daemon never runs"
UNASKED = "nothing in the daemon asks this"
SERVER = "PostgreSQL alone; the nemesis ends nodes there"

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
    "daemon.storage.answers:Answers.quarantined:": UNASKED,
    "daemon.storage.answers:Answers.verify_chain:": UNASKED,
    "daemon.storage.answers:Answers.claimable:1": "a worker asks for its own channel alone",
    "daemon.storage.checkup:": CLI,
    "daemon.storage.opening:open_store:2": SERVER,
    "daemon.storage.writer:Writer._attempt:2": SERVER,
    "daemon.storage.writer:Writer._attempt:3": SERVER,
    "daemon.storage.writer:Writer._rest:2": SERVER,
    "daemon.reconcile:Reconciler._take:1": SERVER,
    "daemon.service.deliveries:DeliveryDesk.bury:2": "no channel is taken out of the configuration (row 49)",
    "daemon.storage.sqlite.store:SqliteStore.begin:1": "no older copy is put in the file's place (row 24)",
    "daemon.storage.sqlite.store:open_sqlite:3": "an opening that fails ends the process by itself",
    "daemon.storage.writer:Writer._settle:2": "intake cleans whatever would make the database refuse rows",
}
"""Beginnings of names."""

RARE = {
    "daemon.web.deadline:Deadlines.close:2": "late works mostly end before the loops do",
    "daemon.reconcile:Reconciler._take_over:2": "a start frees what a dead life had, before a lease ends",
    "daemon.service.deliveries:DeliveryDesk.take_over:1": "as above",
    "daemon.outbox:Outbox._record:2": "a post must be answered in the very moment of a lock",
}
"""Those that a life may get to, but only by an unlikely order of things."""


def is_expected(point: str) -> bool:
    """Whether a campaign has to end a life there."""
    return not point.startswith((*UNREACHED, *RARE))


def is_unreached(point: str) -> bool:
    return point.startswith(tuple(UNREACHED))
