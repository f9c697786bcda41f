"""The one writer: takes what waits, folds it in the event loop, commits in a thread.

Nothing else touches its connection.  What arrives during a COMMIT is the next
group (group commit), so the disk sets the size of the groups by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from daemon.core.clock import Clock, Instant
from daemon.core.errors import BadInput, Unavailable
from daemon.core.store import Tx
from daemon.storage.batch import Batch, Memory
from daemon.storage.pressure import Pressure
from daemon.storage.sqlite.checkpoint import Checkpointer
from daemon.storage.sqlite.faults import Fault, fault_of, in_plain_words, is_lock
from daemon.storage.transaction import Transaction

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work, and the future that its caller waits for."""

    work: Callable[[Tx], Any]
    now: Instant
    weight: int
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        if self.future.done():
            return  # the caller was cancelled
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _Defect(BaseException):
    """A callback failed; passes by every ``except Exception``, because nothing may go on after it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``batch_weight``: about that many alerts per commit; the waits are in seconds."""

    batch_weight: int = 2_000
    longest_wait: float = 2.5
    lock_wait: float = 2.0


class Writer:
    """Queue, batches, rollback; see ``daemon.core.store.Store.write`` for what callers may rely on."""

    def __init__(self, connection: sqlite3.Connection, memory: Memory, clock: Clock, limits: Limits) -> None:
        self._connection = connection
        self._memory = memory
        self._clock = clock
        self._limits = limits
        self._pressure = Pressure(limits.batch_weight)
        self._checkpointer = Checkpointer(connection)
        self._queue: deque[Job] = deque()
        self._queued = 0
        self._current: list[Job] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._busy_since: float | None = None
        self._thread = ThreadPoolExecutor(1, "tocsin-commit")
        self._number = 0
        self.committed = 0
        self.commits = 0
        self.rollbacks = 0
        self.undone = 0
        self.failure = ""
        self.rollback_callbacks: list[Callable[[frozenset[int]], None]] = []
        self.failure_callbacks: list[Callable[[str], None]] = []
        self.lost_callbacks: list[Callable[[int], None]] = []

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def estimated_wait(self) -> float:
        """Seconds that a new work would wait before it starts."""
        busy = None if self._busy_since is None else self._clock.monotonic() - self._busy_since
        return self._pressure.estimate(self._queued, busy)

    def submit(self, work: Callable[[Tx], T], now: Instant, weight: int) -> asyncio.Future[T]:
        """Queue a work.  Raises Unavailable instead of making it wait too long."""
        if self.failure:
            raise Unavailable(self.failure)
        if self._closing:
            raise Unavailable("the store is closing")
        wait = self.estimated_wait
        if wait > self._limits.longest_wait:
            raise Unavailable(f"the store is about {wait:.1f} s behind")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(Job(work, now, weight, future))
        self._queued += weight
        self._wake.set()
        return future

    async def run(self) -> None:
        """Serve until closed; a defect in here breaks the store instead of stopping it silently."""
        try:
            while (self._queue or not self._closing) and not self.failure:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                await self._serve(self._take())
        except (Exception, _Defect) as error:  # noqa: BLE001 - told to everybody who listens, and to the callers
            self._break(f"the store's writer stopped: {error!r}", error)

    async def close(self, task: asyncio.Task[None]) -> None:
        """Finish what was accepted; afterwards the connection is the caller's again."""
        self._closing = True
        self._wake.set()
        await asyncio.wait({task})
        self._thread.shutdown()

    def _take(self) -> list[Job]:
        jobs: list[Job] = []
        weight = 0
        while self._queue and (not jobs or weight + self._queue[0].weight <= self._limits.batch_weight):
            job = self._queue.popleft()
            self._queued -= job.weight
            if not job.future.done():  # else its caller gave up waiting: nothing has begun
                jobs.append(job)
                weight += job.weight
        return jobs

    async def _serve(self, jobs: list[Job]) -> None:
        self._busy_since = self._clock.monotonic()
        self._current = jobs
        try:
            await self._settle(jobs)
            if not self.failure and self._checkpointer.is_due:
                await self._in_thread(self._checkpointer.run)
        except sqlite3.Error as error:  # from the checkpoint alone: the jobs have their answers
            if fault_of(error) is Fault.broken:
                self._break(f"the database failed in a checkpoint: {error}", error)
        finally:
            self._busy_since = None

    async def _settle(self, jobs: list[Job]) -> None:
        """Commit the jobs together; when the rows are refused, halve until the culprit stands alone."""
        error = await self._attempt(jobs)
        if error is None:
            return
        fault = fault_of(error)
        if fault is Fault.broken:
            self._break(f"the database failed and must be opened anew: {error}", error)
        elif fault is Fault.wait:
            refused = jobs + self._drop_queue() if is_lock(error) else jobs
            self._refuse(refused, in_plain_words(error), error)
        elif len(jobs) == 1:
            jobs[0].error = _blame(error)
            jobs[0].answer()
        else:
            middle = len(jobs) // 2
            for half in (jobs[:middle], jobs[middle:]):
                if not self.failure:
                    await self._settle(half)

    async def _attempt(self, jobs: list[Job]) -> Exception | None:
        """One transaction; what made it fail, after everything was put back."""
        began = self._clock.monotonic()
        self._number += 1
        batch = Batch(self._number, self._memory)
        try:
            await self._begin()
            for job in jobs:
                self._run_work(job, batch)
            rows = self._flush(batch, jobs[-1].now) if jobs else 0
            folded = self._clock.monotonic()
            await self._commit(rows)
        except Exception as error:  # noqa: BLE001 - any failure here undoes the batch; _settle judges it, stats count it
            self._roll_back(batch)
            return error
        batch.settled()
        self.committed = batch.number
        weight = sum(job.weight for job in jobs)
        self._pressure.observe(weight, folded - began, self._clock.monotonic() - folded)
        for job in jobs:
            job.answer()
        return None

    async def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_lock(error):
                raise
            await self._in_thread(self._begin_patiently)

    def _begin_patiently(self) -> None:
        """In the thread, so that a foreign lock stops the writer and not the event loop."""
        self._connection.execute(f"PRAGMA busy_timeout = {int(self._limits.lock_wait * 1000)}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    def _run_work(self, job: Job, batch: Batch) -> None:
        """Run one work; if it raises, only its own traces go."""
        mark = batch.mark()
        tx = Transaction(batch, job.now)
        job.result = job.error = None
        try:
            job.result = job.work(tx)
        except sqlite3.Error:
            raise  # the database itself, while the work was reading: the whole batch is in doubt
        except Exception as error:  # noqa: BLE001 - it belongs to the caller of write, who gets it; stats count it
            job.error = error
            self.undone += 1
            batch.undo(mark)
            self._tell_undone(tx.touched)
        batch.touched |= tx.touched
        tx.end()

    def _flush(self, batch: Batch, now: Instant) -> int:
        tx = Transaction(batch, now)
        batch.make_groups(tx)
        batch.touched |= tx.touched
        tx.end()
        return batch.flush(self._connection)

    async def _commit(self, rows: int) -> None:
        if not rows:
            self._connection.execute("COMMIT")  # nothing was written: no disk is waited for
            return
        await self._in_thread(self._connection.execute, "COMMIT")
        self.commits += 1
        self._checkpointer.wrote(rows)

    def _roll_back(self, batch: Batch) -> None:
        self.rollbacks += 1
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        batch.undo()
        for callback in self.lost_callbacks:
            callback(batch.number)
        self._tell_undone(batch.touched)

    def _tell_undone(self, groups: set[int]) -> None:
        if groups:
            try:
                for callback in self.rollback_callbacks:
                    callback(frozenset(groups))
            except Exception as error:
                raise _Defect(f"memory could not be dropped: {error!r}") from error

    def _drop_queue(self) -> list[Job]:
        jobs = list(self._queue)
        self._queue.clear()
        self._queued = 0
        return jobs

    def _refuse(self, jobs: list[Job], reason: str, cause: BaseException) -> None:
        for job in jobs:
            job.error = Unavailable(reason)
            job.error.__cause__ = cause
            job.answer()

    def _break(self, reason: str, cause: BaseException) -> None:
        """For good: nothing is retried, because a second fsync may succeed without the pages of the first."""
        self.failure = reason
        self._refuse(self._current + self._drop_queue(), reason, cause)
        for callback in self.failure_callbacks:
            callback(reason)

    async def _in_thread(self, function: Callable[..., object], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _blame(error: Exception) -> Exception:
    """What the caller of a work that no database would take gets to see."""
    if not isinstance(error, (sqlite3.Error, UnicodeError, OverflowError)):
        return error
    blamed = BadInput(f"the database refuses this: {error}")
    blamed.__cause__ = error
    return blamed
