"""What the pages say, read back from the finished documents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.core.clock import DAY, HOUR, MINUTE
from daemon.core.page_view import PageView
from daemon.core.words import ComponentStatus
from daemon.page.render import render
from tests.page.document import Document
from tests.page.sample import CALM, NOW, OPEN, PAST, TROUBLE, update, with_status

HOME, INCIDENT = "/", f"/incidents/{OPEN.public_id}"


def read(view: PageView, path: str) -> Document:
    found = render(view).get(path)
    assert found is not None, path
    document = Document(found.body.decode())
    assert document.errors == []
    return document


def test_the_banner_is_the_incident() -> None:
    """State, title, newest text, affected parts and the next promise stand on the home page."""
    text = read(TROUBLE, HOME).text
    assert "Partial system outage Card payments fail for some customers Identified 21 Nov, 13:54 UTC" in text
    assert "Next update by 14:30 UTC" in text
    assert "Last update 21 Nov, 13:54 UTC" in text
    assert "Affected Checkout : Partial outage Payments API : Degraded performance" in text


@pytest.mark.parametrize("path", [HOME, INCIDENT])
def test_every_update_of_an_open_incident_is_there_with_its_time(path: str) -> None:
    """Nothing is folded away: all texts, newest first."""
    text = read(TROUBLE, path).text
    places = [text.index(" ".join(item.body.split())) for item in OPEN.updates]
    assert places == sorted(places)
    for moment in ("13:54", "13:40", "13:22"):
        assert f"21 Nov, {moment} UTC" in text
    assert "Checkout : Operational → Partial outage" in text


def test_a_broken_promise_is_said() -> None:
    """Once the promised minute has passed the page says that the update was due."""
    late = replace(OPEN, next_update_at=NOW - 2 * MINUTE)
    for path in (HOME, INCIDENT):
        assert "Next update was due at 14:01 UTC" in read(replace(TROUBLE, open_incidents=(late,)), path).text


def test_a_promise_for_another_day_names_the_day() -> None:
    """A time alone would mislead when it is tomorrow's."""
    later = replace(OPEN, next_update_at=NOW + DAY)
    text = read(replace(TROUBLE, open_incidents=(later,)), HOME).text
    assert "Next update by 22 Nov, 14:03 UTC" in text


def test_times_are_in_the_zone_of_the_page_and_say_so() -> None:
    """Berlin reads its own clock, with the zone's name; machines read UTC."""
    document = read(replace(TROUBLE, time_zone="Europe/Berlin"), HOME)
    assert "Next update by 15:30 CET" in document.text
    assert "Times are in Europe/Berlin." in document.text
    assert ("time", "datetime", "2026-11-21T14:30:00.000Z") in document.values


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "\0"])
def test_an_unknown_zone_becomes_utc(zone: str) -> None:
    """A wrong setting costs a zone, not the page."""
    assert "14:30 UTC" in read(replace(TROUBLE, time_zone=zone), HOME).text


def test_an_incident_without_impact_is_not_an_outage() -> None:
    """The page stays green and says that service is not affected."""
    view = replace(CALM, open_incidents=(replace(OPEN, impact="none", components=()),))
    text = read(view, HOME).text
    assert "All systems operational Card payments fail" in text
    assert "Impact No impact on service" in text


def test_trouble_without_an_incident_is_still_trouble() -> None:
    """A component that is down shows even when nobody has written about it."""
    view = replace(CALM, components=with_status(search=ComponentStatus.major_outage))
    assert "Major system outage 1 of 10 components is not fully operational." in read(view, HOME).text


def test_the_worst_incident_leads_and_the_others_follow_in_full() -> None:
    """The newest of the worst is the banner; a lesser one keeps all its words below."""
    minor = replace(OPEN, public_id="a" * 12, title="Reports are late", impact="minor")
    text = read(replace(TROUBLE, open_incidents=(minor, OPEN)), HOME).text
    assert "Partial system outage 1 more open incident Card payments" in text
    assert text.index("Also open") < text.index("Reports are late") < text.index("Components Shopping")


def test_past_incidents_say_how_long_they_took() -> None:
    """The duration is the headline of the list."""
    text = read(CALM, HOME).text
    assert "All systems operational No incident is open. The last one was resolved on 18 November" in text
    assert "Resolved after 45 minutes Search" in text
    assert "Resolved after 2 hours 5 minutes" in text
    assert "Retracted: this was a false alarm" in text


def test_a_retracted_incident_says_so_plainly() -> None:
    """No downtime, no doubt."""
    text = read(CALM, f"/incidents/{PAST[2].public_id}").text
    assert "Retracted Sign in is slow We withdrew this report: it was a false alarm" in text


def test_a_merged_incident_leads_to_where_its_updates_are() -> None:
    """Its page stays and links to the one that took it over."""
    merged = replace(PAST[0], ended="merged", merged_into=OPEN.public_id)
    document = read(replace(TROUBLE, past_incidents=(merged,)), f"/incidents/{merged.public_id}")
    assert "Its updates continue there: Card payments fail for some customers" in document.text
    assert ("a", "href", INCIDENT) in document.values


def test_history_is_one_page_a_month_with_open_incidents_in_it() -> None:
    """Each month has its own address; the newest is also /history."""
    rendered = render(TROUBLE)
    newest, month = rendered.get("/history"), rendered.get("/history/2026-11")
    assert newest is not None
    assert month is not None
    text = read(TROUBLE, "/history/2026-11").text
    assert "November 2026: 4 incidents Card payments" in text
    assert "Not resolved yet: identified" in text
    assert "Daily files are incomplete" in read(TROUBLE, "/history/2026-10").text
    assert rendered.get("/history/2026-09") is None


def test_months_follow_the_zone_of_the_page() -> None:
    """An incident at half past midnight in Tokyo belongs to the month there."""
    start = 1_793_460_600_000  # 2026-10-31T15:30Z
    view = replace(CALM, time_zone="Asia/Tokyo", past_incidents=(replace(PAST[0], opened_at=start),))
    assert render(view).get("/history/2026-11") is not None
    assert render(view).get("/history/2026-10") is None


def test_a_component_that_left_the_page_keeps_its_name_in_old_incidents() -> None:
    """Its own updates still know what it was called; the internal id is never shown."""
    told = update(
        "u", "resolved", NOW, "Done.", components=(("old-id", "Fax", *[ComponentStatus.operational] * 2),)
    )
    view = replace(
        CALM, past_incidents=(replace(PAST[0], components=("old-id", "unknown-id"), updates=(told,)),)
    )
    for path in (HOME, f"/incidents/{PAST[0].public_id}"):
        text = read(view, path).text
        assert "Fax" in text
        assert "-id" not in text


def test_an_empty_page_is_complete() -> None:
    """Before the first component and incident there is a page all the same."""
    text = read(PageView("Example", "https://status.example.com", generated_at=NOW), HOME).text
    assert "All systems operational No incident is open." in text
    assert "No past incident." in text
    assert "Page generated 21 November 2026, 14:02:11 UTC" in text


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (-HOUR, "less than a minute"),
        (MINUTE - 1, "less than a minute"),
        (MINUTE, "1 minute"),
        (2 * HOUR, "2 hours"),
        (DAY + 5 * MINUTE, "1 day"),
        (3 * DAY + 4 * HOUR + 59 * MINUTE, "3 days 4 hours"),
    ],
)
def test_spans_read_like_speech(length: int, words: str) -> None:
    """Two units at most, nothing rounded up."""
    ended = replace(PAST[0], resolved_at=PAST[0].started_at + length)
    assert f"Resolved after {words} Search" in read(replace(CALM, past_incidents=(ended,)), HOME).text
