"""What `tocsin rules check` finds beyond errors of loading."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rules.build import Configured
from rules.check import check, check_ruleset, check_sources
from rules.errors import Problem
from rules.load import ConfiguredChannel
from tests.rules.files import MINIMAL, SHOP, SITE, changed, load_text, place_of

ROUTE = "  - id: all\n"
QUIET = "plans:\n  quiet: { to: [ ops ], steps: [ { id: tell, after: 0s, say: internal_note } ] }\n"


def findings(text: str, configured: Configured | None = None, today: date | None = None) -> list[Problem]:
    return check_sources([("a.yaml", text)], site=SITE, configured=configured, today=today)


def more_routes(*routes: str) -> str:
    """The minimal file with routes before its own."""
    return changed("routes:\n", "routes:\n" + "".join(f"  - {route}\n" for route in routes))


OPEN = "open: { components: [], impact: minor, plan: public }"

FOUND = [
    ("to: [ told ]", "to: [ ops ]", "public:", "R040", "error", "public"),
    ("on: resolved", "on: merged", "public:", "R040", "error", "public"),
    ("to: [ told ]", "to: [ told ], if: acked", "acked", "R040", "warning", "public/done"),
    ("every: 30m,", "every: 61m,", "61m", "R041", "error", "public/holding"),
    ("every: 30m,", "every: 30m, if: acked,", "acked", "R041", "warning", "public/holding"),
    ("every: 30m,", "every: 30m, to: [ ops ],", "public:", "R041", "error", "public"),
    ("every: 30m, say: holding, promise: 30m", "every: 30m, ask: ops", "public:", "R041",
     "warning", "public"),
    ("every: 30m, say: holding, promise: 30m", "every: 30m, say: holding, promise: 2h", "2h", "R041",
     "warning", "public/holding"),
    ("every: 30m,", "every: 30m, limit: 3,", "3, say", "R044", "warning", "public/holding"),
    ("every: 30m,", "every: 30m, approve: veto 5m,", "veto", "R043", "warning", "public/holding"),
    ("to: [ told ]", "to: [ told ] }\n      - { id: never, after: 1h, ask: ops, limit: 0", "0 }", "R042",
     "error", "public/never"),
    ("to: [ told ]", "to: [ told ] }\n      - { id: never, after: 1h, ask: ops, if: false", "false", "R042",
     "error", "public/never"),
    ("to: [ told ]",
     "to: [ told ] }\n      - { id: never, after: 1h, ask: ops, if: impact > major && impact < critical",
     "impact >", "R042", "error", "public/never"),
    ("to: [ told ]", "to: [ told ] }\n      - { id: ever, after: 1h, ask: ops, if: acked || !acked", "acked",
     "R045", "warning", "public/ever"),
    ("say: holding", "say: internal_note", "internal_note", "R046", "error", "public/holding"),
    ("plans:\n", "texts: { own: Hello. }\nplans:\n", "own", "R047", "warning", "own"),
    (ROUTE, f"  - {{ id: a, matchers: [ 'a=\"1\"', 'a=\"2\"' ], {OPEN} }}\n{ROUTE}", "[ 'a", "R051", "error",
     "a"),
    (ROUTE, f"  - {{ id: a, matchers: [ 'a=~\"1|2\"', 'a!~\".\"' ], {OPEN} }}\n{ROUTE}", "[ 'a", "R051",
     "error", "a"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "mark", "code", "severity", "subject"), FOUND, ids=[f"{r[3]}-{r[1][:30]}" for r in FOUND]
)
def test_each_finding_has_its_place(
    old: str, new: str, mark: str, code: str, severity: str, subject: str
) -> None:
    """One doubtful thing in a good file is one finding, with its place and what it is about."""
    text = changed(old, new)
    found = [(one.line, one.column, one.code, one.severity, one.subject) for one in findings(text)]
    assert found == [(*place_of(text, mark), code, severity, subject)]


def test_good_files_have_no_findings() -> None:
    """The minimal file and the example of the language."""
    assert findings(MINIMAL) == []
    assert findings(SHOP) == []


def test_load_errors_are_findings_too() -> None:
    """What cannot be loaded is reported by the same command, and nothing is judged on top."""
    assert [one.code for one in findings(changed("on: resolved", "on: resolvd"))] == ["R007"]


SHADOWS = [
    ('a="1"', 'a="1"', True),
    ('a=~"1|2"', 'a="1"', True),
    ('a=~"[0-9]"', 'a=~"1|2"', True),
    ('a!="3"', 'a="1"', True),
    ('a!~"x.*"', 'a=~"1|2"', True),
    ('a=~".+"', 'a="1", b="2"', True),
    ('a=~"x.*"', 'a=~"x.*", b="2"', True),
    ('a="1"', 'a=~"1|2"', False),
    ('a="1", b="2"', 'a="1"', False),
    ('a=~"x.*"', 'a=~"xy.*"', False),
    ('a="1"', 'b="1"', False),
    ('a=""', 'b="1"', False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "hidden"), SHADOWS, ids=[f"{row[0]}-{row[1]}" for row in SHADOWS]
)
def test_routes_behind_a_wider_one(first: str, second: str, hidden: bool) -> None:
    """A route is dead when an earlier one provably takes every alert that fits it."""
    text = more_routes(
        f"{{ id: a, matchers: [ '{first}' ], {OPEN} }}", f"{{ id: b, matchers: [ '{second}' ], {OPEN} }}"
    )
    assert [(one.code, one.subject) for one in findings(text)] == ([("R050", "b")] if hidden else [])


def test_what_lets_alerts_through_hides_nothing() -> None:
    """`continue`, and matched components for a route that takes others too."""
    text = more_routes(
        f"{{ id: a, matchers: [ 'a=\"1\"' ], continue: true, {OPEN.replace('public', 'quiet')} }}",
        "{ id: b, matchers: [ 'a=\"1\"' ], open: { components: matched, impact: minor, plan: public } }",
        f"{{ id: c, matchers: [ 'a=\"1\"' ], {OPEN} }}",
    ).replace("plans:\n", QUIET)
    assert findings(text) == []


def test_two_public_voices_by_continue() -> None:
    """Two routes that may speak in public about one alert; not where they cannot meet."""
    both = more_routes(f"{{ id: a, matchers: [ 'a=\"1\"' ], continue: true, {OPEN} }}")
    assert [(one.code, one.subject) for one in findings(both)] == [("R052", "all")]
    apart = both.replace(ROUTE, "  - id: b\n    matchers: [ 'a=\"2\"' ]\n")
    assert findings(apart) == []


def test_matched_without_any_matchers() -> None:
    """Nothing can be matched where no component says how."""
    text = MINIMAL.replace(", matchers: [ 'service=\"checkout\"' ]", "").replace(
        "components: []", "components: matched"
    )
    assert [one.code for one in findings(text)] == ["R053"]


def test_notices_of_the_configuration_are_findings() -> None:
    """An optional channel that is not configured is named once."""
    configured = {"page": ConfiguredChannel("status_page")}
    text = changed("audience: internal", "audience: internal, optional: true")
    text = text.replace(
        "to: [ told ]", "to: [ told ] }\n      - { id: more, after: 1h, say: short, to: [ ops ]"
    )
    found = findings(text, configured)
    assert {one.code for one in found} == {"R030"}
    assert {one.severity for one in found} == {"warning"}
    assert [one.subject for one in found] == ["ops"]


WAIVE = "waive: [ { code: R041, id: public/holding, until: 2027-06-30, why: agreed } ]\n"


def test_a_waiver_holds_until_its_day() -> None:
    """A known finding can be accepted for a time; afterwards it is back with a remark."""
    text = changed("every: 30m,", "every: 61m,") + WAIVE
    assert findings(text, today=date(2027, 6, 30)) == []
    assert findings(text) == []
    assert [one.code for one in findings(text, today=date(2027, 7, 1))] == ["R041", "R059"]


def test_waivers_that_do_nothing_are_found() -> None:
    """One that nothing needs, and one for what cannot be waived."""
    assert [one.code for one in findings(MINIMAL + WAIVE)] == ["R058"]
    text = changed("on: resolved", "on: resolvd") + WAIVE.replace("R041", "R007").replace(
        "public/holding", "''"
    )
    assert [one.code for one in findings(text) if one.severity == "error"] == ["R007", "R058"]


def test_check_reads_files_and_sets(tmp_path: Path) -> None:
    """The same findings for a file, and for a set that is loaded already."""
    file = tmp_path / "rules.yaml"
    text = changed("every: 30m,", "every: 61m,")
    file.write_text(text, encoding="utf-8")
    (found,) = check([file])
    assert (found.file, found.code) == (str(file), "R041")
    assert [one.code for one in check_ruleset(load_text(text))] == ["R041"]
    assert [one.code for one in check([tmp_path / "none.yaml"])] == ["R001"]
