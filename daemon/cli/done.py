"""What an act led to, in a few lines."""

from __future__ import annotations

from typing import Any

from daemon.cli import screen


def print_done(done: Any) -> None:
    """The incident after the act, then what was said, asked, skipped because of it."""
    incident = done["incident"]
    screen.line(incident["id"], incident["title"], incident["status"], incident["impact"], incident["ended"])
    for one in done["journal"]:
        told = _SENTENCES.get(one["kind"], _nothing)(one["entry"])
        if told:
            screen.paragraph(told)


def _said(entry: dict[str, Any]) -> str:
    promise = f"; next update by {screen.long_time(entry['promise'])}" if entry.get("promise") else ""
    by = "said" if entry.get("who") else f"step {entry['step']} said"
    shadow = "; in shadow, so customers heard nothing" if entry.get("shadow") else ""
    return f"{by} on {', '.join(entry['posts'])}{promise}{shadow}"


def _waiting(entry: dict[str, Any]) -> str:
    until = screen.long_time(entry["until"])
    return f"step {entry['step']} waits for {entry['need']} until {until} ({', '.join(entry['posts'])})"


def _skipped(entry: dict[str, Any]) -> str:
    return f"step {entry['step']} skipped: {entry['reason']}"


def _withdrawn(entry: dict[str, Any]) -> str:
    return f"step {entry['step']} withdrawn: {entry['reason']}"


def _asked(entry: dict[str, Any]) -> str:
    return f"asked {entry['whom']}: {entry['reason']}"


def _over_budget(entry: dict[str, Any]) -> str:
    until = screen.long_time(entry["until"])
    return f"step {entry['step']} waits for room on {', '.join(entry['channels'])} until {until}"


def _plan(entry: dict[str, Any]) -> str:
    return f"moved to plan {entry['plan']}"


def _nothing(_entry: dict[str, Any]) -> str:
    return ""


_SENTENCES = {
    "said": _said,
    "waiting": _waiting,
    "skipped": _skipped,
    "withdrawn": _withdrawn,
    "asked": _asked,
    "plan": _plan,
    "over_budget": _over_budget,
}
