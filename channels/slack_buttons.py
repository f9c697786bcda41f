"""Buttons under a question in Slack: Block Kit, with ids that whoever takes the answers can rely on.

https://docs.slack.dev/reference/block-kit/block-elements/button-element
"""

from __future__ import annotations

import json
from typing import Any

from channels.fit import characters, fit
from daemon.core.ports import Question

BLOCK = "tocsin_answers"
MAX_SECTION = 3_000
MAX_VALUE = 2_000
_LOOKS = {"acknowledge": ("Acknowledge", ""), "approve": ("Approve", "primary"), "veto": ("Veto", "danger")}


def blocks(text: str, incident: str, question: Question) -> list[dict[str, Any]]:
    """The message's words as sections, and a button for each answer; none where a value would not fit.

    A value is JSON with ``incident``, ``step`` and ``occasion``; the act is in the action's id.
    """
    value = json.dumps(
        {"incident": incident, "step": question.step, "occasion": question.occasion}, ensure_ascii=False
    )
    if len(value) > MAX_VALUE:
        return []
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}
        for part in _parts(text)
    ]
    buttons = [_button(answer, value) for answer in question.answers]
    return [*sections, {"type": "actions", "block_id": BLOCK, "elements": buttons}]


def _button(answer: str, value: str) -> dict[str, Any]:
    label, style = _LOOKS[answer]
    button: dict[str, Any] = {
        "type": "button",
        "action_id": f"tocsin_{answer}",
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }
    return button | ({"style": style} if style else {})


def _parts(text: str) -> list[str]:
    """The text in pieces that a section takes, divided between lines."""
    parts = [""]
    for line in text.split("\n"):
        shown = fit(line, "", characters, MAX_SECTION)
        whole = f"{parts[-1]}\n{shown}" if parts[-1] else shown
        if len(whole) <= MAX_SECTION:
            parts[-1] = whole
        else:
            parts.append(shown)
    return [part for part in parts if part.strip()]
