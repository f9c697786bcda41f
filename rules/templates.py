"""The template language of texts: Jinja2 in a cage, checked before it is compiled.

The check walks the syntax tree against a list of what is allowed.  What passes
cannot call, import, recurse or grow: loops run over given lists, two deep at
most, and no expression makes a value longer than its parts.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rules.model import Component
from rules.text_facts import CONSTANTS, FACTS
from rules.text_filters import FILTERS, names

MAX_SOURCE = 20_000  # characters of one template
MAX_DEPTH = 40  # of nested expressions and blocks; real texts need about ten
MAX_LOOPS = 10
LISTS = ("components", "told", "channels_down", "labels")
COMPONENT_PARTS = frozenset({"id", "name", "group", "description", "customers_cannot"})
LOOP_PARTS = frozenset({"index", "index0", "first", "last", "length"})
TESTS = ("defined", "undefined", "none")

TAGS = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})|[^\n]", re.DOTALL)

Finding = tuple[int, int, str]  # line and column, both counted from 0, and what to do about it

ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign,
    nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Filter, nodes.Test, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Neg,
    nodes.Concat, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Keyword,
)  # fmt: skip
REFUSED: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.Macro: ("macro", "macros are not part of texts; write the sentence where it is needed"),
    nodes.CallBlock: ("call", "call blocks are not part of texts; write the sentence where it is needed"),
    nodes.Include: ("include", "a text cannot include another one; write the sentence here"),
    nodes.Import: ("import", "a text cannot import another one; write the sentence here"),
    nodes.FromImport: ("import", "a text cannot import another one; write the sentence here"),
    nodes.Extends: ("extends", "a text cannot extend another one; write the sentence here"),
    nodes.Block: ("block", "blocks are not part of texts; write the sentence where it is needed"),
    nodes.FilterBlock: ("filter", "filter blocks are not part of texts; write {{ value | filter }}"),
    nodes.AssignBlock: ("set", "set blocks are not part of texts; write {% set name = value %}"),
    nodes.Scope: ("autoescape", "each channel escapes for its own markup; leave this out"),
    nodes.With: ("with", "with is not part of texts; write {% set name = value %}"),
    nodes.Mul: ("*", "multiplication could make a text of any length; write the words out"),
    nodes.Pow: ("**", "powers are not part of texts; write the number"),
    nodes.Mod: ("%", "the % operator could make a text of any length; join values with ~"),
    nodes.Div: ("/", "division is not part of texts; use age or age_minutes"),
    nodes.FloorDiv: ("//", "division is not part of texts; use age or age_minutes"),
}


class Cage(ImmutableSandboxedEnvironment):
    """Only documented parts of given values can be read, whatever the check has let through."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            return super().getitem(obj, argument)
        parts = {Component: COMPONENT_PARTS, LoopContext: LOOP_PARTS}.get(type(obj), frozenset())
        if argument in parts:
            return getattr(obj, argument)
        return self.undefined(obj=obj, name=str(argument))


@functools.cache
def cage() -> Cage:
    """The one environment: frozen after it is made."""
    environment = Cage(
        autoescape=False,
        undefined=StrictUndefined,
        finalize=_shown,
        cache_size=0,
        optimized=False,  # nothing is evaluated while a file is loaded
    )
    environment.filters = dict(FILTERS)
    environment.tests = {name: environment.tests[name] for name in (*TESTS, "in")}
    environment.globals = {}
    return environment


def _shown(value: Any) -> Any:
    """How a value looks where it is printed without a filter."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | Component):
        return names(value)
    if isinstance(value, str | int | Undefined):
        return value
    if value is None:
        return ""
    raise TypeError("a map cannot be printed as it is; name the label, as in labels.region")


def compiled(source: str, extra: Collection[str] = ()) -> Template:
    """The template, ready to render.  Raises ValueError with the first finding."""
    findings = check_template(source, extra)
    if findings:
        line, column, message = findings[0]
        raise ValueError(f"line {line + 1}, column {column + 1}: {message}")
    return cage().from_string(source)


def check_template(source: str, extra: Collection[str] = ()) -> list[Finding]:
    """What is wrong with a template, in order; empty when it can be used.

    ``extra`` are further names that exist, such as the rule set's windows.
    Line and column are offsets from the start of the template, from 0; the
    message has the remedy behind a semicolon.
    """
    if len(source) > MAX_SOURCE:
        return [(0, 0, f"the template has more than {MAX_SOURCE:,} characters; shorten it")]
    try:
        findings = _findings(source, extra)
        if not findings:
            cage().from_string(source)
    except TemplateSyntaxError as error:
        return [(max(error.lineno - 1, 0), 0, f"{error.message}; look at the starter pack for examples")]
    # ValueError: a number of thousands of digits; SyntaxError and MemoryError: Python's own parser gave up.
    except (RecursionError, ValueError, SyntaxError, MemoryError):
        return [(0, 0, "the template is nested too deeply or has a number too long; make it simpler")]
    return findings


def facts_in(source: str) -> set[str]:
    """The names that a template reads; none of one that cannot be read."""
    try:
        tree = cage().parse(source)
    except (TemplateSyntaxError, RecursionError, ValueError):
        return set()
    return {name.name for name in tree.find_all(nodes.Name) if name.ctx == "load"} - _targets(tree)


def _findings(source: str, extra: Collection[str]) -> list[Finding]:
    tree = cage().parse(source)
    checker = _Checker(source, {*FACTS, *CONSTANTS, *extra, "loop"}, _targets(tree))
    return sorted(set(checker.findings(tree)))


def _targets(tree: nodes.Template) -> set[str]:
    return {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}


class _Checker:
    """One walk over one syntax tree."""

    def __init__(self, source: str, known: set[str], targets: set[str]) -> None:
        # Blanks in place of what stands between the tags, so that columns are found inside them alone.
        self.lines = TAGS.sub(lambda found: found[1] or " ", source).split("\n")
        self.known = known
        self.targets = targets
        self.set_names: set[str] = set()

    def findings(self, tree: nodes.Template) -> Iterator[Finding]:
        self.set_names = {name.name for line in tree.find_all(nodes.Assign) for name in _names(line.target)}
        loops = 0
        stack: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
        while stack:
            node, depth, inside = stack.pop()
            if depth > MAX_DEPTH:
                yield self._at(node, "", "nested too deeply; split the sentence")
                continue
            yield from self._node(node)
            if isinstance(node, nodes.For):
                loops += 1
                inside += 1
                if inside > 2:
                    yield self._at(node, "for", "loops may be two deep at most; use the filters")
                if loops == MAX_LOOPS + 1:
                    yield self._at(node, "for", f"more than {MAX_LOOPS} loops in one text; use the filters")
            stack.extend((child, depth + 1, inside) for child in node.iter_child_nodes())

    def _at(self, node: nodes.Node, token: str, message: str) -> Finding:
        line = max((node.lineno or 1) - 1, 0)
        text = self.lines[line] if line < len(self.lines) else ""
        edge = r"\b" if token.isidentifier() else ""
        found = re.search(f"{edge}{re.escape(token)}{edge}", text) if token else None
        return line, found.start() if found else 0, message

    def _node(self, node: nodes.Node) -> Iterator[Finding]:
        if not isinstance(node, ALLOWED):
            token, message = REFUSED.get(
                type(node), ("", f"{type(node).__name__} is not part of texts; remove it")
            )
            yield self._at(node, token, message)
        check = getattr(self, f"_{type(node).__name__.lower()}", None)
        if check is not None:
            yield from check(node)

    def _name(self, node: nodes.Name) -> Iterator[Finding]:
        if node.ctx == "store":
            if node.name in self.known:
                yield self._at(node, node.name, f'"{node.name}" is a fact; choose another name')
        elif node.name not in self.known | self.targets:
            yield self._at(node, node.name, _unknown("fact", node.name, self.known | self.targets))

    def _filter(self, node: nodes.Filter) -> Iterator[Finding]:
        if node.name not in FILTERS:
            yield self._at(node, node.name, _unknown("filter", node.name, FILTERS))
            return
        if node.dyn_args or node.dyn_kwargs:
            yield self._at(node, node.name, "arguments with * are not part of texts; write them out")
        given = {str(keyword.key): None for keyword in node.kwargs}
        try:
            inspect.signature(FILTERS[node.name]).bind(None, *node.args, **given)
        except TypeError as error:
            yield self._at(node, node.name, f'filter "{node.name}": {error}; see tocsin rules vars')

    def _test(self, node: nodes.Test) -> Iterator[Finding]:
        if node.name not in TESTS:
            yield self._at(node, node.name, _unknown("test", node.name, TESTS))

    def _for(self, node: nodes.For) -> Iterator[Finding]:
        given = node.iter
        if isinstance(given, nodes.Filter) and given.name == "items" and given.node is not None:
            given = given.node
        if isinstance(given, nodes.Getitem) and isinstance(given.arg, nodes.Slice):
            given = given.node
        if not (isinstance(given, nodes.Name) and given.name in LISTS):
            yield self._at(
                node, "for", f"a loop runs over given lists alone; write one of {', '.join(LISTS)}"
            )
        if node.recursive:
            yield self._at(node, "recursive", "a loop cannot call itself; remove recursive")

    def _assign(self, node: nodes.Assign) -> Iterator[Finding]:
        # Were this allowed, twenty lines of {% set a = a ~ a %} would fill the memory.
        for name in _names(node.node):
            if name.name in self.set_names:
                yield self._at(node, name.name, f'"{name.name}" was set; a value is made of facts alone')

    def _call(self, node: nodes.Call) -> Iterator[Finding]:
        called = node.node.name if isinstance(node.node, nodes.Name) else ""
        if called != "label":
            yield self._at(node, called, 'a text calls no function but one; write label("region")')
        elif len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            yield self._at(node, called, 'label takes one name; write label("region")')

    def _getattr(self, node: nodes.Getattr) -> Iterator[Finding]:
        owner = node.node.name if isinstance(node.node, nodes.Name) else ""
        if owner == "labels":
            return
        parts = LOOP_PARTS if owner == "loop" else COMPONENT_PARTS
        if node.attr not in parts or owner in self.known - {"loop"}:
            yield self._at(node, node.attr, _unknown("part", node.attr, parts))

    def _getitem(self, node: nodes.Getitem) -> Iterator[Finding]:
        owner = node.node.name if isinstance(node.node, nodes.Name) else ""
        text = isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
        if text and owner != "labels":
            yield self._at(node, "[", 'only labels are read by name; write labels["region"]')

    def _compare(self, node: nodes.Compare) -> Iterator[Finding]:
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        if any(isinstance(side, nodes.Const) and side.value is None for side in sides):
            yield self._at(node, "none", 'the bare none means "no value" here; write "none" with quotes')


def _names(node: nodes.Node) -> list[nodes.Name]:
    return [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(sorted(known))}"
    return f'unknown {kind} "{name}"; {hint}'
