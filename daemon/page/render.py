"""From a view to bytes: the home page at once, every other address when it is first asked for.

``Renderer`` remembers what the last view rendered and makes again only what
differs; its answer is the same as that of a fresh one (tests/page compares).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from daemon.core.clock import MINUTE, Instant
from daemon.core.page_view import IncidentView, PageView
from daemon.page import assets
from daemon.page.history import History, Sheet, build
from daemon.page.html import Pages, affected_by, index, is_late
from daemon.page.memo import Memo
from daemon.page.resource import HTML, JSON, SCRIPT, Fragment, Resource, resource
from daemon.page.statuspage import Document

# Browsers ask each time (a 304 is 200 bytes); a shared cache may answer for five
# seconds, and for a day when this daemon does not: an old page beats none.
LIVE = "public, max-age=0, s-maxage=5, stale-while-revalidate=5, stale-if-error=86400"
FOREVER = "public, max-age=31536000, immutable"
NEVER = "no-store"

FRESH_EVERY = MINUTE
"""A running daemon stamps the page at least this often; the script doubts a stamp of five minutes."""

KEPT_PAGES = 1_024  # incident pages in memory, about 25 kB each with both encodings

Site = tuple[str, str, str, str]


class Rendered:
    """All addresses of one view.  ``get`` answers with finished bytes or None."""

    def __init__(self, renderer: Renderer, view: PageView) -> None:
        self.view = view
        self._renderer = renderer
        self._document = Document(view, renderer.incident_json)
        self._ready: dict[str, Resource] = {assets.SCRIPT_PATH: renderer.script}
        self._makers: dict[str, Callable[[], Sequence[Fragment]]] = {
            "/api/v2/summary.json": self._document.summary,
            "/api/v2/status.json": self._document.status_only,
            "/api/v2/components.json": self._document.components_only,
            "/api/v2/incidents.json": self._document.incidents,
            "/api/v2/incidents/unresolved.json": self._document.unresolved,
        }
        self._ready["/"] = renderer.html(renderer.pages.home(view), view.generated_at)

    @cached_property
    def missing(self) -> Resource:
        """What an unknown address gets, with status 404."""
        text = self._renderer.pages.missing(self.view)
        return self._renderer.html(text, self.view.updated_at, cache_control=NEVER)

    @cached_property
    def history(self) -> History:
        return build(self.view, self._renderer.pages.zone)

    @cached_property
    def _incidents(self) -> dict[str, IncidentView]:
        return {
            incident.public_id: incident
            for incident in (*self.view.past_incidents, *self.view.open_incidents)
        }

    def paths(self) -> Iterator[str]:
        """Every address there is; a static copy asks for each of them."""
        pages = {"/", "/history", assets.SCRIPT_PATH, *self._makers, *self.history.sheets}
        yield from sorted(pages)
        yield from (f"/incidents/{public_id}" for public_id in self._incidents)

    def get(self, path: str) -> Resource | None:
        ready = self._ready.get(path)
        if ready is None:
            ready = self._make(path)
            if ready is not None:
                self._ready[path] = ready
        return ready

    def _make(self, path: str) -> Resource | None:
        if path in self._makers:
            return self._renderer.json(self._makers[path](), self.view.updated_at)
        if path.startswith("/incidents/"):
            incident = self._incidents.get(path.removeprefix("/incidents/"))
            return self._incident(incident) if incident else None
        if path == "/history":
            return self._history(path, self.history.newest)
        sheet = self.history.sheets.get(path) if path.startswith("/history/") else None
        return self._history(path, sheet) if sheet else None

    def _incident(self, incident: IncidentView) -> Resource:
        affected = affected_by(incident, index(self.view)) if incident.components else ()
        target = self._incidents.get(incident.merged_into)
        merged = target.title if target else ""
        late = is_late(incident, self.view.generated_at)
        renderer = self._renderer
        return renderer.incident_pages.get(
            incident.public_id,
            (incident, affected, merged, late),
            lambda: renderer.html(
                renderer.pages.incident(self.view, incident, affected, merged), incident.updated_at
            ),
        )

    def _history(self, path: str, sheet: Sheet | None) -> Resource:
        renderer, view = self._renderer, self.view
        shown = sheet.incidents if sheet else ()
        parts = index(view)
        names = [[name for name, _ in affected_by(item, parts)] for item in shown]
        modified = max((item.updated_at for item in shown), default=view.updated_at)
        return renderer.history_pages.get(
            path,
            (sheet, self.history.months, names, modified),
            lambda: renderer.html(renderer.pages.history(view, self.history, sheet), modified),
        )


class Renderer:
    """Turns one view after another into ``Rendered``; holds what they have in common."""

    def __init__(self) -> None:
        self.script = resource(
            [Fragment(assets.SCRIPT)],
            content_type=SCRIPT,
            cache_control=FOREVER,
            modified=0,
            extra={"X-Content-Type-Options": "nosniff"},
        )
        self._site: Site | None = None

    def render(self, view: PageView) -> Rendered:
        site = (view.name, view.url, view.time_zone, view.description)
        if site != self._site:  # every document carries these: start afresh
            self._site = site
            self.pages = Pages(view)
            self.incident_json: Memo[Fragment] = Memo(16_384)
            self.incident_pages: Memo[Resource] = Memo(KEPT_PAGES)
            self.history_pages: Memo[Resource] = Memo(KEPT_PAGES)
        return Rendered(self, view)

    def html(self, text: str, modified: Instant, *, cache_control: str = LIVE) -> Resource:
        return resource(
            [Fragment(text.encode("utf-8", "replace"))],
            content_type=HTML,
            cache_control=cache_control,
            modified=modified,
            extra=assets.SAFETY_HEADERS,
        )

    def json(self, fragments: Sequence[Fragment], modified: Instant) -> Resource:
        return resource(
            fragments,
            content_type=JSON,
            cache_control=LIVE,
            modified=modified,
            extra=assets.JSON_HEADERS,
        )


def render(view: PageView) -> Rendered:
    """One view alone: what tests and the static copy use."""
    return Renderer().render(view)
