"""The cage around templates: what is refused when a file is loaded, and that the rest cannot run away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.model import ChannelRule, Component, Site, TextError
from rules.templates import MAX_LOOPS, cage, check_template
from rules.texts import MAX_LENGTH, TextBook

PAGE = ChannelRule("page", "status_page")
MANY = {f"c{number}": Component(f"c{number}", "n" * 50) for number in range(500)}
FACTS = {
    "now": 1_799_056_800_000,
    "components": tuple(MANY),
    "labels": {f"l{n}": "v" * 5000 for n in range(900)},
}


def render(source: str, **changes: Any) -> str:
    return TextBook({"t": source}, site=Site(), components=MANY).render("t", PAGE, FACTS | changes)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% for i in range(9) %}{% endfor %}", "a loop runs over given lists alone"),
        ("{{ range(9) }}", "a text calls no function"),
        ("{% for c in title %}{% endfor %}", "a loop runs over given lists"),
        ("{% for c in [1, 2] %}{% endfor %}", "a loop runs over given lists"),
        ("{% for c in components recursive %}{% endfor %}", "a loop cannot call itself"),
        ("{% for a in told %}" * 3 + "{% endfor %}" * 3, "two deep"),
        ("{% for a in told %}{% endfor %}" * (MAX_LOOPS + 1), "more than 10 loops"),
        ("{% macro m() %}{% endmacro %}", "macros are not part"),
        ("{% call label('x') %}{% endcall %}", "call blocks"),
        ("{% include 'x' %}", "cannot include"),
        ("{% import 'x' as y %}", "cannot import"),
        ("{% from 'x' import y %}", "cannot import"),
        ("{% extends 'x' %}", "cannot extend"),
        ("{% block b %}{% endblock %}", "blocks are not part"),
        ("{% filter upper %}{% endfilter %}", "write {{ value | filter }}"),
        ("{% with a = 1 %}{% endwith %}", "{% set name = value %}"),
        ("{% set a %}x{% endset %}", "{% set name = value %}"),
        ("{% autoescape true %}{% endautoescape %}", "each channel escapes"),
        ("{% set a = title %}{% set b = a ~ a %}", '"a" was set'),
        ("{% set a = title %}{% set a = a ~ a %}", '"a" was set'),
        ("{% set title = 'x' %}", '"title" is a fact'),
        ("{% for impact in told %}{% endfor %}", '"impact" is a fact'),
        ("{{ 'a' * 1000000000 }}", "multiplication could"),
        ("{{ 9 ** 9 ** 9 }}", "powers"),
        ("{{ '%1000000000d' % 1 }}", "% operator"),
        ("{{ alerts_firing / 0 }}", "division"),
        ("{{ {'a': 1} }}", "Dict is not part"),
        ("{{ title.upper() }}", "a text calls no function"),
        ("{{ ''.__class__ }}", 'unknown part "__class__"'),
        ("{{ components.__class__ }}", 'unknown part "__class__"'),
        ("{{ components.name }}", 'unknown part "name"'),
        ("{{ components[0].matchers }}", 'unknown part "matchers"'),
        ("{{ components['__class__'] }}", "only labels are read by name"),
        ("{% for c in components %}{{ c['__init__'] }}{% endfor %}", "only labels are read by name"),
        ("{% for c in components %}{{ loop._iterator }}{% endfor %}", 'unknown part "_iterator"'),
        ("{{ self }}", 'unknown fact "self"'),
        ("{{ title | replace('a', 'b') }}", 'unknown filter "replace"'),
        ("{{ title | attr('x') }}", 'unknown filter "attr"'),
        ("{{ components | name }}", 'did you mean "names"'),
        ("{{ components | names(1, 2, 3) }}", 'filter "names": too many'),
        ("{{ components | names(*told) }}", "write them out"),
        ("{{ components | truncate(size=3) }}", 'filter "truncate"'),
        ("{{ title is callable }}", 'unknown test "callable"'),
        ("{{ label() }}", "label takes one name"),
        ("{{ impact == none }}", 'write "none" with quotes'),
        ("{{ title", "unexpected end of template"),
        ("{% if title %}", "Unexpected end of template"),
        ("{{ " + "(" * 3000 + ")" * 3000 + " }}", "nested too deeply"),
        ("{{ " + " + ".join(["1"] * 4000) + " }}", "nested too deeply"),
        ("{{ " + "not " * 300 + "acked }}", "nested too deeply"),
        ("{{ " + "9" * 5000 + " }}", "number too long"),
        ("x" * 20_001, "more than 20,000 characters"),
    ],
)  # fmt: skip
def test_refused_when_loaded(source: str, message: str) -> None:
    """Each way out of the cage, or of its bounds, is refused with words that help."""
    findings = check_template(source)
    assert any(message in finding[2] for finding in findings), findings
    assert all("; " in finding[2] for finding in findings), "what is wrong; what to do"
    with pytest.raises(TextError, match='text "t"'):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "plain words, {# a comment #} and {% raw %}{{ raw }}{% endraw %}",
        "{% for c in components if c.group == 'Shop' %}{{ c.name }}{{ loop.last }}{% else %}-{% endfor %}",
        "{% for name, value in labels | items %}{% for t in told %}{{ name ~ t }}{% endfor %}{% endfor %}",
        "{% for c in components[:3] %}{{ c.name }}{% endfor %}",
        "{% set what = components | names %}{{ what | upper }}",
        "{{ 'a' if impact in ['major', 'critical'] else 'b' }}",
        "{{ alerts_total - alerts_firing }} {{ x_window }}",
        "{{ labels.anything or labels['else'] }} {{ note is defined }}",
    ],
)  # fmt: skip
def test_accepted(source: str) -> None:
    """What a writer needs is allowed."""
    assert check_template(source, {"x_window"}) == []


def test_places_are_offsets() -> None:
    """A finding points at the line and column of the word, both counted from 0."""
    assert check_template("one\nnmes {{ titel }} {{ told | nmes }}") == [
        (1, 8, 'unknown fact "titel"; did you mean "title"?'),
        (1, 27, 'unknown filter "nmes"; did you mean "names"?'),
    ]


def test_the_cage_holds_without_the_check() -> None:
    """Even a template that slipped through reads no attribute that is not documented."""
    component = Component("c", "C", matchers=("secret",))
    for source in (
        "{{ c.matchers }}", "{{ c.__class__ }}", "{{ c['__class__'] }}", "{{ t.format }}", "{{ m.items }}",
        "{{ f.__globals__ }}", "{{ f.__closure__ }}",
    ):  # fmt: skip
        template = cage().from_string(source)
        with pytest.raises(Exception, match=r"undefined|no attribute|no element"):
            template.render(c=component, t="text", m={"a": "b"}, f=lambda: component)


def test_the_worst_template_stays_bounded() -> None:
    """Two loops deep over the longest lists ends at the length limit; so does the most of them."""
    source = (
        "{% for a in labels %}{% for c in components %}{{ label(a) }}{{ c.name }}{% endfor %}{% endfor %}"
    )
    assert len(render(source * (MAX_LOOPS // 2))) == MAX_LENGTH
    silent = (
        "{% for a in components %}{% for c in labels %}{% if c == '' %}x{% endif %}{% endfor %}{% endfor %}"
    )
    assert render(silent * (MAX_LOOPS // 2) + "end") == "end"


NAMES = st.sampled_from(
    ["components", "told", "labels", "title", "impact", "age_minutes", "major", "c", "loop", "1", "'a'"]
)
OPERATORS = st.sampled_from(["+", "-", "~", "and", "or", "<", "==", "in", "*"])
CALLS = st.sampled_from(
    ["names", "list", "join(',')", "first", "last", "count", "upper", "truncate(3)", "plural('a')", "items",
     "default", "customers_cannot", "customers_can(3)", "trim"]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({} | {})".format, inner, CALLS),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.{}".format, inner, st.sampled_from(["name", "group", "index", "format", "__class__"])),
    ),
    max_leaves=6,
)  # fmt: skip
PIECES = st.one_of(
    st.builds("{{{{ {} }}}}".format, EXPRESSIONS),
    st.builds("{{% if {} %}}{{{{ {} }}}}{{% endif %}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("{{% for c in {} %}}{{{{ {} }}}}{{% endfor %}}".format, NAMES, EXPRESSIONS),
    st.text(alphabet="{}%# ab\n\u202e"),
)


@settings(deadline=None)  # shared machines pause
@example("{{ (1 ~ 1.name) }}")  # a constant that fails: at rendering, not while it is loaded
@given(st.lists(PIECES, min_size=1, max_size=4).map("".join))
def test_accepted_templates_give_text_or_text_error(source: str) -> None:
    """Whatever template is accepted, rendering it gives at most 20,000 characters or a TextError."""
    findings = check_template(source)
    try:
        out = render(source)
    except TextError:
        return
    assert findings == []
    assert 0 < len(out) <= MAX_LENGTH
