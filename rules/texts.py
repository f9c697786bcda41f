"""The texts of a rule set: which words go to which channel, with the facts of the moment.

Pure and bounded: templates are checked when they are loaded, lists and labels
are capped, output is cut.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import regex
from jinja2 import Template

from daemon.core.errors import BadConfig
from daemon.core.words import Audience, Status
from rules import text_facts
from rules.built_in import BUILT_IN, PLAIN
from rules.model import ChannelRule, Component, Site, TextError
from rules.templates import check_template, compiled
from rules.text_facts import CONSTANTS, FACTS, Fact
from rules.text_filters import FILTERS

__all__ = [
    "BUILT_IN",
    "CONSTANTS",
    "FACTS",
    "FILTERS",
    "MAX_LENGTH",
    "Fact",
    "TextBook",
    "check_template",
    "tidy",
]

MAX_LENGTH = 20_000  # characters of a rendered text; the wording gate reads no more either
RAW_LENGTH = 4 * MAX_LENGTH  # where rendering stops: blanks that are collapsed later may come before

# Controls, bidi overrides and marks, zero-width spaces, lone surrogates, non-characters.  The joiners
# U+200C and U+200D stay: scripts and emoji need them.
HIDDEN = regex.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
BLANKS = regex.compile(r"[^\S\n]+")
LINE_EDGES = regex.compile(r" ?\n ?")
# Flags first: \X looks back to the start of a row of them each time, and a label may be a row of thousands.
GRAPHEME = regex.compile(r"\p{RI}{2}(?=\p{RI})|\X")
EMPTY_LINES = regex.compile(r"\n{3,}")


class TextBook:
    """All texts of one rule set, compiled.  Implements ``rules.model.Texts``.

    ``texts`` is the files' block as it stands: a template, or variants by
    channel id, kind, audience or ``default``, each of which may be a map of
    languages.  ``windows`` are names of time windows that texts may ask for.
    Raises TextError when a template does not pass ``check_template`` and
    BadConfig when the site's time zone does not exist.
    """

    def __init__(
        self,
        texts: Mapping[str, Any],
        *,
        site: Site,
        components: Mapping[str, Component],
        language: str = "en",
        windows: Collection[str] = (),
    ) -> None:
        self.site = site
        self.components = components
        self.language = language
        self.windows = frozenset(windows)
        self.zone = _zone(site.time_zone)
        self._texts = {name: self._variants(name, text) for name, text in texts.items()}

    def render(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        channel = _reader(name, channel)
        template = self._find(name, channel) or _shipped(name, channel)
        if template is None:
            raise TextError(f'text "{name}" does not exist for channel "{channel.id}"')
        return self._run(name, template, channel, facts)

    def built_in(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        channel = _reader(name, channel)
        try:
            template = _shipped(name, channel) or _shipped(_nearest(name, channel, facts), channel)
            if template is not None:
                return self._run(name, template, channel, facts)
        except Exception:  # noqa: BLE001, S110 - the last line of defence: words go out whatever the facts are
            pass
        return PLAIN.get(name) or PLAIN[channel.audience.value]

    def context(self, facts: Mapping[str, Any], channel: ChannelRule) -> dict[str, Any]:
        """The names that a template sees for these raw facts on that channel."""
        return text_facts.context(
            facts,
            channel=channel,
            site=self.site,
            zone=self.zone,
            components=self.components,
            windows=self.windows,
        )

    def _run(self, name: str, template: Template, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        try:
            words = tidy(_bounded(template, self.context(facts, channel)))
        except Exception as error:
            # Whatever a template or a fact does wrong, the caller answers one error with the built-in text.
            raise TextError(f'text "{name}" failed: {type(error).__name__}: {error}') from error
        if not words:
            raise TextError(f'text "{name}" came out empty')
        return words

    def _variants(self, name: str, text: Any) -> dict[str, Template]:
        variants = text if isinstance(text, Mapping) else {"default": text}
        return {key: self._compile(name, self._in_language(one)) for key, one in variants.items()}

    def _in_language(self, variant: Any) -> str:
        if not isinstance(variant, Mapping):
            return str(variant)
        return str(variant.get(self.language) or next(iter(variant.values()), ""))

    def _compile(self, name: str, source: str) -> Template:
        try:
            return compiled(source, self.windows)
        except ValueError as error:
            raise TextError(f'text "{name}", {error}') from error

    def _find(self, name: str, channel: ChannelRule) -> Template | None:
        return _chosen(self._texts.get(name, {}), channel)


def tidy(text: str) -> str:
    """One text as people read it: no hidden characters, single blanks, at most MAX_LENGTH characters.

    Paragraphs stay.  The cut falls between graphemes, so that no letter loses
    its accent and no emoji falls apart.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = LINE_EDGES.sub("\n", BLANKS.sub(" ", HIDDEN.sub("", text)))
    text = EMPTY_LINES.sub("\n\n", text).strip()
    if len(text) <= MAX_LENGTH:
        return text
    end = 0
    for grapheme in GRAPHEME.finditer(text):
        if grapheme.end() > MAX_LENGTH - 1:
            break
        end = grapheme.end()
    # A single "letter" with thousands of accents has no border to cut at.
    return text[: end or MAX_LENGTH - 1].rstrip() + "…"


def _bounded(template: Template, context: dict[str, Any]) -> str:
    parts: list[str] = []
    room = RAW_LENGTH
    for part in template.generate(context):
        parts.append(part[:room])
        room -= len(part)
        if room <= 0:
            break
    return "".join(parts)


def _chosen(variants: Mapping[str, Template], channel: ChannelRule) -> Template | None:
    for key in (channel.id, channel.kind, channel.audience.value, "default"):
        if key in variants:
            return variants[key]
    return None


def _reader(name: str, channel: ChannelRule) -> ChannelRule:
    """Titles are read by customers, whichever channel they are made for: never with internal facts."""
    return replace(channel, audience=Audience.public) if name == "title" else channel


def _nearest(name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
    """The shipped text that comes closest to one of a file's own that failed."""
    if channel.audience is Audience.internal:
        return "ask" if name.startswith("ask") else "internal_note"
    status = facts.get("status")
    return {Status.monitoring: "monitoring", Status.resolved: "resolved"}.get(status, "holding")  # type: ignore[arg-type]


def _shipped(name: str, channel: ChannelRule) -> Template | None:
    variants = BUILT_IN.get(name)
    if variants is None:
        return None
    key = next((key for key in (channel.kind, channel.audience.value) if key in variants), "default")
    return _compiled_built_in(name, key)


@functools.cache
def _compiled_built_in(name: str, key: str) -> Template:
    return compiled(BUILT_IN[name][key])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # KeyError: ZoneInfoNotFoundError
        raise BadConfig(f'page.time_zone: "{name}" is unknown; write one such as Europe/Berlin') from error
