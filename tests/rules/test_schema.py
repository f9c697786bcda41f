"""What may be written in each block: every refusal with its place, its key and what to write instead."""

from __future__ import annotations

import pytest

from daemon.core.clock import HOUR, MINUTE
from rules.model import Approve
from rules.schema import RuleFile
from tests.rules.files import MINIMAL, changed, errors_of, load_text, place_of

# what is replaced, by what, the place (a mark in the new text), the key, words of the message
BROKEN = [
    ("{ kind: status_page }", "{ knd: status_page }", "knd", "channels.page.knd", "did you mean kind?",
     "R005"),
    ("{ kind: status_page }", "{ knd: status_page }", "{ knd", "channels.page", "lacks the key kind", "R006"),
    ("audience: internal", "audience: secret", "secret", "channels.ops.audience", "public, internal", "R007"),
    ("kind: slack", "kind: slack, token: abc", "token", "channels.ops.token", "daemon's configuration",
     "R005"),
    ("  ops: {", "  Ops: {", "Ops: {", "channels.Ops", "write ops", "R008"),
    ("id: checkout", "id: impact", "impact, name", "components[0].id", "name of a fact", "R008"),
    ("id: checkout", "id: major", "major", "components[0].id", "an impact", "R008"),
    ("id: checkout", "id: if", "if, name", "components[0].id", "expression language", "R008"),
    ("name: Checkout", 'name: ""', '"", matchers', "components[0].name", "is empty", "R007"),
    ("name: Checkout", "name: 5", "5, matchers", "components[0].name", "put quotes around it", "R007"),
    ('service="checkout"', 'service=="checkout"', '="checkout', "components[0].matchers[0]", "lacks a value",
     "R011"),
    ('service="checkout"', 'service=~"("', '"("', "components[0].matchers[0]", "RE2 refuses", "R011"),
    ("matchers: [", "matcher: [", "matcher:", "components[0].matcher", "did you mean matchers?", "R005"),
    ("open: { components: []", "open: { components: checkout", "checkout, impact",
     "routes[0].open.components", "write [ checkout ], or matched", "R007"),
    ("impact: minor", "impact: majr", "majr", "routes[0].open.impact", "did you mean major?", "R007"),
    ("impact: minor", "impact: { label: severity, values: { a: bad }, else: minor }", "bad",
     "routes[0].open.impact.values.a", "'bad' is not an impact", "R007"),
    ("impact: minor", "impact: { label: severity, values: {}, els: minor }", "els: minor",
     "routes[0].open.impact.els", "did you mean else?", "R005"),
    (", plan: public }", " }", "{ components", "routes[0].open", "lacks the key plan", "R006"),
    ("  - id: all\n", "  - id: all\n    for: 90\n", "90", "routes[0].for", "90s, 90m or 90h", "R007"),
    ("  - id: all\n", "  - id: all\n    for: 1.5h\n", "1.5h", "routes[0].for", "1h30m", "R007"),
    ("  - id: all\n", "  - id: all\n    stale_after: 0s\n", "0s\n", "routes[0].stale_after", "at least 1s",
     "R007"),
    ("  - id: all\n", "  - id: all\n    continue: yes\n", "yes", "routes[0].continue", "true or false",
     "R007"),
    ("  - id: all\n", "  - id: all\n    group_wait: 30s\n", "group_wait", "routes[0].group_wait", "write for",
     "R005"),
    ("  - id: all\n", "  - id: all\n    receiver: x\n", "receiver", "routes[0].receiver", "name a plan",
     "R005"),
    ("  - id: all\n", "  - id: all\n    group_by: [ a, a ]\n", "[ a, a", "routes[0].group_by", "twice",
     "R007"),
    ("  - id: all\n", "  - id: all\n    group_by: [ '...' ]\n", "'...'", "routes[0].group_by[0]",
     "not supported", "R007"),
    ("  - id: all\n", "  - id: all\n    raise: [ { if: acked } ]\n", "{ if: ack", "routes[0].raise[0]",
     "raises nothing", "R007"),
    ("  - id: all\n", "  - id: all\n    raise: [ { impact: major } ]\n", "{ impact: maj",
     "routes[0].raise[0]", "lacks the key if", "R006"),
    ("    to: [ page, ops ]", "    to: page", "page\n    ask", "plans.public.to", "write a list", "R007"),
    ("    ask: ops\n", "    aks: ops\n", "aks", "plans.public.aks", "did you mean ask?", "R005"),
    ("every: 30m,", "every: 0s,", "0s, say: hold", "plans.public.steps[1].every", "at least 1s", "R007"),
    ("every: 30m,", "every: 30m, after: 5m,", "{ id: holding", "plans.public.steps[1]",
     "after and every at once", "R007"),
    ("every: 30m,", "", "{ id: holding", "plans.public.steps[1]", "says not when", "R007"),
    ("say: holding,", "", "{ id: holding", "plans.public.steps[1]", "does nothing", "R007"),
    ("say: holding,", "say: holding, ask: ops,", "{ id: holding", "plans.public.steps[1]",
     "say and ask at once", "R007"),
    ("say: holding,", "ask: ops,", "{ id: holding", "plans.public.steps[1]", "remove promise", "R007"),
    ("on: resolved", "on: resolvd", "resolvd", "plans.public.steps[2].on", "did you mean resolved?", "R007"),
    ("on: resolved", "on: opened", "opened", "plans.public.steps[2].on", "there is no event", "R007"),
    ("to: [ told ]", "to: []", "[] }", "plans.public.steps[2].to", "is empty", "R007"),
    ("to: [ told ]", "approve: veto", "veto", "plans.public.steps[2].approve", "veto 5m", "R007"),
    ("to: [ told ]", "approve: three", "three", "plans.public.steps[2].approve", "no way to approve", "R007"),
    ("to: [ told ]", "approve: veto 5", "veto 5", "plans.public.steps[2].approve", "5s, 5m or 5h", "R007"),
    ("to: [ told ]", "approve: { need: veto, within: 5m }", "{ need", "plans.public.steps[2].approve",
     "veto 5m", "R007"),
    ("to: [ told ]", "approve: { need: one, wthin: 5m }", "wthin", "plans.public.steps[2].approve.wthin",
     "did you mean within?", "R005"),
    ("to: [ told ]", "limit: -1", "-1", "plans.public.steps[2].limit", "too small", "R007"),
    ("to: [ told ]", "then: draft", "draft", "plans.public.steps[2].then", "write draft_postmortem", "R007"),
    ("to: [ told ]", "if: 5", "5 }", "plans.public.steps[2].if", "write it as text", "R007"),
    ("to: [ told ]", "if: acked and told", "and told", "plans.public.steps[2].if", "write &&", "R012"),
    ("plans:\n", "texts: { own: 5 }\nplans:\n", "5 }", "texts.own", "put quotes around it", "R007"),
    ("plans:\n", 'texts: { own: { default: { en: "" } } }\nplans:\n', '"" }', "texts.own.default.en",
     "is empty", "R007"),
    ("plans:\n", "windows: { w: [ { weekday: [] } ] }\nplans:\n", "weekday", "windows.w[0].weekday",
     "did you mean weekdays?", "R005"),
    ("plans:\n", "windows: { w: [ { weekdays: [ friday:monday ] } ] }\nplans:\n", "friday",
     "windows.w[0].weekdays[0]", '"friday:saturday" and "sunday:monday"', "R013"),
    ("plans:\n", "windows: { w: [ { weekdays: [ moonday ] } ] }\nplans:\n", "moonday",
     "windows.w[0].weekdays[0]", "did you mean monday?", "R013"),
    ("plans:\n", "windows: { w: [ { times: [ { start_time: 9:00, end_time: 18:00 } ] } ] }\nplans:\n", "9:00",
     "windows.w[0].times[0].start_time", "09:00", "R013"),
    ("plans:\n", "windows: { w: [ { times: [ { start_time: 22:00, end_time: 06:00 } ] } ] }\nplans:\n",
     "{ start_time", "windows.w[0].times[0]", "24:00", "R013"),
    ("plans:\n", "windows: { w: [ { days_of_month: [ 0 ] } ] }\nplans:\n", "0 ]",
     "windows.w[0].days_of_month[0]", "-1 for the last", "R013"),
    ("plans:\n", "windows: { w: [ { days_of_month: [ '-3:5' ] } ] }\nplans:\n", "'-3",
     "windows.w[0].days_of_month[0]", "both ends", "R013"),
    ("plans:\n", "windows: { w: [ { days_of_month: [ '9:3' ] } ] }\nplans:\n", "'9",
     "windows.w[0].days_of_month[0]", "swap", "R013"),
    ("plans:\n", "windows: { w: [ { months: [ sept ] } ] }\nplans:\n", "sept", "windows.w[0].months[0]",
     "did you mean september?", "R013"),
    ("plans:\n", "windows: { w: [ { location: Local } ] }\nplans:\n", "Local", "windows.w[0].location",
     "every machine", "R013"),
    ("plans:\n", "windows: { w: [ { location: Europe/Nowhere } ] }\nplans:\n", "Europe",
     "windows.w[0].location", "Europe/Berlin", "R013"),
    ("plans:\n", "windows: { w: [ { years: [] } ] }\nplans:\n", "[] }", "windows.w[0].years", "never opens",
     "R013"),
    ("plans:\n", "people: { a: { chanel: ops } }\nplans:\n", "chanel", "people.a.chanel",
     "did you mean channel?", "R005"),
    ("plans:\n", "limits: { take_over: 60 }\nplans:\n", "60", "limits.take_over", "60s, 60m or 60h", "R007"),
    ("plans:\n",
     "limits: { storm: { groups: 0, within: 5m, open: { impact: major, plan: public } } }\nplans:\n",
     "0, within", "limits.storm.groups", "at least 1", "R007"),
    ("plans:\n", "maintenance: { overrun: { after: 5, open: { impact: minor, plan: public } } }\nplans:\n",
     "5, open", "maintenance.overrun.after", "5s, 5m or 5h", "R007"),
    ("plans:\n", "words: { automatic_may_omit: [ causes ] }\nplans:\n", "causes",
     "words.automatic_may_omit[0]", "did you mean cause?", "R007"),
    ("plans:\n", "words: { waive: [ { check: jargon, text: x, until: soon, why: y } ] }\nplans:\n", "soon",
     "words.waive[0].until", "2027-06-30", "R007"),
    ("plans:\n", "waive: [ { code: 41, id: x, until: 2027-01-01, why: y } ]\nplans:\n", "41", "waive[0].code",
     "quotes", "R007"),
    ("plans:\n", "plnas: {}\nplans:\n", "plnas", "plnas", "did you mean plans?", "R005"),
    ("plans:\n", "defaults: { route: { four: 1m } }\nplans:\n", "four", "defaults.route.four",
     "did you mean for?", "R005"),
    ("plans:\n", "defaults: { route: { for: 5 } }\nplans:\n", "5 }", "defaults.route.for", "5s, 5m or 5h",
     "R007"),
    ("plans:\n", "defaults: { step: { after: 5m } }\nplans:\n", "after", "defaults.step.after", "keys here",
     "R005"),
    ("    ask: ops\n", "    ask:\n", "ask:", "plans.public.ask", "has no value", "R007"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "mark", "key", "says", "code"), BROKEN, ids=[f"{row[3]}-{row[4]}" for row in BROKEN]
)
def test_each_refusal_has_its_place(old: str, new: str, mark: str, key: str, says: str, code: str) -> None:
    """One thing is wrong in a good file: the problem names line, column, key and remedy."""
    text = changed(old, new)
    found = [(one.line, one.column, one.key, one.code) for one in errors_of(text) if says in str(one)]
    assert found == [(*place_of(text, mark), key, code)], errors_of(text)


def test_the_file_for_these_tests_is_good() -> None:
    """Nothing is wrong before something is changed."""
    assert errors_of(MINIMAL) == []


def test_one_bad_item_hides_no_other() -> None:
    """Errors in several items, steps and references are all found in one run, in file order."""
    text = MINIMAL.replace("kind: slack", "kind: slack, colour: red").replace("minor", "minr")
    text = (
        text.replace("every: 30m", "every: 30")
        .replace("say: resolved", "say: resolvd")
        .replace("ask: ops", "ask: opps")
    )
    found = errors_of(text)
    assert [one.key for one in found] == [
        "channels.ops.colour",
        "routes[0].open.impact",
        "plans.public.ask",
        "plans.public.steps[1].every",
        "plans.public.steps[2].say",
    ]
    assert [one.line for one in found] == sorted(one.line for one in found)


@pytest.mark.parametrize(
    ("written", "approve"),
    [
        ("none", None),
        ("one", Approve("one", 30 * MINUTE, "skip")),
        ("two", Approve("two", 30 * MINUTE, "skip")),
        ("veto 5m", Approve("veto", 5 * MINUTE, "post")),
        ("{ need: two }", Approve("two", 30 * MINUTE, "skip")),
        ("{ need: one, within: 15m, otherwise: post }", Approve("one", 15 * MINUTE, "post")),
    ],
)
def test_ways_to_approve(written: str, approve: Approve | None) -> None:
    """The short forms and the map."""
    rules = load_text(changed("say: holding,", f"say: holding, approve: {written},"))
    assert rules.plans["public"].steps[1].approve == approve


def test_defaults_fill_what_is_missing() -> None:
    """A route or step that has the key replaces it, keys of `open` one by one; other files stay."""
    text = MINIMAL.replace(
        "    open: { components: [], impact: minor, plan: public }",
        "    for: 2m\n    matchers: [ 'a=\"1\"' ]\n    open: { components: [] }",
    )
    text += (
        "defaults:\n"
        "  route: { for: 1m, monitor_for: 10m, open: { components: matched, impact: major, plan: public } }\n"
        "  step: { approve: one, limit: 7, if: acked, to: [ page ] }\n"
    )
    other = "routes:\n  - id: second\n    open: { components: [], impact: none, plan: public }\n"
    rules = load_text(text, other)
    first, second = rules.routes
    assert (first.hold_for, first.monitor_for, first.components, first.plan) == (
        2 * MINUTE,
        10 * MINUTE,
        (),
        "public",
    )
    assert (second.hold_for, second.monitor_for) == (0, 0)
    step = rules.plans["public"].steps[1]
    assert (step.approve, step.limit, step.to) == (Approve("one"), 7, ("page",))
    assert step.condition is not None
    assert rules.plans["public"].steps[2].to == ("told",)


def test_errors_from_defaults_point_there() -> None:
    """What a default brings wrong into a route is reported where it is written, once."""
    text = changed(", plan: public }", " }")
    text += "defaults: { route: { open: { plan: publc } } }\n"
    (found,) = errors_of(text)
    assert (found.line, found.column) == place_of(text, "publc")
    assert found.key == "defaults.route.open.plan"


def test_errors_of_an_item_point_there_although_a_default_has_the_key() -> None:
    """What the item writes itself is looked up in the item."""
    text = changed("plan: public }", "plan: publc }") + "defaults: { route: { open: { plan: public } } }\n"
    (found,) = errors_of(text)
    assert found.key == "routes[0].open.plan"


def test_a_broken_default_breaks_nothing_else() -> None:
    """A wrong value in defaults is one error, not one in each route."""
    text = changed(", plan: public }", " }")
    text += "defaults: { route: { for: 5, open: { plan: public } } }\n"
    assert [one.key for one in errors_of(text)] == ["defaults.route.for"]


def test_step_defaults_apply_where_they_can() -> None:
    """A default promise does not make an ask step wrong."""
    text = changed("say: holding, promise: 30m", "ask: ops") + "defaults: { step: { promise: 45m } }\n"
    steps = load_text(text).plans["public"].steps
    assert [step.promise for step in steps] == [30 * MINUTE, None, 45 * MINUTE]


def test_the_defaults_of_the_language() -> None:
    """What the table of routes promises when nothing is written."""
    route = load_text(MINIMAL).routes[0]
    assert (route.hold_for, route.keep_firing_for, route.monitor_for) == (0, 0, 0)
    assert (route.reopen_within, route.stale_after) == (30 * MINUTE, 5 * HOUR)
    assert (route.group_by, route.go_on, route.matchers) == ((), False, ())
    steps = load_text(MINIMAL).plans["public"].steps
    assert [step.limit for step in steps] == [1, None, None]


def test_every_block_is_documented_in_the_schema() -> None:
    """The blocks of a file are those of the language; this list changes with its page."""
    assert list(RuleFile.model_fields) == [
        "channels", "components", "defaults", "routes", "plans", "texts", "words", "windows", "people",
        "limits", "maintenance", "waive",
    ]  # fmt: skip
