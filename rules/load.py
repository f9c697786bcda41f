"""Rule files to a RuleSet.

All that is wrong is found in one run and raised as one LoadError.  The same
sources give the same set and the same version, today and after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rules import build, build_plans, build_routes, names
from rules.build import Configured, ConfiguredChannel
from rules.declared import Gathered
from rules.errors import LoadError, Problem, brief, by_place
from rules.gather import gather
from rules.model import Plan, Route, RuleSet, Site
from rules.router import Router
from rules.secret_scan import redact
from rules.words import house
from rules.yaml_source import LARGEST_FILE, Document, parse, read

__all__ = ["ConfiguredChannel", "Loaded", "load", "load_sources", "read_documents", "try_load"]

Source = tuple[str, str]  # file name, text


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the files: the set if it can be used, all problems, and the blocks with their places."""

    ruleset: RuleSet | None
    problems: tuple[Problem, ...]
    gathered: Gathered


def load(
    paths: Iterable[Path | str],
    *,
    site: Site,
    configured: Configured | None = None,
) -> RuleSet:
    """The rule set of these files, in this order.  Raises LoadError.

    ``configured`` are the daemon's channels; None when no configuration is at
    hand, so that every declared channel counts as configured.
    """
    return _usable(try_load(read_documents(paths), site=site, configured=configured))


def load_sources(
    sources: Sequence[Source],
    *,
    site: Site,
    configured: Configured | None = None,
) -> RuleSet:
    """The same from ``RuleSet.sources``: a stored version comes back as it was.  Raises LoadError."""
    documents = [parse(name, text) for name, text in sources]
    return _usable(try_load(documents, site=site, configured=configured))


def read_documents(paths: Iterable[Path | str]) -> list[Document]:
    """Read and parse the files; what cannot be read becomes a problem of its document."""
    documents = []
    for path in paths:
        try:
            with Path(path).open("rb") as file:  # no more than is allowed: it may be a device without an end
                content = file.read(LARGEST_FILE + 1)
        except OSError as error:
            message = f"cannot be read: {error.strerror or type(error).__name__}"
            documents.append(_unreadable(path, message, "check the path and the rights"))
            continue
        if len(content) > LARGEST_FILE:
            message = f"is longer than the {LARGEST_FILE} bytes that are read"
            documents.append(_unreadable(path, message, "split it into several files"))
        else:
            documents.append(read(str(path), content))
    return documents


def _unreadable(path: Path | str, message: str, remedy: str) -> Document:
    return Document(str(path), "", problems=[Problem(str(path), 1, 1, "", message, remedy, "R001")])


def try_load(
    documents: Sequence[Document],
    *,
    site: Site,
    configured: Configured | None = None,
) -> Loaded:
    """Like ``load``, but says what it found instead of raising."""
    gathered = gather(documents)
    ruleset = _build(gathered, site, configured)
    problems = [
        replace(one, message=_fit(one.message), remedy=_fit(one.remedy), key=_fit(one.key))
        for one in by_place(gathered.problems, [document.file for document in documents])
    ]
    if any(one.severity == "error" for one in problems):
        return Loaded(None, tuple(problems), gathered)
    notices = tuple(str(one) for one in problems)
    return Loaded(replace(ruleset, notices=notices), tuple(problems), gathered)


def _fit(text: str) -> str:
    """A part of a message without secrets and without pages of what was written."""
    return brief(redact(text), 400)


def _usable(loaded: Loaded) -> RuleSet:
    if loaded.ruleset is None:
        raise LoadError(one for one in loaded.problems if one.severity == "error")
    return loaded.ruleset


def _build(gathered: Gathered, site: Site, configured: Configured | None) -> RuleSet:
    """Build everything even after errors, so that all are found."""
    vocabulary = names.vocabulary(gathered)
    channels = build.channels(gathered, configured)
    components = build.components(gathered)
    people = build.people(gathered, channels)
    limits = build.limits(gathered)
    build.maintenance(gathered)
    texts = build.texts(gathered, site, components)
    plans = build_plans.plans(gathered, build_plans.Names(channels, people, vocabulary))
    routes = build_routes.routes(gathered, vocabulary)
    routes, plans, fallback = _with_catch_all(routes, plans, build_plans.built_in(channels))
    sources = tuple((Path(one.file).name, one.text) for one in gathered.documents)
    own_routes = routes if fallback.id != names.CATCH_ALL else routes[:-1]
    return RuleSet(
        version=version_of(sources),
        site=site,
        channels=channels,
        components=components,
        routes=routes,
        plans=plans,
        texts=texts,
        windows=build.windows(gathered),
        people=people,
        limits=limits,
        router=Router(own_routes, components, fallback),
        sources=sources,
        words=house.settings(gathered, components, site),
    )


def _with_catch_all(
    routes: tuple[Route, ...], plans: dict[str, Plan], plan: Plan
) -> tuple[tuple[Route, ...], dict[str, Plan], Route]:
    """Add the built-in route and plan unless the files' last route takes everything."""
    if routes and build_routes.takes_all(routes[-1]):
        return routes, plans, routes[-1]
    route = build_routes.built_in()
    return (*routes, route), {**plans, plan.id: plan}, route


def version_of(sources: Iterable[Source]) -> str:
    """A name for exactly these files: SHA-256 over names and texts, each with its length."""
    digest = hashlib.sha256()
    for name, text in sources:
        for part in (name.encode("utf-8", "surrogateescape"), text.encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
