"""What the gate knows besides the text: phase and readers, the incident's facts, a house's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from rules.words.finding import Severity

Phase = Literal["initial", "progress", "resolution"]
PHASES: tuple[Phase, ...] = ("initial", "progress", "resolution")
RESOLUTION_PARTS = ("confirmed", "cause", "prevention", "apology", "thanks")
LONGEST = 20_000  # characters that the gate reads; rendering cuts there too


@dataclass(frozen=True, slots=True)
class Waiver:
    """Words that one check leaves alone until a day (that day is the last)."""

    check: str
    text: str
    until: date
    why: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All that decides a finding, apart from the text.

    ``facts`` are label values, addresses and names of the incident's alerts:
    what is in them and not in ``components`` is a leak.  ``earlier`` is the
    last public update.  ``automatic`` says that no person wrote the text.
    ``length`` and ``sentences`` are the channel's limits; a text over
    ``length`` would be refused by the channel.
    """

    phase: Phase | None = None
    audience: str = "public"  # or "developers", for whom API words are plain; or "internal", for colleagues
    components: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    earlier: str = ""
    automatic: bool = False
    automatic_may_omit: tuple[str, ...] = ("cause", "prevention")
    length: int | None = None
    sentences: int = 5
    jargon_add: tuple[str, ...] = ()
    jargon_replace: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    today: date | None = None  # waivers that ended before it no longer count
    severities: Mapping[str, Severity] = field(default_factory=dict)  # a check's highest severity
    model: bool = True  # whether the second layer may speak, where it is installed
