"""Rendering only what changed gives the same bytes as rendering everything."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.clock import DAY, HOUR, MINUTE
from daemon.core.page_view import ComponentView, IncidentView, PageView, UpdateView
from daemon.core.words import ComponentStatus
from daemon.page.render import Renderer, render
from daemon.page.resource import WHOLE_BELOW, Fragment, zipped
from daemon.page.times import Zone
from tests.page.sample import COMPONENTS, NOW, OPEN, PAST, TROUBLE

words = st.sampled_from(["Search", "Slow <b>", "Basket", "é"])
statuses = st.sampled_from(list(ComponentStatus))
moments = st.integers(NOW - 40 * DAY, NOW + HOUR)


@st.composite
def incidents(draw: st.DrawFn, ended: bool) -> IncidentView:
    updates = draw(
        st.lists(st.builds(UpdateView, st.just("u" * 12), words, words, moments, st.booleans()), max_size=3)
    )
    return IncidentView(
        public_id=draw(st.sampled_from(["a", "b", "c", "d"])) * 12,
        title=draw(words),
        status="identified",
        impact=draw(st.sampled_from(["none", "minor", "major", "critical"])),
        components=tuple(draw(st.sets(st.sampled_from(["checkout", "search", "gone"])))),
        started_at=draw(moments),
        opened_at=draw(moments),
        updated_at=draw(moments),
        ended=draw(st.sampled_from(["resolved", "retracted", "merged"])) if ended else "",
        merged_into=draw(st.sampled_from(["", "a" * 12])),
        updates=tuple(updates),
        next_update_at=draw(st.none() | moments),
    )


@st.composite
def views(draw: st.DrawFn) -> PageView:
    found = [
        *draw(st.lists(incidents(ended=False), max_size=3)),
        *draw(st.lists(incidents(ended=True), max_size=3)),
    ]
    unique = {item.public_id: item for item in found}.values()
    return PageView(
        name=draw(st.sampled_from(["One", "Two"])),
        url="https://status.example.com",
        time_zone=draw(st.sampled_from(["UTC", "Asia/Tokyo"])),
        components=tuple(replace(part, status=draw(statuses), name=draw(words)) for part in COMPONENTS[:3]),
        open_incidents=tuple(item for item in unique if not item.ended),
        past_incidents=tuple(item for item in unique if item.ended),
        updated_at=draw(moments),
        generated_at=draw(moments),
    )


@given(st.lists(st.tuples(views(), st.booleans()), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_renderer_with_a_past_answers_like_a_fresh_one(story: list[tuple[PageView, bool]]) -> None:
    """Whatever was shown before and whoever looked: the bytes are those of a full rendering."""
    renderer = Renderer()
    now = renderer.render(story[0][0])
    for view, looked in story:
        now = renderer.render(view)
        if looked:
            for path in list(now.paths()):
                now.get(path)
    fresh = render(story[-1][0])
    assert sorted(fresh.paths()) == sorted(now.paths())
    for path in fresh.paths():
        assert now.get(path) == fresh.get(path), path


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans())
def test_gzip_of_fragments_is_gzip_of_the_whole(pieces: list[bytes], large: bool) -> None:
    """Compressed pieces in a row unpack to the document, by a strict reader."""
    fragments = [Fragment(piece) for piece in pieces]
    if large:
        fragments.append(Fragment(b"0123456789abcdef" * (WHOLE_BELOW // 16)))
    body = b"".join(fragment.raw for fragment in fragments)
    assert gzip.decompress(zipped(fragments, body)) == body


def many(count: int, *, ended: bool) -> tuple[IncidentView, ...]:
    return tuple(
        replace(
            PAST[0] if ended else OPEN,
            public_id=f"{'p' if ended else 'o'}{number:011}",
            opened_at=NOW - number * 20 * MINUTE,
            started_at=NOW - number * 20 * MINUTE - MINUTE,
        )
        for number in range(count)
    )


def test_absurd_counts_are_still_a_page() -> None:
    """2,000 components, 1,000 open and 5,000 past incidents: complete, bounded, linked."""
    parts = tuple(
        ComponentView(f"c{number}", f"Part {number}", f"Group {number // 50}") for number in range(2_000)
    )
    view = replace(
        TROUBLE,
        components=parts,
        open_incidents=many(1_000, ended=False),
        past_incidents=many(5_000, ended=True),
    )
    rendered = render(view)
    home = rendered.get("/")
    assert home is not None
    assert b"900 more open incidents in the history" in home.body
    assert len(home.gzip) < 60_000
    listed = b"".join(sheet.body for path in rendered.history.sheets if (sheet := rendered.get(path)))
    assert listed.count(b'<div class="date">') == 6_000
    summary = rendered.get("/api/v2/summary.json")
    assert summary is not None
    assert gzip.decompress(summary.gzip) == summary.body


def test_one_change_among_a_thousand_renders_one_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON of the other 999 is taken over, not made again."""
    renderer = Renderer()
    before = replace(TROUBLE, open_incidents=many(1_000, ended=False))
    renderer.render(before).get("/api/v2/summary.json")
    made: list[str] = []
    real = renderer.incident_json.get

    def watched(key: str, signature: object, make: Callable[[], Fragment]) -> Fragment:
        def spy() -> Fragment:
            made.append(key)
            return make()

        return real(key, signature, spy)

    monkeypatch.setattr(renderer.incident_json, "get", watched)
    one = replace(before.open_incidents[500], title="Changed")
    changed = (*before.open_incidents[:500], one, *before.open_incidents[501:])
    summary = renderer.render(replace(before, open_incidents=changed)).get("/api/v2/summary.json")
    assert summary is not None
    assert b'"name":"Changed"' in summary.body
    assert made == [one.public_id]


@given(
    st.integers(-62_135_596_800_000, 253_402_300_799_000),
    st.sampled_from(["UTC", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_any_instant_has_a_month_and_a_text(at: int, name: str) -> None:
    """From year 1 to year 9999 nothing raises, and the month is that of the text."""
    zone = Zone(name)
    assert len(zone.month_key(at)) == 7
    for text in (zone.minute(at), zone.day_minute(at), zone.full(at), zone.second(at), zone.day(at)):
        assert text
