"""`blame`: somebody else (a supplier, a team, a person, customers) is said to be at fault."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words import framed
from rules.words.finding import Finding
from rules.words.frames import Hit
from rules.words.scene import Scene

SUPPLIER = frozenset(("supplier did harm", "caused by a supplier", "fault of another"))
OWN = "own people"


def check(scene: Scene) -> Iterator[Finding]:
    own = {name.casefold() for name in scene.settings.components}
    for one in framed.run("blame", scene, _rewrite):
        if not any(name in one.text.casefold() for name in own):  # the integration is what the page is about
            yield one


def _rewrite(scene: Scene, hit: Hit) -> str | None:
    del scene
    if hit.frame.name not in SUPPLIER or not _from_start(hit):
        return None
    return "a service that we depend on is failing, and we are working with its provider to restore it"


def _from_start(hit: Hit) -> bool:
    """Only a clause that begins with its subject can be replaced whole."""
    first, _ = hit.sentence.clause(hit.first, hit.last)
    return hit.first - first <= 2
