"""When a destination may be tried: its rests, its breaker and its rate, all in one place.

Pure: every method is given the monotonic second.  Nothing here decides about a
row; a doubt is settled by the reconciler whether the destination rests or not.
"""

from __future__ import annotations

from daemon.core.clock import SECOND
from daemon.core.ports import Outcome, Reason, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.retry import delay

FAILURES = 3
"""Failures in a row that are the destination's for sure: it is tried with one row at a time.

One that is written to for each recipient rests from then on; any other rests
from the first on, so that its rows keep their order.
"""

LONGEST_REST = 60.0
"""Seconds between two tries of a destination that cannot be reached."""

PARKED = 300.0
"""Seconds that a destination rests after it refused our credentials."""

DOWN_AFTER = 120.0
"""Seconds without a success, or of a rest, after which people are told that the channel is down."""

BURST = 10.0
"""Seconds' worth of the rate that may go at once after a quiet time."""

EDIT_NEEDS = 2.0
"""Posts' worth of the rate that an edit must find: its own, and one that it leaves for a post."""

FAULTS = frozenset({Reason.network, Reason.timeout, Reason.server})


class Destination:
    """One channel's state.  ``per_minute`` is what it takes; None: as fast as it answers."""

    def __init__(
        self, per_minute: float | None = None, *, per_recipient: bool = False, edits: bool = False
    ) -> None:
        self.rests_until = 0.0
        self.parked = False
        self.failures = 0
        self._per_recipient = per_recipient
        self._patience = FAILURES if per_recipient else 1
        self._rests = 0  # in a row, each longer than the one before
        self._failing_since: float | None = None
        self._heard_at = 0.0
        self._answered = False  # the newest word about it was that it takes posts
        self._rate = per_minute / 60 if per_minute else None
        self._most = max(self._rate * BURST, EDIT_NEEDS if edits else 1.0) if self._rate else 0.0
        self._allowance = self._most
        self._counted_at = 0.0

    def room(self, now: float, most: int) -> int:
        """How many attempts may begin now, at most ``most``; one where it failed before."""
        if now < self.rests_until:
            return 0
        if self.failing:
            most = 1
        if self._rate is None:
            return most
        return min(int(self._count(now, self._rate) + 1e-6), most)

    def spare(self, now: float) -> bool:
        """Whether an edit may begin now: a post that comes right after it finds room still."""
        if self.rests(now):
            return False
        return self._rate is None or self._count(now, self._rate) >= EDIT_NEEDS - 1e-6

    def _count(self, now: float, rate: float) -> float:
        passed = max(now - self._counted_at, 0.0)
        self._allowance = min(self._allowance + passed * rate, self._most)
        self._counted_at = now
        return self._allowance

    def began(self, attempts: int) -> None:
        """Take that many from the allowance."""
        self._allowance = max(self._allowance - attempts, 0.0)

    def wait(self, now: float, needs: float = 1.0) -> float:
        """Seconds until ``room`` may be above none; with ``EDIT_NEEDS``, until ``spare``."""
        rest = max(self.rests_until - now, 0.0)
        if self._rate is None:
            return rest
        lacking = max(needs - self._allowance, 0.0) / self._rate - (now - self._counted_at)
        return max(rest, lacking)

    @property
    def failing(self) -> bool:
        """Whether the next attempt is a try of the destination, with one row."""
        return self.parked or self.failures >= FAILURES

    def rests(self, now: float) -> bool:
        return now < self.rests_until

    def is_down(self) -> bool | None:
        """Whether it takes nothing, long enough to tell people; None while that is open."""
        if self._failing_since is None:
            return False if self._answered else None
        failed_for, rest = self._heard_at - self._failing_since, self.rests_until - self._heard_at
        return True if self.parked or max(failed_for, rest) >= DOWN_AFTER else None

    def put_off(self, now: float) -> None:
        """A try came to nothing because there was nothing to send: the next one after another rest."""
        self._rest(now, None)

    def heard(self, outcome: Outcome, now: float) -> None:
        """Take in how an attempt ended."""
        self._heard_at = now
        match outcome:
            case Sent() | Rejected(scope=Scope.delivery):
                self._works()
            case Rejected():
                self.parked = True
                self._fails(now)
                self.rests_until = now + PARKED
            case Retry() if self._is_about_it(outcome):
                if outcome.scope is Scope.destination:
                    self.failures = max(self.failures, FAILURES)
                if outcome.reason in FAULTS:
                    self._fails(now)
                if outcome.after is not None or outcome.reason is Reason.rate_limited:
                    self._rest(now, outcome)
                elif self.failures >= self._patience:
                    self._rest(now, None)
            case Unknown(reason=reason) if reason in FAULTS:
                # Not proof of anything, but the next row would only be a second doubt.
                self._fails(now)
                if self.failures >= self._patience or outcome.after is not None:
                    self._rest(now, outcome if outcome.after is not None else None)
            case _:
                pass

    def _is_about_it(self, outcome: Retry) -> bool:
        """A recipient's own trouble (a full mailbox, greylisting) is not the relay's."""
        if not self._per_recipient or outcome.scope is Scope.destination:
            return True
        return outcome.after is not None or outcome.reason in (Reason.network, Reason.timeout)

    def _works(self) -> None:
        self.failures = self._rests = 0
        self.rests_until = 0.0
        self.parked = False
        self._failing_since = None
        self._answered = True

    def _fails(self, now: float) -> None:
        self.failures += 1
        if self._failing_since is None:
            self._failing_since = now

    def _rest(self, now: float, asked: Retry | Unknown | None) -> None:
        if self._failing_since is None:
            self._failing_since = now
        if now >= self.rests_until:  # of several side by side, the first counts
            self._rests += 1
        own = delay(self._rests, asked.after if asked else None) / SECOND
        pause = own if asked else min(own, LONGEST_REST)
        self.rests_until = max(self.rests_until, now + pause)
