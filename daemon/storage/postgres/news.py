"""What a commit tells the other processes: which rows to read, and how far the counters are."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from daemon.storage.batch import Batch
from daemon.storage.tables import NOTE


class News(msgspec.Struct, omit_defaults=True):
    """The body of one row of ``batches``."""

    counters: dict[str, int] = {}
    groups: dict[int, int] = {}  # id -> the first sequence that the commit wrote (0: none, the row alone)
    episodes: list[tuple[int, int]] = []  # ids, as runs from ... to
    notes: list[str] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(News).decode


def encode(batch: Batch) -> bytes:
    """The news of a batch that is about to be committed."""
    groups: dict[int, int] = dict.fromkeys(batch.groups, 0)
    for group, sequence, *_ in batch.journal:
        if not groups.get(group):
            groups[group] = sequence
    episodes = {row[0] for row in batch.episodes} | {row[-1] for row in batch.episode_changes}
    notes = sorted({name.removeprefix(NOTE) for name, _ in batch.notes})
    return _encode(News(batch.memory.counters, groups, runs(sorted(episodes)), notes))


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, last) of each run without a hole."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def gather(bodies: Iterable[bytes]) -> News:
    """The news of several commits in their order, as one; empty counters when there was none."""
    news = News(groups={}, episodes=[], notes=[])
    for body in bodies:
        one = _decode(body)
        news.counters = one.counters
        for group, first in one.groups.items():
            known = news.groups.get(group)
            news.groups[group] = min(known, first) if known and first else first or known or 0
        news.episodes += one.episodes
        news.notes += one.notes
    return news
