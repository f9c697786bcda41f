"""From files to a RuleSet: references, several files, channels of the configuration, versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core.clock import HOUR, MINUTE
from daemon.core.words import Audience, Impact
from rules.errors import LoadError
from rules.load import ConfiguredChannel, load, load_sources, version_of
from rules.model import Flapping, ImpactByLabel
from tests.rules.files import MINIMAL, SHOP, SITE, changed, errors_of, load_text, place_of

PAGE = {"page": ConfiguredChannel("status_page")}
BOTH = PAGE | {"ops": ConfiguredChannel("slack", Audience.internal)}


def test_the_example_of_the_language_loads() -> None:
    """The shop file, whole: channels, components, routes, plans, texts, windows, people, limits."""
    rules = load_text(SHOP)
    assert rules.notices == ()
    assert list(rules.channels) == ["page", "subscribers", "ops", "x", "sms"]
    assert rules.channels["ops"].audience is Audience.internal
    services, rest = rules.routes
    assert (services.hold_for, services.monitor_for, services.group_by) == (
        MINUTE,
        10 * MINUTE,
        ("component", "region"),
    )
    assert services.impact == ImpactByLabel(
        "severity", {"critical": Impact.major, "page": Impact.major}, Impact.minor
    )
    assert (rest.id, rest.group_by, rest.impact) == ("rest", ("alertname",), Impact.none)
    assert services.raises[0].condition.names == {"alerts_firing"}
    steps = {step.id: step for step in rules.plans["public"].steps}
    assert steps["social"].after == 2 * HOUR
    assert steps["social"].condition is not None
    assert steps["social"].condition.names == {"impact", "business_hours"}
    assert steps["longest"].set_impact is Impact.critical
    assert steps["relapse"].on == ("refired", "reopened")
    assert (steps["review"].when, steps["review"].after) == ("on", 24 * HOUR)
    assert steps["done"].to == ("told", "ops")
    assert steps["done"].then == "draft_postmortem"
    assert rules.people["comms"].mention == "@comms-oncall"
    assert rules.limits.flapping == Flapping(3, HOUR, "internal")
    assert rules.limits.posts_per_hour == {"x": 3, "sms": 2, "subscribers": 6}
    assert rules.first_public_plan() == "public"
    assert rules.has_page


REFERENCES = [
    ("to: [ page, ops ]", "to: [ pgae, ops ]", "pgae", "plans.public.to[0]", "did you mean page?", "R010"),
    ("to: [ told ]", "to: [ zzz ]", "zzz", "plans.public.steps[2].to[0]", "there is no channel 'zzz'",
     "R010"),
    ("ask: ops", "ask: oops", "oops", "plans.public.ask", "did you mean ops?", "R010"),
    ("say: holding", "say: holdin", "holdin, ", "plans.public.steps[1].say", "did you mean holding?", "R010"),
    ("plan: public", "plan: publik", "publik", "routes[0].open.plan", "did you mean public?", "R010"),
    ("components: []", "components: [ chekout ]", "chekout", "routes[0].open.components[0]",
     "did you mean checkout?", "R010"),
    ("to: [ told ]", "if: chekout in components", "chekout", "plans.public.steps[2].if",
     "did you mean checkout?", "R012"),
    ("to: [ told ]", "if: 'acked  &&  impact >= majr'", "majr", "plans.public.steps[2].if",
     "did you mean major?", "R012"),
    ("say: holding, promise: 30m", "set: { plan: publik }", "publik", "plans.public.steps[1].set.plan",
     "public", "R010"),
    ("  - id: all\n", "  - id: all\n    raise: [ { if: acked, plan: publik } ]\n", "publik",
     "routes[0].raise[0].plan", "public", "R010"),
    ("  - id: all\n", "  - id: all\n    raise: [ { if: ackd, plan: public } ]\n", "ackd",
     "routes[0].raise[0].if", "acked", "R012"),
    ("components:\n", "components:\n  - { id: data, name: Data, depends_on: [ checkout ] }\n", "depends_on:",
     "components[0].depends_on", "not act on it yet", "R022"),
    ("name: Checkout,", "name: Checkout, depends_on: [ serch ],", "serch", "components[0].depends_on[0]",
     "no component", "R010"),
    ("name: Checkout,", "name: Checkout, depends_on: [ checkout ],", "[ checkout ]",
     "components[0].depends_on", "on itself", "R019"),
    ("plans:\n", "people: { a: { channel: opz } }\nplans:\n", "opz", "people.a.channel", "did you mean ops?",
     "R010"),
    ("plans:\n", "people: { a: { channel: page } }\nplans:\n", "page } }", "people.a.channel",
     "internal channel", "R020"),
    ("    ask: ops", "    ask: page", "page\n", "plans.public.ask", "internal channel", "R020"),
    ("plans:\n", "people: { ops: { channel: ops } }\nplans:\n", "ops: { channel", "people.ops",
     "in channels too", "R008"),
    ("plans:\n", "windows: { page: [ {} ] }\nplans:\n", "page: [", "windows.page", "in channels too", "R008"),
    ("plans:\n", "windows: { time: [ {} ] }\nplans:\n", "time:", "windows.time", "a fact of texts", "R008"),
    ("id: first", "id: person", "person", "plans.public.steps[0].id", "person's own update", "R008"),
    ("id: all", "id: catch_all", "catch_all", "routes[0].id", "built-in route", "R008"),
    ("plans:\n", "limits: { posts_per_hour: { pages: 3 } }\nplans:\n", "3 } }", "limits.posts_per_hour.pages",
     "did you mean page?", "R010"),
    ("plans:\n", "limits: { posts_per_hour: { page: 3 } }\nplans:\n", "page: 3 }",
     "limits.posts_per_hour.page", "no budget", "R007"),
    ("plans:\n", "limits: { flapping: { opened: 3, within: 1h, plan: x } }\nplans:\n", "x } }",
     "limits.flapping.plan", "no plan", "R010"),
    ("plans:\n",
     "limits: { storm: { groups: 5, within: 5m, open: { impact: major, plan: public } } }\nplans:\n",
     "storm:", "limits.storm", "not act on it yet", "R022"),
    ("plans:\n", "maintenance: { overrun: { open: { impact: none, plan: public } } }\nplans:\n", "overrun:",
     "maintenance.overrun", "not act on it yet", "R022"),
    ("plans:\n", "maintenance: { overrun: { open: { impact: none, plan: x } } }\nplans:\n", "x } }",
     "maintenance.overrun.open.plan", "no plan", "R010"),
    ("plans:\n", "texts: { holding: '{{ componens }}' }\nplans:\n", "componens", "texts.holding",
     "components", "R014"),
    ("plans:\n", "texts: { holding: { defalt: hi } }\nplans:\n", "defalt", "texts.holding.defalt",
     "did you mean default?", "R010"),
    ("plans:\n", "texts: { own: { page: hi } }\nplans:\n", "own", "texts.own", "add default", "R014"),
    ("    to: [ page, ops ]\n", "", "{ id: first", "plans.public.steps[0]", "to nobody", "R021"),
    ("routes:\n", "routes:\n  - { id: wide, open: { components: [], impact: minor, plan: public } }\n",
     "{ id: wide", "routes[0]", "put it last", "R018"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "mark", "key", "says", "code"),
    REFERENCES,
    ids=[f"{row[3]}-{row[4]}" for row in REFERENCES],
)
def test_references_are_resolved_with_a_place(
    old: str, new: str, mark: str, key: str, says: str, code: str
) -> None:
    """What is named but not declared, or cannot be used there, is an error at its exact place."""
    text = changed(old, new)
    found = [(one.line, one.column, one.key, one.code) for one in errors_of(text) if says in str(one)]
    assert found[:1] == [(*place_of(text, mark), key, code)], errors_of(text)


def test_template_errors_point_into_the_text() -> None:
    """In a folded text the place is the line of the file where the wrong word stands."""
    text = changed(
        "plans:\n", "texts:\n  holding: >-\n    We are sorry.\n    More by {{ nxt_update }}.\nplans:\n"
    )
    (found,) = errors_of(text)
    assert (found.line, found.column) == place_of(text, "nxt_update")


SECOND = "plans:\n  other:\n    to: [ ops ]\n    steps: [ { id: tell, after: 0s, say: internal_note } ]\n"


def test_several_files_are_one_set() -> None:
    """Routes keep the order of the files, a file may use what another declares."""
    first = changed("  - id: all\n", "  - id: all\n    matchers: [ 'a=\"1\"' ]\n")
    second = (
        SECOND + "routes:\n  - id: rest\n    open: { components: [ checkout ], impact: none, plan: other }\n"
    )
    rules = load_text(first, second)
    assert [route.id for route in rules.routes] == ["all", "rest"]
    assert list(rules.plans) == ["public", "other"]
    assert [name for name, _ in rules.sources] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("second", "key"),
    [
        ("channels: { page: { kind: status_page } }\n", "channels.page"),
        ("components:\n  - { id: checkout, name: Other }\n", "components[0].id"),
        ("plans: { public: { steps: [] } }\n", "plans.public"),
        ("routes:\n  - { id: all, open: { components: [], impact: none, plan: public } }\n", "routes[0].id"),
    ],
)
def test_ids_are_unique_over_all_files(second: str, key: str) -> None:
    """The error is in the later file and names the place in the earlier one."""
    found = [one for one in errors_of(MINIMAL, second) if one.code == "R009"]
    assert [(one.file, one.key) for one in found] == [("b.yaml", key)]
    assert "first in a.yaml:" in found[0].message


def test_an_override_of_another_files_text_is_refused() -> None:
    """A file overrides a built-in text, never another file's."""
    texts = "texts: { holding: We are still at work. }\n"
    assert errors_of(MINIMAL + texts) == []
    (found,) = errors_of(MINIMAL + texts, texts)
    assert (found.file, found.key, found.code) == ("b.yaml", "texts.holding", "R009")


@pytest.mark.parametrize("block", ["limits: { take_over: 30m }", "maintenance: {}"])
def test_some_blocks_are_in_one_file_only(block: str) -> None:
    """The error names both places."""
    (found,) = errors_of(MINIMAL + block + "\n", block + "\n")
    assert (found.file, found.line, found.column, found.code) == ("b.yaml", 1, 1, "R017")
    assert f"a.yaml:{MINIMAL.count(chr(10)) + 1}:1" in found.message


def test_a_route_without_matchers_may_not_be_last_of_its_file_alone() -> None:
    """Last means last of the set: a later file's routes would see nothing."""
    opens = "open: { components: [], impact: none, plan: public }"
    second = f"routes:\n  - {{ id: more, matchers: [ 'a=\"1\"' ], {opens} }}\n"
    (found,) = errors_of(MINIMAL, second)
    assert (found.file, found.code) == ("a.yaml", "R018")


def test_problems_come_in_file_order() -> None:
    """Sorted by the files as given, then by line and column; the text has one line for each."""
    bad = MINIMAL.replace("minor", "minr").replace("slack", "slack, colour: red")
    with pytest.raises(LoadError) as caught:
        load_sources([("z.yaml", bad), ("a.yaml", "plans: []\nzzz: 1\n")], site=SITE)
    places = [(one.file, one.line) for one in caught.value.problems]
    assert places == [("z.yaml", 3), ("z.yaml", 8), ("a.yaml", 1), ("a.yaml", 2)]
    first = str(caught.value).splitlines()[0]
    assert first.startswith(
        "z.yaml:3:23: channels.ops.colour: is not known here; the keys here are kind, audience"
    )


def test_nobody_configured_means_everybody() -> None:
    """`rules check` without a configuration takes all declared channels as there."""
    assert all(channel.configured for channel in load_text(SHOP).channels.values())


def test_optional_channels_that_are_missing_take_their_steps_along() -> None:
    """Steps lose the channel; those with nobody left are dropped."""
    configured = {
        "page": ConfiguredChannel("status_page"),
        "subscribers": ConfiguredChannel("email"),
        "ops": ConfiguredChannel("slack", Audience.internal),
        "sms": ConfiguredChannel("sms"),
    }
    rules = load_text(SHOP, configured=configured)
    steps = {step.id: step for step in rules.plans["public"].steps}
    assert steps["wide"].to == ("sms",)
    assert "social" not in steps
    assert not rules.channels["x"].configured
    assert len(rules.notices) == 1, "one notice for the channel, not one for each of its steps"
    assert "optional channel x" in rules.notices[0]


def test_nobody_to_ask_is_a_notice() -> None:
    """A person on an optional channel that is missing cannot be asked; the plan goes on without."""
    text = changed("audience: internal }", "audience: internal, optional: true }")
    text = text.replace("say: holding, promise: 30m", "ask: oncall")
    text += "people: { oncall: { channel: ops } }\n"
    rules = load_text(text, configured=PAGE)
    assert rules.plans["public"].ask == ""
    assert [step.id for step in rules.plans["public"].steps] == ["first", "done"]
    assert rules.people == {}
    assert any("nobody can be asked there" in notice for notice in rules.notices)


@pytest.mark.parametrize(
    ("configured", "key", "says"),
    [
        (PAGE, "channels.ops", "optional: true"),
        (
            PAGE | {"opps": ConfiguredChannel("slack", Audience.internal)},
            "channels.ops",
            "did you mean opps?",
        ),
        (
            BOTH | {"ops": ConfiguredChannel("discord", Audience.internal)},
            "channels.ops.kind",
            "kind: discord",
        ),
        (BOTH | {"ops": ConfiguredChannel("slack")}, "channels.ops.audience", "audience: public"),
    ],
)
def test_channels_agree_with_the_configuration(
    configured: dict[str, ConfiguredChannel], key: str, says: str
) -> None:
    """One that is missing, or differs in kind or audience, is an error at its place."""
    (found,) = errors_of(MINIMAL, configured=configured)
    assert (found.key, found.code) == (key, "R016")
    assert says in found.remedy
    assert errors_of(MINIMAL, configured=BOTH | {"more": ConfiguredChannel("log")}) == []


def test_the_built_in_catch_all_is_silent_without_internal_channels() -> None:
    """With nobody to tell inside, its plan only journals."""
    rules = load_text("channels: { page: { kind: status_page } }\n")
    assert rules.plans["catch_all"].steps == ()
    assert rules.router({})[0].route.id == "catch_all"


def test_empty_files_make_an_empty_set() -> None:
    """A file of comments is good; a list or a word is no rule file."""
    assert load_text("# nothing\n", "").plans.keys() == {"catch_all"}
    assert [one.code for one in errors_of("- a\n")] == ["R007"]
    assert [one.code for one in errors_of("word\n")] == ["R007"]


def test_the_version_is_that_of_the_text(tmp_path: Path) -> None:
    """Same names and bytes, same version, wherever the files lie; a stored set has its version again."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "rules.yaml").write_text(MINIMAL, encoding="utf-8")
    first, second = (load([folder / "rules.yaml"], site=SITE) for folder in (here, there))
    assert first.version == second.version
    assert first.sources == (("rules.yaml", MINIMAL),)
    assert load_sources(first.sources, site=SITE).version == first.version
    assert load_text(MINIMAL + "# more\n").version != load_text(MINIMAL).version
    assert load_sources([("other.yaml", MINIMAL)], site=SITE).version != first.version
    assert version_of([("a", "bc")]) != version_of([("ab", "c")])


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    """A missing file, a folder and bad bytes are each named; nothing else is raised."""
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(b"a: \xff\n")
    with pytest.raises(LoadError) as caught:
        load([tmp_path / "none.yaml", tmp_path, bad], site=SITE)
    assert [one.code for one in caught.value.problems] == ["R001"] * 3
    assert str(tmp_path / "none.yaml") in str(caught.value)
    assert caught.value.problems[2].column == 4


def test_reserved_words_are_free_where_they_mean_nothing() -> None:
    """Texts, steps, plans and routes may be called like a status; only constants of `if` may not."""
    text = MINIMAL.replace("id: first", "id: resolved").replace("id: all", "id: major")
    assert errors_of(text) == []
    (found,) = errors_of(MINIMAL.replace("id: checkout", "id: resolved"))
    assert "is a status" in found.message


def test_a_hostile_file_is_answered_with_problems() -> None:
    """Values of every wrong kind in every place: problems with places, never another error."""
    for value in ("5", "[]", "[ [ ] ]", "{}", "true", "''", "{ a: { b: [ 1 ] } }", "2027-01-01", "~"):
        for block in ("channels", "components", "routes", "plans", "texts", "windows", "people", "limits",
                      "maintenance", "words", "waive", "defaults"):  # fmt: skip
            for text in (f"{block}: {value}\n", f"{block}: [ {value} ]\n", f"{block}: {{ x: {value} }}\n"):
                for one in errors_of(text):
                    assert one.line == 1
                    assert one.message
