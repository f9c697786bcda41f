"""What ``tocsin rules check`` finds beyond the errors that loading refuses.

Only what can be proved from the files; every finding has a code of
docs/rules.md and can be waived in the file until a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from rules import check_plans, check_routes, check_steps, check_tests, check_texts, check_words
from rules.build import Configured
from rules.check_tests import TestFile
from rules.check_texts import Rooms
from rules.errors import Problem, by_place
from rules.load import Loaded, Source, read_documents, try_load
from rules.model import RuleSet, Site
from rules.yaml_source import Document, parse

NEEDS_NO_WAIVER, WAIVED_UNTIL = "R058", "R059"
_WAIVABLE_FROM = "R030"  # below that are errors of loading


def check(
    paths: Iterable[Path | str],
    *,
    site: Site | None = None,
    configured: Configured | None = None,
    today: date | None = None,
    rooms: Rooms | None = None,
    tests: Sequence[TestFile] | None = None,
) -> list[Problem]:
    """Everything that is wrong or doubtful in these files, sorted by place.

    ``today`` ends waivers; without it all of them hold.  ``rooms`` says how long
    texts may be, ``tests`` which alerts are tested; without them neither is judged.
    """
    return _check(read_documents(paths), site, configured, today, rooms or {}, tests)


def check_sources(
    sources: Sequence[Source],
    *,
    site: Site | None = None,
    configured: Configured | None = None,
    today: date | None = None,
    rooms: Rooms | None = None,
    tests: Sequence[TestFile] | None = None,
) -> list[Problem]:
    """The same for texts at hand, such as ``RuleSet.sources``."""
    documents = [parse(name, text) for name, text in sources]
    return _check(documents, site, configured, today, rooms or {}, tests)


def check_ruleset(ruleset: RuleSet, *, today: date | None = None) -> list[Problem]:
    """The same for a set that is loaded already, with all its channels taken as configured."""
    return check_sources(ruleset.sources, site=ruleset.site, today=today)


def _check(
    documents: Sequence[Document],
    site: Site | None,
    configured: Configured | None,
    today: date | None,
    rooms: Rooms,
    tests: Sequence[TestFile] | None,
) -> list[Problem]:
    loaded = try_load(documents, site=site or Site(), configured=configured)
    found = list(loaded.problems)
    if loaded.ruleset is not None:
        found += check_plans.findings(loaded.gathered, loaded.ruleset)
        found += check_steps.findings(loaded.gathered, loaded.ruleset)
        found += check_texts.findings(loaded.gathered, loaded.ruleset, rooms)
        found += check_words.findings(loaded.gathered, loaded.ruleset)
        found += check_routes.findings(loaded.gathered, loaded.ruleset)
        if tests is not None:
            found += check_tests.findings(loaded.gathered, loaded.ruleset, tests)
    found = _waived(loaded, found, today)
    return by_place(found, [document.file for document in documents])


def _waived(loaded: Loaded, found: list[Problem], today: date | None) -> list[Problem]:
    """The findings without those that a valid waiver names; waivers that do nothing are findings."""
    kept = list(found)
    for waiver in loaded.gathered.waivers:
        block = waiver.block
        hits = [one for one in kept if (one.code, one.subject) == (block.code, block.id)]
        expired = today is not None and block.until < today
        place = waiver.at("until" if expired else "code")
        if not hits:
            message = f"waives {block.code} of {block.id}, which is not found"
            kept.append(_about(place, message, "remove it", NEEDS_NO_WAIVER))
        elif expired:
            message = f"ended on {block.until}"
            kept.append(_about(place, message, "correct the finding, or choose a later day", WAIVED_UNTIL))
        elif block.code < _WAIVABLE_FROM:
            message = f"{block.code} cannot be waived: the daemon refuses such a file"
            kept.append(replace(_about(place, message, "correct it", NEEDS_NO_WAIVER), severity="error"))
        else:
            kept = [one for one in kept if one not in hits]
    return kept


def _about(place: tuple[Document, tuple[str | int, ...]], message: str, remedy: str, code: str) -> Problem:
    document, path = place
    return document.problem(path, message, remedy, code=code, severity="warning")
