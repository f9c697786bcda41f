"""What a disk holds after the power failed: synced bytes, and any torn subset of what came after."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.power_cut.disk import (
    Acknowledged,
    Create,
    Delete,
    Event,
    Sync,
    Truncate,
    Write,
    put,
    resize,
)

PIECE = 512  # disks write sectors whole; which of a write's sectors arrive is anybody's guess

Change = Write | Truncate | Create | Delete


@dataclass
class Plug:
    """Follows a log; ``pull`` may be asked at any moment."""

    durable: dict[str, bytearray]
    loose: list[Change] = field(default_factory=list)  # not synced, in order, of all files
    promised: set[tuple[int, int]] = field(default_factory=set)

    def see(self, event: Event) -> None:
        if isinstance(event, Acknowledged):
            self.promised |= event.rows
        elif isinstance(event, Sync):
            for one in self.loose:
                if one.file == event.file:
                    _apply(self.durable, one)
            self.loose = [one for one in self.loose if one.file != event.file]
        else:
            self.loose.append(event)

    def pull(self, rng: random.Random) -> dict[str, bytes]:
        """The files that are found at the next start."""
        files = {name: bytearray(body) for name, body in self.durable.items()}
        for one in self._survivors(rng):
            if isinstance(one, Write) and rng.random() < 0.3:
                for piece in _torn(one, rng):
                    _apply(files, piece)
            else:
                _apply(files, one)
        return {name: bytes(body) for name, body in files.items()}

    def _survivors(self, rng: random.Random) -> list[Change]:
        """Any subset is any order, too: a later write to the same place that is missing came "first"."""
        match rng.randrange(5):
            case 0:
                return []
            case 1:
                return self.loose
            case 2:
                return self.loose[: rng.randint(0, len(self.loose))]
            case 3:
                share = rng.random()
                return [one for one in self.loose if rng.random() < share]
            case _:
                lost = rng.randrange(len(self.loose)) if self.loose else 0
                return [one for number, one in enumerate(self.loose) if number != lost]


def cuts(
    image: dict[str, bytes], log: list[Event], count: int, rng: random.Random
) -> Iterator[tuple[dict[str, bytes], frozenset[tuple[int, int]], int]]:
    """``count`` cuts at random places of a log: files, rows promised before, changes that were not synced."""
    plug = Plug({name: bytearray(body) for name, body in image.items()})
    places = sorted(rng.randint(1, len(log)) for _ in range(count))
    done = 0
    for place in places:
        for event in log[done:place]:
            plug.see(event)
        done = place
        yield plug.pull(rng), frozenset(plug.promised), len(plug.loose)


def _torn(write: Write, rng: random.Random) -> list[Write]:
    """Some sectors of one write."""
    edges = list(range(0, len(write.data), PIECE))
    kept = [edge for edge in edges if rng.random() < 0.5]
    return [Write(write.file, write.offset + edge, write.data[edge : edge + PIECE]) for edge in kept]


def _apply(files: dict[str, bytearray], change: Change) -> None:
    match change:
        case Delete(file):
            files.pop(file, None)
        case Write(file, offset, data):
            put(files.setdefault(file, bytearray()), offset, data)
        case Truncate(file, size):
            resize(files.setdefault(file, bytearray()), size)
        case Create(file):
            files.setdefault(file, bytearray())
