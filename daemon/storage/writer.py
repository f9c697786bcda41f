"""The one writer of a process: takes what waits, folds it in the event loop, has it committed.

Nothing else writes.  What arrives during a COMMIT is the next group (group
commit), so the disk sets the size of the groups by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from daemon.core.clock import MINUTE, Clock, Instant
from daemon.core.errors import BadInput, Unavailable
from daemon.core.store import Tx
from daemon.storage.batch import Batch
from daemon.storage.engine import Engine, Fault, Missing
from daemon.storage.pressure import Pressure
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

    def __init__(self, engine: Engine, clock: Clock, limits: Limits) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = limits
        self._pressure = Pressure(limits.batch_weight)
        self._queue: deque[Job] = deque()
        self._queued = 0
        self._current: list[Job] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._nudged = False
        self._busy_since: float | None = None
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
                if self._queue:
                    await self._serve(self._take())
                else:
                    await self._rest()
        except (Exception, _Defect, Missing) as error:  # noqa: BLE001 - told to everybody who listens, and to the callers
            self._break(f"the store's writer stopped: {error!r}", error)

    async def _rest(self) -> None:
        self._wake.clear()
        woken = self._nudged or await self._clock.wait(self._wake, self._engine.idle_every)
        if self._nudged or not woken:
            self._nudged = False
            await self._upkeep()

    async def close(self, task: asyncio.Task[None]) -> None:
        """Finish what was accepted, then let go of the database."""
        self._closing = True
        self._wake.set()
        await asyncio.wait({task})
        await self._engine.close()

    def nudge(self) -> None:
        """Have the engine's upkeep run now: others have written."""
        self._nudged = True
        self._wake.set()

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
            before = self.rollbacks
            await self._settle(jobs)
            if self.rollbacks == before:  # else the next try comes first
                await self._upkeep()
        finally:
            self._busy_since = None

    async def _upkeep(self) -> None:
        try:
            await self._engine.idle()
        except Exception as error:  # the jobs have their answers: it is about the database alone
            if not self._engine.is_own(error):
                raise
            if self._engine.fault_of(error) is Fault.broken:
                self._break(f"the database failed in its upkeep: {error}", error)

    async def _settle(self, jobs: list[Job]) -> None:
        """Commit the jobs together; when the rows are refused, halve until the culprit stands alone."""
        error = await self._attempt(jobs)
        if error is None:
            return
        fault = self._engine.fault_of(error)
        if fault is Fault.broken:
            self._break(f"the database failed and must be opened anew: {error}", error)
        elif fault is Fault.wait:
            refused = jobs + self._drop_queue() if self._engine.is_lock(error) else jobs
            self._refuse(refused, self._engine.in_plain_words(error), error)
        elif len(jobs) == 1:
            jobs[0].error = self._blame(error)
            jobs[0].answer()
        else:
            middle = len(jobs) // 2
            for half in (jobs[:middle], jobs[middle:]):
                if not self.failure:
                    await self._settle(half)

    async def _attempt(self, jobs: list[Job]) -> Exception | None:
        """One transaction; what made it fail, after everything was put back."""
        began = self._clock.monotonic()
        batch = Batch(0, self._engine.memory)
        try:
            batch.number = await self._engine.begin()
            for job in jobs:
                while (missing := self._try_work(job, batch)) is not None:
                    await self._engine.fetch(missing)
            while jobs and (missing := self._try_rows(batch, batch.at)) is not None:
                await self._engine.fetch(missing)
            folded = self._clock.monotonic()
            rows = await self._engine.commit(batch)
        except Exception as error:  # noqa: BLE001 - any failure here undoes the batch; _settle judges it, stats count it
            await self._roll_back(batch)
            return error
        batch.settled()
        self.commits += rows > 0
        self.committed = max(self.committed, batch.number)
        weight = sum(job.weight for job in jobs)
        self._pressure.observe(weight, folded - began, self._clock.monotonic() - folded)
        for job in jobs:
            job.answer()
        return None

    def _try_work(self, job: Job, batch: Batch) -> Missing | None:
        """One run; if the work raises, only its own traces go.  What it lacks must be fetched first."""
        mark = batch.mark()
        tx = Transaction(batch, self._instant(job))
        batch.at = max(batch.at, tx.now)
        job.result = job.error = None
        lacks: Missing | None = None
        try:
            job.result = job.work(tx)
        except Missing as missing:
            lacks = missing
            batch.undo(mark)
            self._tell_undone(tx.changed)
        except Exception as error:
            if self._engine.is_own(error):
                raise  # while the work was reading: the whole batch is in doubt
            job.error = error  # it belongs to the caller of write, who gets it
            self.undone += 1
            batch.undo(mark)
            self._tell_undone(tx.touched)
        batch.touched |= tx.touched
        tx.end()
        return lacks

    def _instant(self, job: Job) -> Instant:
        """No work is older than what others committed, unless the clock of all was set back."""
        latest = self._engine.latest
        return latest if job.now < latest < job.now + MINUTE else job.now

    def _try_rows(self, batch: Batch, now: Instant) -> Missing | None:
        tx = Transaction(batch, now)
        try:
            batch.make_groups(tx)
        except Missing as missing:
            return missing
        finally:
            batch.touched |= tx.touched
            tx.end()
        return None

    async def _roll_back(self, batch: Batch) -> None:
        self.rollbacks += 1
        await self._engine.roll_back()
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

    def _blame(self, error: Exception) -> Exception:
        """What the caller of a work that no database would take gets to see."""
        if not self._engine.is_own(error) and not isinstance(error, (UnicodeError, OverflowError)):
            return error
        blamed = BadInput(f"the database refuses this: {error}")
        blamed.__cause__ = error
        return blamed
