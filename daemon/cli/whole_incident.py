"""One incident on one screen."""

from __future__ import annotations

from typing import Any

from daemon.cli import screen


def print_whole(one: Any) -> None:
    """Head, people and promise, what waits, channels, then all that was said, newest first."""
    screen.line(one["id"], one["title"])
    lasted = screen.age(one["opened_at"], one["resolved_at"])
    over = one["ended"] or one["status"] == "resolved"
    screen.line(
        one["status"], one["impact"], ", ".join(one["components"]) or "no component",
        f"lasted {lasted}" if over else f"open for {lasted}",
        f"{one['alerts_firing']} of {one['alerts_total']} alerts fire" if one["alerts_total"] else "",
    )  # fmt: skip
    screen.line(f"opened {screen.long_time(one['opened_at'])}", *_by("by", one["opened_by"]),
                f"{one['ended'] or 'resolved'} {screen.long_time(one['resolved_at'])}"
                if one["resolved_at"] else "")  # fmt: skip
    _promise(one["promise"])
    screen.line(
        *_by("acknowledged by", one["acked_by"]), *_by("taken over by", one["taken_over_by"]),
        *_by("paused by", one["paused_by"]),
        f"until {screen.long_time(one['paused_until'])}" if one["paused_until"] else "",
    )  # fmt: skip
    screen.line(f"page {one['page_url']}")
    screen.line(
        f"route {one['route'] or 'none'}",
        f"plan {one['plan']}{' in shadow: customers hear nothing' if one['shadow'] else ''}",
        f"rules {one['rules'][:12]}",
    )
    _waiting(one["waiting"], one["id"])
    _channels(one["channels"])
    _updates(one["updates"])


def _by(what: str, who: str) -> tuple[str, ...]:
    return (f"{what} {who}",) if who else ()


def _promise(promise: Any) -> None:
    due = promise["next_update_by"]
    screen.line(
        f"next update by {screen.long_time(due)}" if due else "",
        f"promises kept {promise['kept']}, broken {promise['broken']}"
        if promise["kept"] or promise["broken"] else "",
    )  # fmt: skip


def _waiting(waiting: Any, incident: str) -> None:
    for one in waiting:
        screen.heading(f"Waits: step {one['step']}")
        what = "goes out" if one["need"] == "veto" or one["otherwise"] == "post" else "is skipped"
        votes = f"approved by {', '.join(one['votes'])}" if one["votes"] else ""
        screen.line(f"{what} at {screen.long_time(one['until'])}", f"needs {one['need']}", votes)
        act = "veto" if one["need"] == "veto" else "approve"
        screen.line(f"tocsin {act} {incident} {one['step']}")
        _posts(one["posts"])


def _channels(channels: Any) -> None:
    if not channels:
        return
    screen.heading("Channels")
    rows = (
        (one["channel"], one["audience"], "yes" if one["told"] else "no", _trouble(one),
         ", ".join(f"{count} {state}" for state, count in one["deliveries"].items()))
        for one in channels
    )  # fmt: skip
    screen.print_table(("!channel", "!audience", "!told", "!", "deliveries"), rows, empty="")


def _trouble(channel: Any) -> str:
    return "down" if channel["down"] else "waits for room" if channel["over_budget"] else ""


def _updates(updates: Any) -> None:
    screen.heading("Updates" if updates else "Nothing was said yet.")
    for one in updates:
        by = one["by"] if one["by_person"] else f"step {one['by']}"
        promise = f"promised the next by {screen.long_time(one['promise'])}" if one["promise"] else ""
        shadow = "in shadow: customers heard nothing" if one["shadow"] else ""
        screen.line(screen.long_time(one["at"]), one["status"], one["impact"], by, promise, shadow)
        _posts(one["posts"])


def _posts(posts: dict[str, str]) -> None:
    """Each wording once, with the channels that have it."""
    by_text: dict[str, list[str]] = {}
    for channel, text in posts.items():
        by_text.setdefault(text, []).append(channel)
    for text, channels in by_text.items():
        screen.paragraph(f"[{', '.join(channels)}]")
        screen.paragraph(text, indent=4)
