"""What `tocsin rules check` finds beyond errors of loading."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rules.build import Configured
from rules.check import check, check_ruleset, check_sources
from rules.check_tests import beside
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


def test_routes_behind_several() -> None:
    """Two that take all values of a label between them hide what comes after; one value left is enough."""
    text = more_routes(
        f"{{ id: a, matchers: [ 'a=\"1\"' ], {OPEN} }}", f"{{ id: b, matchers: [ 'a=~\"2|3\"' ], {OPEN} }}",
        f"{{ id: c, matchers: [ 'a=~\"1|2\"' ], {OPEN} }}",
        f"{{ id: d, matchers: [ 'a=~\"3|4\"' ], {OPEN} }}",
    )  # fmt: skip
    (found,) = findings(text)
    assert (found.code, found.subject) == ("R050", "c")
    assert found.message == "a and b above take every alert that fits c"


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


STEP = "to: [ told ] }\n      - "
NEVER = [
    ("{ id: s, after: 0s, ask: ops, if: status == resolved }", "while the status is"),
    ("{ id: s, every: 20m, ask: ops, if: status >= resolved }", "while the status is"),
    ("{ id: s, on: monitoring, ask: ops, if: status < monitoring }", "while the status is monitoring"),
    ("{ id: s, on: refired, ask: ops, if: status == monitoring }", "investigating or identified"),
    ("{ id: s, after: 1h, ask: ops, if: acked && unattended > 3 && !acked }", "is never true"),
    ("{ id: s, after: 1h, ask: ops, if: alerts_firing > 5 && alerts_firing < 6 }", "is never true"),
    ("{ id: s, after: 1h, ask: ops, if: alerts_firing < 0 }", "is never true"),
    ("{ id: s, after: 1h, ask: ops, if: page in told && !(page in told) }", "is never true"),
    ("{ id: s, after: 0s, ask: ops, if: 'label(\"a\") == \"x\" && label(\"a\") in [\"y\"]' }", "never"),
    ("{ id: s, after: 1h, ask: ops, if: '(impact == major) == (impact != major)' }", "is never true"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "words"), NEVER, ids=[row[0] for row in NEVER])
def test_contradictions_within_an_if(step: str, words: str) -> None:
    """Numbers, lists, labels and the status at the step's moment are tried, each where it matters."""
    (found,) = findings(changed("to: [ told ] }", STEP + step))
    assert (found.code, found.subject) == ("R042", "public/s")
    assert words in found.message


@pytest.mark.parametrize(
    "condition",
    [
        "status < resolved && alerts_firing == 0",
        "alerts_firing % 7 == 3",
        "alerts_firing > alerts_total",
        "size(told) > 3",
        'label("a").startsWith("x") && label("a") == "y"',
        'label("a") == "x" || label("b") == "x"',
        "page in told && !(checkout in components)",
        "impact in [major, critical]",
        "unattended >= 2 && unattended <= 2",
    ],
)
def test_what_can_be_true_is_left_alone(condition: str) -> None:
    """Nothing is claimed of an expression that holds in some situation, or that cannot be counted."""
    step = f"{{ id: s, after: 1h, ask: ops, if: '{condition}' }}"
    assert findings(changed("to: [ told ] }", STEP + step)) == []


def test_a_raise_line_that_cannot_act() -> None:
    """Its expression is tried like that of a step."""
    line = "plan: public }\n    raise: [ { if: status == resolved, impact: major } ]"
    (found,) = findings(changed("plan: public }", line))
    assert (found.code, found.subject, found.key) == ("R042", "all", "routes[0].raise[0].if")


WAITS = [
    ("every: 20m, approve: { need: one, within: 10m },", []),
    ("every: 21m, approve: { need: one, within: 10m },", ["R043"]),
    ("every: 30m, approve: { need: one, within: 35m },", ["R041", "R043"]),
]


@pytest.mark.parametrize(("new", "codes"), WAITS, ids=[row[0] for row in WAITS])
def test_waits_that_end_after_the_promise(new: str, codes: list[str]) -> None:
    """Begin early enough and people have time to agree; each wait is part of the silence."""
    found = sorted(one.code for one in findings(changed("every: 30m,", new)))
    assert found == codes


def test_nobody_to_ask() -> None:
    """Without an internal channel no approval can come, and no veto."""
    text = MINIMAL.replace("  ops: { kind: slack, audience: internal }\n", "").replace("    ask: ops\n", "")
    text = text.replace("[ page, ops ]", "[ page ]").replace("every: 30m,", "every: 20m, approve: one,")
    assert ("R048", "error") in [(one.code, one.severity) for one in findings(text)]
    veto = text.replace("approve: one", "approve: veto 5m")
    assert [(one.code, one.severity) for one in findings(veto)] == [("R048", "warning")]


TESTED = """\
rule_files: [ {rules} ]
defaults: {{ strict: {strict} }}
tests:
  - alerts: [ {{ labels: {{ team: b }}, vary: {{ service: [ a, checkout ], instance: 3 }}, fires: 0m }} ]
"""


def test_routes_and_plans_without_a_test(tmp_path: Path) -> None:
    """Alerts of the tests beside the file are routed; `vary` makes one of each combination."""
    rules = tmp_path / "rules.yaml"
    two = more_routes(f"{{ id: a, matchers: [ 'service=\"checkout\"', 'instance=\"instance-3\"' ], {OPEN} }}",
                      f"{{ id: b, matchers: [ 'team=\"a\"' ], {OPEN} }}")  # fmt: skip
    rules.write_text(two, encoding="utf-8")
    tests = tmp_path / "any.test.yaml"

    def judged() -> list[tuple[str, str]]:
        return [(one.code, one.subject) for one in check([rules], tests=beside([rules]))]

    assert judged() == [("R054", "tests")]
    tests.write_text(TESTED.format(rules="rules.yaml", strict="true"), encoding="utf-8")
    assert judged() == [("R054", "b")]
    tests.write_text(TESTED.format(rules="rules.yaml", strict="false"), encoding="utf-8")
    assert judged() == [("R054", "b"), ("R055", "public")]
    tests.write_text(TESTED.format(rules="other.yaml", strict="true"), encoding="utf-8")
    assert judged() == [("R054", "tests")]
    tests.write_text("rule_files: [ rules.yaml ]\ntests: [ { alerts: 3 } ]\n", encoding="utf-8")
    assert ("R064", "") in judged()


def test_check_reads_files_and_sets(tmp_path: Path) -> None:
    """The same findings for a file, and for a set that is loaded already."""
    file = tmp_path / "rules.yaml"
    text = changed("every: 30m,", "every: 61m,")
    file.write_text(text, encoding="utf-8")
    (found,) = check([file])
    assert (found.file, found.code) == (str(file), "R041")
    assert [one.code for one in check_ruleset(load_text(text))] == ["R041"]
    assert [one.code for one in check([tmp_path / "none.yaml"])] == ["R001"]
