"""Which failpoints the lives of a daemon get to on either kind of store, and why not to the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.failpoints.modules import SERVER, enumerated

CLI = "a command's own process, which the daemon never runs"
UNASKED = "nothing in the daemon asks this"
OTHER_STORE = "on PostgreSQL alone, where lives of their own end at it"


@dataclass(frozen=True, slots=True)
class Ground:
    """The failpoints of one kind of store; all names are beginnings.

    ``own``: those that count here (none: all).  ``unreached`` no life gets to,
    each for its reason: a test fails when one is reached.  ``rare``: those that a
    life may get to, but only by an unlikely order of things.
    """

    own: tuple[str, ...]
    unreached: Mapping[str, str]
    rare: Mapping[str, str]

    def points(self) -> list[str]:
        """At which a life has to end."""
        exceptions = (*self.unreached, *self.rare)
        return [point for point in self.all() if not point.startswith(exceptions)]

    def all(self) -> list[str]:
        """With the exceptions."""
        return [point for point in enumerated() if not self.own or point.startswith(self.own)]

    def is_unreached(self, point: str) -> bool:
        return point.startswith(tuple(self.unreached))


ON_SQLITE = Ground(
    own=(),
    unreached={
        SERVER: OTHER_STORE,
        "daemon.storage.sqlite.checkup:": CLI,
        "daemon.storage.sqlite.restore:": CLI,
        "daemon.storage.restoration:": CLI,
        "daemon.storage.copying:": CLI,
        "daemon.storage.upkeep:": CLI,
        "daemon.storage.sqlite.upkeep:": CLI,
        "daemon.storage.sqlite.transfer:": CLI,
        "daemon.service.bounces:": "no mail comes back in these lives; it is one transaction, as every act",
        "daemon.service.timers:TimerDesk.next_due:": UNASKED,
        "daemon.storage.answers:Answers.earliest_due:": UNASKED,
        "daemon.storage.answers:Answers.earliest_claim:": UNASKED,
        "daemon.storage.answers:Answers.group_by_public_id:": UNASKED,
        "daemon.storage.answers:Answers.quarantined:": UNASKED,
        "daemon.storage.answers:Answers.verify_chain:": UNASKED,
        "daemon.storage.answers:Answers.claimable:1": "a worker asks for its own channel alone",
        "daemon.storage.checkup:": CLI,
        "daemon.storage.opening:open_store:2": OTHER_STORE,
        "daemon.storage.writer:Writer._attempt:2": OTHER_STORE,
        "daemon.storage.writer:Writer._attempt:3": OTHER_STORE,
        "daemon.storage.writer:Writer._rest:2": OTHER_STORE,
        "daemon.reconcile:Reconciler._take:1": OTHER_STORE,
        "daemon.service.deliveries:DeliveryDesk.bury:2": "no channel leaves the configuration (row 49)",
        "daemon.storage.sqlite.store:SqliteStore.begin:1": "nobody exchanges the file (row 24)",
        "daemon.storage.sqlite.store:open_sqlite:3": "an opening that fails ends the process by itself",
        "daemon.storage.writer:Writer._settle:2": "intake cleans what the database would refuse",
    },
    rare={
        "daemon.web.deadline:Deadlines.close:2": "late works mostly end before the loops do",
        "daemon.reconcile:Reconciler._take_over:2": "a start frees what a dead life had, before a lease ends",
        "daemon.service.deliveries:DeliveryDesk.take_over:1": "as above",
        "daemon.outbox:Outbox._record:2": "a post must be answered in the very moment of a lock",
        "daemon.editor:Editor._record:2": "as above, of an edit",
    },
)

MIGRATING = "the first start on an empty database, which test_migration.py ends at each of them"
ON_FIRST_START = dict.fromkeys(
    (
        "daemon.storage.postgres.schema:prepare:6",
        "daemon.storage.postgres.schema:prepare:7",
        "daemon.storage.postgres.schema:migrate:",
        "daemon.storage.postgres.schema:Change.upgrade:",
        "daemon.storage.postgres.schema:changing:",
    ),
    MIGRATING,
)
ON_POSTGRESQL = Ground(
    own=(SERVER, *(name for name, why in ON_SQLITE.unreached.items() if why is OTHER_STORE)),
    unreached={
        **ON_FIRST_START,
        "daemon.storage.postgres.transfer:": CLI,
        "daemon.storage.postgres.upkeep:": CLI,
        "daemon.storage.postgres.presence:": CLI,
        "daemon.storage.postgres.connection:connect_patiently:1": "the server is there when a life starts",
        "daemon.storage.postgres.schema:promises:4": "the server has no standbys",
        "daemon.storage.postgres.store:open_postgres:8": "an opening that fails ends the process by itself",
        "daemon.storage.postgres.store:_hold_the_past:": "the server keeps what it acknowledged (row 25)",
        "daemon.storage.postgres.store:PostgresStore.close:4": "as above",
        "daemon.storage.postgres.store:_progress:2": "there is a commit since the first life",
    },
    rare={
        "daemon.storage.postgres.engine:PostgresEngine.begin:3": "a look is due, and a work comes before it",
        "daemon.storage.postgres.engine:PostgresEngine.commit:5": "once in a thousand commits of both nodes",
    },
)
"""Everything else a life on SQLite has ended at."""
