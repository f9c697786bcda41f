"""What can be told to go wrong, once, at the next post."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted misbehaviour.

    ``stores``: the post is kept before anything goes wrong.  ``hangs``: no
    answer, ever.  ``cuts``: the connection is reset after that many bytes of
    the answer (0: before any).  Else the answer is status, headers and body.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stores: bool = False
    hangs: bool = False
    cuts: int | None = None

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Fault:
        return cls(**fields)


HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}

hang_before = Fault(hangs=True)
hang_after = Fault(hangs=True, stores=True)
cut_before_answer = Fault(cuts=0, stores=True)
cut_mid_answer = Fault(cuts=120, stores=True)
invalid_json_200 = Fault(200, '{"ok": tru', JSON, stores=True)
invalid_json_201 = Fault(201, "created, more or less", JSON, stores=True)
empty_200 = Fault(200, "", stores=True)
html_502 = Fault(502, "<html><h1>Bad Gateway</h1></html>", HTML, stores=True)
html_503 = Fault(503, "<html>busy</html>", HTML)
