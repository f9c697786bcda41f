"""The fault catalogue: what can go wrong, by number, and the tests that prove what happens then.

A test carries the number of its row in its name: ``test_row_14_...``,
``test_rows_42_and_44_...``, ``test_rows_01_to_08_...``.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

FAULTS = {
    1: "kill -9 between receive and commit",
    2: "kill -9 after the commit, before the 200",
    3: "kill -9 before the intent is committed",
    4: "kill -9 after the intent, before the first byte",
    5: "kill -9 after the last byte, before the reply",
    6: "kill -9 after the reply, before it is recorded",
    7: "kill -9 in a migration",
    8: "kill -9 again and again during startup",
    9: "SIGTERM under load",
    10: "a worker stopped past its lease goes on",
    11: "the event loop is blocked",
    12: "a stopped process and the watchdog",
    13: "no memory",
    14: "no file descriptors",
    15: "an unhandled exception in one task",
    16: "two daemons on one SQLite file",
    17: "power cut",
    18: "the disk is full",
    19: "a flush fails",
    20: "the disk becomes read-only",
    21: "the disk is very slow",
    22: "the database is locked by another program",
    23: "the write-ahead log grows",
    24: "the database is damaged, deleted, or an older copy",
    25: "PostgreSQL restarts in a transaction",
    26: "the link is cut during COMMIT",
    27: "failover to a standby that lacks the last commits",
    28: "a node is cut off from PostgreSQL",
    29: "PostgreSQL is read-only, full, or too slow",
    30: "NOTIFY is lost",
    31: "the wall clock jumps a day",
    32: "two clocks ten minutes apart",
    33: "clock changes, leap days, unknown zones, leap seconds",
    34: "the machine sleeps for six hours",
    35: "the same webhook fifty times at once",
    36: "webhooks out of order",
    37: "the monitor restarts with other keys",
    38: "the monitor falls silent",
    39: "flapping",
    40: "10,000 alerts in one body",
    41: "a payload that was cut",
    42: "bodies that nobody can read",
    43: "bodies that are too large, too slow, or a bomb",
    44: "bodies of another type, version or shape",
    45: "an alert storm",
    46: "a poisonous rule",
    47: "a template that fails",
    48: "rules are loaded again in the middle of an incident",
    49: "a channel is gone while rows wait for it",
    50: "names are not resolved",
    51: "connections are refused",
    52: "connections are cut",
    53: "the peer is gone without a word",
    54: "429 with every form of Retry-After",
    55: "200 with an answer that says nothing",
    56: "5xx after the post was made",
    57: "403 for a duplicate",
    58: "credentials are revoked",
    59: "TLS fails",
    60: "a redirect to an internal address",
    61: "recipients of one mail fare differently",
    62: "SMTP breaks after the final dot",
    63: "greylisting, stripped STARTTLS, a trickling server",
    64: "channels are down for a day",
    65: "a parent post is gone or in doubt",
    66: "updates queue behind a doubt",
    67: "the provider applies a request late",
    68: "read-back lags, pages or is limited",
    69: "thousands of readers at once",
    70: "the daemon is dead",
    71: "a person edits while automation posts",
    72: "an approver votes twice, or too late",
}
"""Number -> the fault.  Numbers never change: test names and reports carry them."""

_NAME = re.compile(r"test_rows?((?:_(?:and|to|\d\d))+)(?:_|$)")


def rows_of(name: str) -> set[int]:
    """The numbers that the name of a test carries; none for a test that is about something else."""
    match = _NAME.match(name)
    if match is None:
        return set()
    found: list[int] = []
    reach = False
    for word in match[1].strip("_").split("_"):
        if word.isdigit():
            found += range(found[-1] + 1, int(word) + 1) if reach else [int(word)]
        reach = word == "to"
    return set(found)


def proofs(folder: Path) -> dict[int, list[str]]:
    """Row -> the tests that carry its number, as ``file::name``."""
    found: dict[int, list[str]] = defaultdict(list)
    for file, name in _tests(folder):
        for row in rows_of(name):
            found[row].append(f"{file}::{name}")
    return dict(found)


def _tests(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield str(file.relative_to(folder)), node.name
