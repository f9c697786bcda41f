"""Small rule files for tests, and ways to read them."""

from __future__ import annotations

from pathlib import Path

import rules
from rules.build import Configured
from rules.errors import LoadError, Problem
from rules.load import load_sources
from rules.model import RuleSet, Site

SHOP = (Path(rules.__file__).parent / "packs" / "shop.yaml").read_text(encoding="utf-8")
SITE = Site("Example", "https://status.example.com", "UTC")

MINIMAL = """\
channels:
  page: { kind: status_page }
  ops: { kind: slack, audience: internal }
components:
  - { id: checkout, name: Checkout, matchers: [ 'service="checkout"' ] }
routes:
  - id: all
    open: { components: [], impact: minor, plan: public }
plans:
  public:
    to: [ page, ops ]
    ask: ops
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: done, on: resolved, say: resolved, to: [ told ] }
"""
"""A file without any finding; tests change one thing in it."""


def load_text(*texts: str, configured: Configured | None = None) -> RuleSet:
    sources = [(f"{chr(ord('a') + number)}.yaml", text) for number, text in enumerate(texts)]
    return load_sources(sources, site=SITE, configured=configured)


def errors_of(*texts: str, configured: Configured | None = None) -> list[Problem]:
    """The problems of files that cannot be loaded; none if they can."""
    try:
        load_text(*texts, configured=configured)
    except LoadError as error:
        return list(error.problems)
    return []


def changed(old: str, new: str, text: str = MINIMAL) -> str:
    """The file with one thing changed; the test fails if it was not there."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def place_of(text: str, mark: str, nth: int = 1) -> tuple[int, int]:
    """Line and column of the nth occurrence of ``mark``."""
    index = -1
    for _ in range(nth):
        index = text.index(mark, index + 1)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
