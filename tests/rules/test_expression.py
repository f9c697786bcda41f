"""`if`: what may be written, what is refused where, and that CEL never meets a wrong type."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.words import Impact, Status
from rules.expression import ExpressionError, Vocabulary, compile_condition
from rules.facts import CEL_WORDS, IF_FACTS
from rules.model import Condition, ConditionError

VOCABULARY = Vocabulary(
    channels=frozenset({"page", "x", "both"}),
    components=frozenset({"checkout", "map", "both"}),
    windows=frozenset({"business_hours"}),
)
FACTS: dict[str, Any] = {
    "impact": Impact.major,
    "status": Status.identified,
    "alerts_firing": 12,
    "alerts_total": 40,
    "labels": {"region": "eu", "quote": 'a"b'},
    "components": ("checkout", "map"),
    "told": ["page"],
    "channels_down": ["x"],
    "acked": True,
    "taken_over": False,
    "unattended": 4,
    "postmortem_scheduled": False,
    "business_hours": True,
}


@pytest.mark.parametrize(
    ("source", "holds", "names"),
    [
        ("impact == critical || impact == major && business_hours", True, {"impact", "business_hours"}),
        ("impact >= major", True, {"impact"}),
        ("impact < none", False, {"impact"}),
        ("status < monitoring", True, {"status"}),
        ("impact in [major, critical]", True, {"impact"}),
        ("alerts_firing >= 10", True, {"alerts_firing"}),
        ("alerts_firing * 2 > alerts_total", False, {"alerts_firing", "alerts_total"}),
        ("alerts_firing > 2.5", True, {"alerts_firing"}),
        ("unattended >= 0x4", True, {"unattended"}),
        ("-1 < unattended - 3", True, {"unattended"}),
        ("x in told", False, {"told"}),
        ("page in told", True, {"told"}),
        ("both in told || both in components", False, {"told", "components"}),
        ("map in components", True, {"components"}),
        ("size(components) == 2 && components.size() == 2", True, {"components"}),
        ("told == [page]", True, {"told"}),
        ("channels_down != []", True, {"channels_down"}),
        ('label("region") == "eu"', True, {"labels"}),
        ('"us" != label("region")', True, {"labels"}),
        ('label("missing") == ""', True, {"labels"}),
        ('label("region") in ["eu", "us"]', True, {"labels"}),
        ("label('quote') == 'a\"b'", True, {"labels"}),
        ('label("region") == label("missing")', False, {"labels"}),
        ('label("region").startsWith("e") && !label("region").matches("^u")', True, {"labels"}),
        ("acked ? taken_over : true", False, {"acked", "taken_over"}),
        ("(acked ? impact : minor) >= major", True, {"acked", "impact"}),
        ("acked == true", True, {"acked"}),
        ("true", True, set()),
    ],
)
def test_conditions(source: str, holds: bool, names: set[str]) -> None:
    """Each kind of expression holds as written and asks for its own facts alone."""
    condition = compile_condition(source, VOCABULARY)
    assert condition.names == names
    assert condition.source == source
    assert condition.holds({name: FACTS[name] for name in names}) is holds
    assert condition.holds(FACTS) is holds


@pytest.mark.parametrize(
    ("source", "offset", "message", "remedy"),
    [
        ("impct >= major", 0, "impct is not known", "did you mean impact?"),
        ("impact >= majr", 10, "majr is not known", "did you mean major?"),
        ("chekout in components", 0, "not known", "did you mean checkout?"),
        ("buisness_hours", 0, "not known", "business_hours"),
        ("zzz", 0, "not known", "rules vars"),
        ('"x" in told', 0, "quoted", "write x without quotes"),
        ('x in ["x"]', 6, "quoted", "write x without quotes"),
        ('impact == "major"', 10, "quoted", "write major without quotes"),
        ('"a" == "a"', 0, "quoted", ""),
        ('acked && ("a" in ["a"])', 10, "quoted", ""),
        ("checkout in told", 0, "a component is never in a list of channels", ""),
        ("x == checkout", 2, "cannot be compared", ""),
        ("impact >= 2", 7, "an impact cannot be compared with a number", "none, minor"),
        ("impact == monitoring", 7, "cannot be compared", "none, minor"),
        ("acked < taken_over", 6, "cannot be compared", ""),
        ('label("region") == checkout', 16, "a label cannot be compared with a component", "quoted"),
        ('label("a") < "b"', 11, "cannot be compared", ""),
        ("label(region)", 0, "one quoted name", 'label("region")'),
        ("labels", 0, "for texts", 'label("name")'),
        ("alerts_firing", 0, "not a condition", "compare"),
        ("alerts_firing && acked", 0, "not a condition", ""),
        ("!impact", 0, "cannot be applied", ""),
        ("impact + 1 > 2", 7, "cannot be applied", "arithmetic"),
        ("1 + 2.5 > 3.0", 2, "cannot be applied", ""),
        ("alerts_firing / 0 > 1", 16, "divides by zero", ""),
        ("alerts_firing % (alerts_total - alerts_total) == 1", 0, "whatever the facts are", ""),
        ("9223372036854775807 + 1 > 0", 0, "whatever the facts are", ""),
        ("99999999999999999999 > 1", 0, "CEL refuses", ""),
        ('label("a").matches("[")', 0, "whatever the facts are", ""),
        ("told.exists(x, x == page)", 5, "macro", "x in list"),
        ("has(told)", 0, "macro", ""),
        ("now() > 1", 0, "no clock", "window"),
        ('timestamp("2027-01-01T00:00:00Z") < 1', 0, "no clock", ""),
        ("told[0] == x", 4, "indexing", "in list"),
        ("page.kind == x", 4, "fields", ""),
        ("sise(told) > 1", 0, "not known", "did you mean size?"),
        ("size(acked) > 1", 0, "no size", ""),
        ("size(told, told) > 1", 0, "one list", ""),
        ("acked in acked", 9, "not a list", ""),
        ("impact in [1, major]", 10, "mixes", ""),
        ("acked ? 1 : impact", 6, "gives", ""),
        ("impact = major", 7, "no comparison", "write =="),
        ("acked and taken_over", 6, "not expected", "write &&"),
        ("not acked", 0, "not an operator", "write !"),
        ("acked || ", 8, "the end", ""),
        ("(acked", 6, "the end", "add )"),
        ("acked)", 5, "not expected", ""),
        ("", 0, "the end", ""),
        ('label("a) == 1', 6, "closing", ""),
        ("acked # why", 6, "cannot stand", ""),
        ("{}", 0, "maps", ""),
        ("(" * 5000, 1000, "longer", ""),
        ("(" * 500 + "acked" + ")" * 400, 25, "nests deeper", ""),
        ("!" * 900 + "acked", 25, "nests deeper", ""),
    ],
)
def test_refusals(source: str, offset: int, message: str, remedy: str) -> None:
    """Whatever cannot be used is refused at its character with what to write."""
    with pytest.raises(ExpressionError, match=re.escape(message)) as caught:
        compile_condition(source, VOCABULARY)
    assert caught.value.offset == offset
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("alerts_total / alerts_firing > 1", {"alerts_firing": 0, "alerts_total": 1}),
        ("alerts_total * 9223372036854775807 > 1", {"alerts_total": 2}),
        ("alerts_total > 1", {}),
    ],
)
def test_what_fails_at_run_time_raises_one_error(source: str, facts: dict[str, int]) -> None:
    """A division by zero, an overflow, a fact that is missing: the decision sees ConditionError alone."""
    with pytest.raises(ConditionError):
        compile_condition(source, VOCABULARY).holds(facts)


def test_facts_that_are_not_used_are_not_touched() -> None:
    """Only what the expression names is looked up and handed to CEL."""

    class Watched(dict[str, Any]):
        seen: list[str] = []  # noqa: RUF012 - one test, one instance

        def __getitem__(self, key: str) -> Any:
            self.seen.append(key)
            return super().__getitem__(key)

    facts = Watched(FACTS)
    assert compile_condition("impact >= major && business_hours", VOCABULARY).holds(facts)
    assert sorted(facts.seen) == ["business_hours", "impact"]


def test_words_of_cel_cannot_be_names_of_facts() -> None:
    """No fact of ours is reserved by CEL."""
    assert not CEL_WORDS & IF_FACTS.keys()


ATOMS = st.sampled_from(
    ["acked", "taken_over", "business_hours", "true", "impact >= major", "status < monitoring",
     "impact == none", "alerts_firing > 10", "unattended + 1 >= alerts_total", "x in told",
     "both in components", "told == []", "size(told) > 1", 'label("region") == "eu"',
     'label("region") in ["eu", "us"]']
)  # fmt: skip
GOOD = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "!="]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) ? ({t[1]}) : ({t[2]})"),
    ),
    max_leaves=6,
)
NUMBERS = st.recursive(
    st.sampled_from(["alerts_firing", "alerts_total", "unattended", "0", "1", "7", "size(told)"]),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    ),
    max_leaves=4,
)
COMPARED = st.tuples(NUMBERS, st.sampled_from(["<", ">=", "==", "!="]), NUMBERS).map(" ".join)
STRANGE = st.sampled_from(
    ["impact", "major", "monitoring", "told", "components", "x", "checkout", "both", "alerts_firing", "acked",
     'label("region")', '"eu"', "1", "2.5", "[]", "[x]", "!acked", "-1", "size(told)", "told == []"]
)  # fmt: skip


@st.composite
def mixed(draw: st.DrawFn) -> str:
    """A good expression, or one with a name replaced by something of any kind."""
    source: str = draw(
        st.one_of(GOOD, COMPARED, st.tuples(GOOD, COMPARED).map(lambda t: f"({t[0]}) && {t[1]}"))
    )
    names = list(re.finditer(r"\b[a-z_]{2,}\b(?!\()", source))
    if draw(st.booleans()) and names:
        chosen = draw(st.sampled_from(names))
        source = source[: chosen.start()] + draw(STRANGE) + source[chosen.end() :]
    return source


RANDOM_FACTS = st.fixed_dictionaries(
    {
        "impact": st.sampled_from(Impact),
        "status": st.sampled_from(Status),
        "labels": st.dictionaries(st.sampled_from(["region", "eu"]), st.sampled_from(["", "eu", "us"])),
        "components": st.lists(st.sampled_from(["checkout", "map"]), unique=True),
        "told": st.lists(st.sampled_from(["page", "x"]), unique=True),
        "channels_down": st.lists(st.sampled_from(["page", "x"]), unique=True),
        **{name: st.integers(0, 50) for name in ("alerts_firing", "alerts_total", "unattended")},
        **{name: st.booleans() for name in ("acked", "taken_over", "postmortem_scheduled", "business_hours")},
    }
)


@given(GOOD, RANDOM_FACTS)
def test_good_expressions_never_fail(source: str, facts: dict[str, Any]) -> None:
    """What is built of good parts compiles and gives true or false for any facts."""
    assert compile_condition(source, VOCABULARY).holds(facts) in (True, False)


class ArithmeticFailure(Exception):
    """A division by zero or an overflow: depends on the facts, so it can only be met at run time."""


def holds(condition: Condition, facts: dict[str, Any]) -> bool:
    try:
        return condition.holds(facts)
    except ConditionError as error:
        if str(error).startswith(("ZeroDivisionError", "OverflowError")):
            raise ArithmeticFailure from error
        raise


def assert_placed(refused: ExpressionError, source: str) -> None:
    assert 0 <= refused.offset <= len(source)


@settings(max_examples=500)
@given(mixed(), RANDOM_FACTS)
def test_what_passes_the_check_meets_no_wrong_type(source: str, facts: dict[str, Any]) -> None:
    """Whatever replaces a name is refused at load, or it runs: only arithmetic can still fail then."""
    try:
        condition = compile_condition(source, VOCABULARY)
    except ExpressionError as refused:
        assert_placed(refused, source)
        return
    with suppress(ArithmeticFailure):
        holds(condition, facts)


@given(st.text(alphabet="abcdimort01 .,()[]!=<>&|?:+-*/%\"'\\\n#{}é", max_size=40))
def test_any_text_is_refused_or_compiled(source: str) -> None:
    """No text makes the loader fail in another way than with a place."""
    try:
        compile_condition(source, VOCABULARY)
    except ExpressionError as refused:
        assert_placed(refused, source)
