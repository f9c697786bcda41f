"""The mutations: which rule is taken away, where, and which tests must notice."""

from __future__ import annotations

from dataclasses import dataclass

ATTEMPTS = "tests/stories/test_attempts.py::test_"
DOUBTS = "tests/stories/test_doubts.py::test_"
OUTBOX = "tests/stories/test_outbox.py::test_"
EDITS = "tests/stories/test_state_posts.py::test_"
RETURNS = "tests/stories/test_channel_returns.py::test_"
LANGUAGE = "tests/rules/test_language_returns.py::test_"


EARLY = """\
        early = {row.id: await self._send(row, None, started) for row in rows}
        ours = await self._desk.attempt(rows, LEASE)
"""


@dataclass(frozen=True)
class Mutation:
    """One rule less.  Each edit is (file, text that occurs there exactly once, what stands there instead)."""

    rule: str
    edits: tuple[tuple[str, str, str], ...]
    killers: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "the intent is committed before the call",
        (
            (
                "daemon/outbox.py",
                "        ours = await self._desk.attempt(rows, LEASE)\n",
                EARLY,
            ),
            (
                "daemon/outbox.py",
                "self._deliver(row, parents, started, waits",
                "self._deliver(row, early, started, waits",
            ),
            (
                "daemon/outbox.py",
                "await self._send(row, parents.get((row.group, row.recipient)), started)",
                "parents[row.id]",
            ),
        ),
        (f"{ATTEMPTS}the_intent_is_committed_before_the_call",),
    ),
    Mutation(
        "a move is a compare-and-set on the token too",
        (
            (
                "daemon/storage/transaction.py",
                "(stored[STATE], stored[TOKEN]) != (expected_state, expected_token)",
                "stored[STATE] != expected_state",
            ),
        ),
        (f"{ATTEMPTS}a_claimed_row_is_attempted_with_its_token_alone",),
    ),
    Mutation(
        "nothing is sent when too little of the deadline is left",
        (("daemon/outbox.py", "if left < ENOUGH:", "if left < -3600:"),),
        (
            f"{ATTEMPTS}row_10_a_worker_stopped_past_its_lease_does_not_call",
            f"{ATTEMPTS}a_commit_that_took_too_long_sends_nothing",
        ),
    ),
    Mutation(
        "a doubt waits for its quarantine",
        (("daemon/service/deliveries.py", "wait = int(capabilities.late_apply * SECOND)", "wait = 0"),),
        (f"{DOUBTS}row_67_a_post_that_is_applied_late_is_not_sent_again",),
    ),
    Mutation(
        "what a dead worker attempted waits for its quarantine",
        (("daemon/service/deliveries.py", "wait = quarantine.get(row.channel, 60 * SECOND)", "wait = 0"),),
        (
            f"{ATTEMPTS}an_attempt_whose_worker_died_is_in_doubt_for_its_quarantine",
            f"{DOUBTS}row_04_killed_between_intent_and_first_byte",
        ),
    ),
    Mutation(
        "absent counts after the second read-back",
        (("daemon/service/deliveries.py", "READS_NEEDED = 2", "READS_NEEDED = 1"),),
        (f"{DOUBTS}row_68_a_list_that_lags_is_looked_at_twice",),
    ),
    Mutation(
        "two read-backs are further apart than a list lags",
        (("daemon/reconcile.py", "LAG = 15 * SECOND", "LAG = 0 * SECOND"),),
        (f"{DOUBTS}row_68_a_list_that_lags_is_looked_at_twice",),
    ),
    Mutation(
        "one automatic resend and no more",
        (("daemon/reconcile.py", "MOST_RESENDS = 1", "MOST_RESENDS = 9"),),
        (f"{OUTBOX}mail_in_doubt_is_resent_once_then_held",),
    ),
    Mutation(
        "a row is taken over after its lease",
        (
            ("daemon/reconcile.py", "if row.lease_until is not None and row.lease_until <= now]", "if 1]"),
            (
                "daemon/service/deliveries.py",
                "if row.lease_until is None or row.lease_until <= work.tx.now]",
                "if 1]",
            ),
        ),
        (
            f"{ATTEMPTS}an_attempt_whose_worker_died_is_in_doubt_for_its_quarantine",
            f"{ATTEMPTS}a_claim_whose_worker_died_is_free_again",
        ),
    ),
    Mutation(
        "a late answer settles a doubt about that very attempt alone",
        (
            (
                "daemon/service/deliveries.py",
                "if stored.state is not DeliveryState.unknown or not same:",
                "if stored.state is not DeliveryState.unknown:",
            ),
        ),
        (f"{ATTEMPTS}a_late_answer_of_an_older_attempt_settles_nothing",),
    ),
    Mutation(
        "on a shared store only leases prove that a worker is dead",
        (("daemon/service/deliveries.py", "if not self.desk.store.exclusive:", "if False:"),),
        (f"{ATTEMPTS}a_start_on_a_shared_store_takes_nothing_from_others",),
    ),
    Mutation(
        "a held post that newer ones went past is not sent again",
        (
            (
                "daemon/service/deliveries.py",
                'if answer == "resend" and (why := _too_late(work, row)):',
                "if False:",
            ),
        ),
        (f"{OUTBOX}a_held_post_that_was_passed_is_not_resent",),
    ),
    Mutation(
        "a destination that asked us to wait is left alone",
        (("daemon/core/destination.py", "if now < self.rests_until:", "if False:"),),
        ("tests/core/test_destination.py::test_row_54_whoever_asks_us_to_wait_is_left_alone",),
    ),
    Mutation(
        "what waited too long does not leave as it is",
        (("daemon/core/channel_view.py", "STALE: Span = 15 * MINUTE", "STALE: Span = 15_000 * MINUTE"),),
        (f"{RETURNS}row_54_who_is_asked_to_wait_waits_with_all_its_rows",),
    ),
    Mutation(
        "superseding never drops the last state",
        (("rules/deciding/returns.py", "if late.newest is not None:", "if late.newest and draft.hushed:"),),
        (f"{LANGUAGE}of_many_texts_one_is_said",),
    ),
    Mutation(
        "a doubt is put to people after two minutes",
        (("rules/deciding/transitions.py", "DOUBT_TOLD = 2 * MINUTE", "DOUBT_TOLD = 200 * MINUTE"),),
        (f"{DOUBTS}a_doubt_of_two_minutes_is_put_to_people_once",),
    ),
    Mutation(
        "a post waits for no edit",
        (("daemon/storage/queries.py", "        earlier.c.edits.is_(None),\n", ""),),
        (f"{EDITS}an_edit_that_hangs_delays_no_post",),
    ),
    Mutation(
        "an edit in doubt is made again when nothing can be late",
        (
            (
                "daemon/service/edits.py",
                "max(delay(row.attempts), int(capabilities.late_apply * SECOND))",
                "delay(row.attempts)",
            ),
        ),
        (f"{EDITS}a_lost_answer_is_made_again_after_the_provider_can_be_late_no_more",),
    ),
    Mutation(
        "a newer edit waits as long as the one whose place it takes",
        (
            (
                "daemon/service/state_posts.py",
                "row.not_before = max(row.not_before, older.not_before)",
                "pass",
            ),
        ),
        (f"{EDITS}a_newer_edit_takes_the_place_of_one_that_waits",),
    ),
)
