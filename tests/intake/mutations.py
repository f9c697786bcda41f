"""Bodies that no monitor would send, made from those that it does; the same seed makes the same ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from tests.intake.bodies import NAMES, alert, body, recorded

_TOKENS = (
    b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"NaN", b"-Infinity", b"1e999", b"-0", b"null",
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"{", b"}", b"[", b"]", b",",
    b":", b"/*", b"\x00", b"\r\n", b"9" * 400, b"[" * 300, b'{"a":' * 300, b'"alerts":[],', b'"labels":{},',
    b'"fingerprint":"",', b'"startsAt":null,', b"true", b"\\u202e", b"%s%n", b"{{7*7}}", b"@everyone",
)  # fmt: skip
_TEXTS = (
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202e\u2066", "\u200b", "é" * 3_000, "x" * 5_000,
    "\U0001f1e9" * 50, "<script>alert(1)</script>", "{{ 7 * 7 }}", "{% for a in b %}", "@everyone <!channel>",
    "javascript:alert(1)", "http://[::1", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "now", "null",
    "2016-12-31T23:59:60Z", "2027-02-29T00:00:00Z", "292277026596-12-04T15:30:07Z", "../../etc/passwd",
    "\r\n", "firing", "resolved", "suppressed", "'; DROP TABLE groups; --", "critical", "page", "checkout",
)  # fmt: skip
_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**64), 10**400, 0.5, 1e308, float("nan"), float("inf"), -0.0)
_NAMES = (
    "alertname", "service", "severity", "instance", "__name__", "", "a" * 300, "\x00", "ü", "status",
    "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint", "alerts", "version",
    "truncatedAlerts", "summary", "description", "receiver", "groupKey",
)  # fmt: skip
_SPELLINGS: tuple[dict[str, Any], ...] = (
    {"separators": (",", ":"), "ensure_ascii": False}, {"separators": (",", ":")}, {}, {"indent": 1},
)  # fmt: skip
_REMEMBERED = 200


class Mutator:
    """``next_body`` makes one after the other; fingerprints of its own alerts never come twice."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - bodies, not secrets
        self._count = 0
        self._recent: list[bytes] = [recorded(name) for name in NAMES]
        # A weight each, out of a hundred.
        self._ways: list[tuple[int, Callable[[], bytes]]] = [
            (45, self._edited), (35, self._damaged), (10, self._good), (5, self._again), (5, self._noise),
        ]  # fmt: skip

    def next_body(self) -> bytes:
        weights, ways = zip(*self._ways, strict=True)
        made: bytes = self._random.choices(ways, weights)[0]()
        if len(self._recent) < _REMEMBERED:
            self._recent.append(made)
        else:
            self._recent[self._random.randrange(_REMEMBERED)] = made
        return made

    # -- whole bodies --------------------------------------------------------

    def _good(self) -> bytes:
        return self._spelled(self._fields())

    def _again(self) -> bytes:
        return self._random.choice(self._recent)

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 3, 40, 500)))

    def _edited(self) -> bytes:
        """JSON still, but fields are gone, doubled, or hold something else."""
        fields: Any = self._fields()
        for _ in range(self._random.choice((1, 1, 2, 4))):
            fields = self._edit(fields)
        return self._spelled(fields)

    def _damaged(self) -> bytes:
        """Bytes are flipped, lost, doubled or put in."""
        content = self._random.choice(self._recent) if self._random.random() < 0.3 else self._good()
        for _ in range(self._random.choice((1, 1, 2, 3))):
            content = self._damage(content)
        return content

    # -- pieces --------------------------------------------------------------

    def _fields(self) -> dict[str, Any]:
        alerts = [self._alert() for _ in range(self._random.choice((1, 1, 1, 2, 3)))]
        read: dict[str, Any] = json.loads(body(*alerts, truncatedAlerts=self._random.choice((0, 0, 0, 7))))
        return read

    def _alert(self) -> dict[str, Any]:
        self._count += 1
        firing = self._random.random() < 0.7
        labels = {
            "alertname": f"Alert{self._random.randrange(40)}",
            "service": self._random.choice(("checkout", "search", "mail")),
            "severity": self._random.choice(("critical", "page", "warning", "info")),
            "instance": f"shop-{self._count}",
        }
        return alert(
            status="firing" if firing else "resolved",
            labels=labels,
            fingerprint=f"{self._count:016x}",
            endsAt="0001-01-01T00:00:00Z" if firing else "2026-11-23T06:56:02Z",
        )

    def _spelled(self, fields: Any) -> bytes:
        text = json.dumps(fields, **self._random.choice(_SPELLINGS))
        return text.encode("utf-8", "surrogatepass")

    def _value(self, depth: int = 0) -> Any:
        chance = self._random.random()
        if chance < 0.45:
            return self._random.choice(_TEXTS)
        if chance < 0.7:
            return self._random.choice((None, True, False, *_NUMBERS))
        if depth > 3:
            return []
        if chance < 0.85:
            return [self._value(depth + 1) for _ in range(self._random.randrange(4))]
        return {self._random.choice(_NAMES): self._value(depth + 1) for _ in range(self._random.randrange(4))}

    def _edit(self, node: Any) -> Any:
        """Change one thing somewhere below; deeper places are as likely as shallow ones."""
        if isinstance(node, dict) and node:
            key = self._random.choice(list(node))
            if isinstance(node[key], dict | list) and node[key] and self._random.random() < 0.75:
                return node | {key: self._edit(node[key])}
            return self._edit_object(node, key)
        if isinstance(node, list) and node and self._random.random() < 0.9:
            place = self._random.randrange(len(node))
            return [*node[:place], self._edit(node[place]), *node[place + 1 :]]
        return self._value()

    def _edit_object(self, node: dict[str, Any], key: str) -> dict[str, Any]:
        chance = self._random.random()
        if chance < 0.2:
            return {name: value for name, value in node.items() if name != key}
        if chance < 0.4:
            return node | {self._random.choice(_NAMES): self._value()}
        return node | {key: self._value()}

    def _damage(self, content: bytes) -> bytes:
        draw = self._random
        start = draw.randrange(len(content) + 1)
        end = min(len(content), start + draw.choice((1, 1, 2, 8, 60)))
        before, piece, after = content[:start], content[start:end], content[end:]
        way = draw.randrange(6)
        if way == 0:
            return before + bytes(byte ^ (1 << draw.randrange(8)) for byte in piece) + after
        if way == 1:
            return before + after
        if way == 2:
            return before + piece * draw.choice((2, 3, 30)) + after
        if way == 3:
            return before + draw.choice(_TOKENS) + piece + after
        if way == 4:
            other = draw.choice(self._recent)
            return before + other[draw.randrange(len(other) + 1) :]
        return before  # cut
