"""What an ``if`` can see, and the words that no id may take."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.words import Impact, Status


@dataclass(frozen=True, slots=True)
class IfFact:
    """``type`` is the checker's: bool, int, impact, status, or a list of channels or components."""

    type: str
    example: str
    meaning: str


IF_FACTS: dict[str, IfFact] = {
    "impact": IfFact("impact", "impact >= major", "none, minor, major, critical; ordered"),
    "status": IfFact("status", "status < monitoring", "investigating, identified, monitoring, resolved"),
    "alerts_firing": IfFact("int", "alerts_firing >= 10", "alerts of the incident that fire now"),
    "alerts_total": IfFact("int", "alerts_total > 50", "alerts that the incident ever had"),
    "components": IfFact("list:component", "checkout in components", "its components"),
    "told": IfFact("list:channel", "x in told", "public channels that were told about it"),
    "channels_down": IfFact("list:channel", "x in channels_down", "channels that do not work now"),
    "acked": IfFact("bool", "!acked", "a person has acknowledged it"),
    "taken_over": IfFact("bool", "!taken_over", "a person writes the public texts"),
    "unattended": IfFact("int", "unattended >= 4", "updates that count since a person's last"),
    "postmortem_scheduled": IfFact("bool", "!postmortem_scheduled", "the post-mortem has a date"),
}
LABEL_FUNCTION = IfFact("function", 'label("region") == "eu"', "the value all its alerts share, else empty")

IMPACT_WORDS: dict[str, int] = {impact.name: int(impact) for impact in Impact}
STATUS_WORDS: dict[str, int] = {status.name: int(status) for status in Status}

# Keywords and reserved identifiers of the CEL specification ("Lexis"); names of macros and types stay free.
CEL_WORDS = frozenset((
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
    "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
))  # fmt: skip

EVENTS = (
    "acked", "identified", "monitoring", "resolved", "refired", "reopened", "impact_raised",
    "components_changed", "promise_broken", "merged", "retracted",
)  # fmt: skip
