"""Names and types of an ``if``, checked at load with the offset of what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.expression_syntax import ExpressionError, Node
from rules.facts import IF_FACTS, IMPACT_WORDS, STATUS_WORDS

LABEL_TESTS = ("startsWith", "endsWith", "contains", "matches")
_NUMBERS = ("int", "double")
_MACROS = {"all", "exists", "exists_one", "map", "filter", "has"}
_TIMES = {
    "timestamp",
    "duration",
    "now",
    "time",
    "date",
    "getHours",
    "getMinutes",
    "getDayOfWeek",
    "getFullYear",
}


@dataclass(frozen=True)
class Vocabulary:
    """What names mean in the set of files at hand."""

    channels: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(init=False)
    constants: Mapping[str, int | str] = field(init=False)

    def __post_init__(self) -> None:
        types = {name: fact.type for name, fact in IF_FACTS.items()}
        types |= dict.fromkeys(IMPACT_WORDS, "impact") | dict.fromkeys(STATUS_WORDS, "status")
        types |= dict.fromkeys(self.windows, "bool")
        for name in self.channels | self.components:
            kinds = [kind for kind, ids in self._ids() if name in ids]
            types.setdefault(name, "|".join(kinds))
        ids: dict[str, int | str] = {name: name for name in sorted(self.channels | self.components)}
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "constants", ids | IMPACT_WORDS | STATUS_WORDS)

    def _ids(self) -> tuple[tuple[str, frozenset[str]], ...]:
        return ("channel", self.channels), ("component", self.components)


def check(tree: Node, vocabulary: Vocabulary) -> None:
    """Raise ExpressionError unless the tree is a condition over known names."""
    found = _Checker(vocabulary).type_of(tree)
    if found != "bool":
        raise ExpressionError(f"is {_say(found)}, not a condition", tree.offset, "compare it with something")


class _Checker:
    """One method per kind of node; each returns the node's type."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def type_of(self, node: Node) -> str:
        if node.kind in ("int", "double", "bool"):
            return node.kind
        if node.kind == "text":
            return "text"
        return getattr(self, f"_{node.kind}")(node)  # type: ignore[no-any-return]  # methods of this class

    def _name(self, node: Node) -> str:
        known = self.vocabulary.types.get(node.text)
        if known is not None:
            return known
        if node.text == "labels":
            raise ExpressionError("labels is for texts", node.offset, 'write label("name")')
        close = difflib.get_close_matches(node.text, [*self.vocabulary.types, "label"], n=1)
        remedy = f"did you mean {close[0]}?" if close else "`tocsin rules vars` lists what there is"
        raise ExpressionError(f"{node.text} is not known", node.offset, remedy)

    def _unary(self, node: Node) -> str:
        found = self.type_of(node.children[0])
        if (node.text == "!" and found == "bool") or (node.text == "-" and found in _NUMBERS):
            return found
        raise ExpressionError(f"{node.text} cannot be applied to {_say(found)}", node.offset, "remove it")

    def _binary(self, node: Node) -> str:
        left, right = (self.type_of(child) for child in node.children)
        if node.text in ("&&", "||"):
            for child, found in zip(node.children, (left, right), strict=True):
                self._must(
                    found == "bool", child, f"is {_say(found)}, not a condition", "compare it with something"
                )
            return "bool"
        if node.text == "in":
            return self._in(node, left, right)
        self._check_quotes(node, left, right)
        if node.text in ("+", "-", "*", "/", "%"):
            return self._arithmetic(node, left, right)
        ordered = node.text not in ("==", "!=")
        fits = _comparable(left, right, ordered=ordered)
        self._must(
            fits,
            node,
            f"{_say(left)} cannot be compared with {_say(right)} by {node.text}",
            _hint(left, right),
        )
        return "bool"

    def _in(self, node: Node, left: str, right: str) -> str:
        item, holder = node.children
        self._must(right.startswith("list:"), holder, f"is {_say(right)}, not a list", "write `x in told`")
        if left == "text" and right != "list:label":
            self._quoted(item)
        if right == "list:text" and left != "label":
            self._quoted(holder.children[0])
        fits = right in ("list:", "list:any") or _comparable(left, right[5:], ordered=False)
        self._must(fits, item, f"{_say(left)} is never in {_say(right)}", _hint(left, right[5:]))
        return "bool"

    def _arithmetic(self, node: Node, left: str, right: str) -> str:
        good = left == right and left in _NUMBERS and not (node.text == "%" and left == "double")
        message = f"{node.text} cannot be applied to {_say(left)} and {_say(right)}"
        self._must(good, node, message, "there is no clock and no arithmetic on time or texts in `if`")
        self._check_constant_division(node)
        return left

    def _check_constant_division(self, node: Node) -> None:
        if node.text in ("/", "%"):
            divisor = node.children[1]
            zero = divisor.kind == "int" and int(divisor.text, 0 if divisor.text[:2] == "0x" else 10) == 0
            self._must(not zero, divisor, "divides by zero", "write another number")

    def _choice(self, node: Node) -> str:
        condition, good, bad = (self.type_of(child) for child in node.children)
        self._must(condition == "bool", node.children[0], f"is {_say(condition)}, not a condition", "")
        self._must(good == bad, node, f"gives {_say(good)} or {_say(bad)}", "let both sides be of one kind")
        return good

    def _list(self, node: Node) -> str:
        kinds = {self.type_of(child) for child in node.children}
        if not kinds:
            return "list:any"
        self._must(len(kinds) == 1, node, "mixes kinds in one list", "let all be of one kind")
        return f"list:{kinds.pop()}"

    def _call(self, node: Node) -> str:
        if node.text in _MACROS:
            raise ExpressionError(f"the macro {node.text} cannot be used", node.offset, "write `x in list`")
        if node.text in _TIMES:
            raise ExpressionError(
                "there is no clock in `if`", node.offset, "use `after`, `every` or a window"
            )
        if node.text == "label":
            good = len(node.children) == 1 and node.children[0].kind == "text"
            self._must(good, node, "label takes one quoted name", 'write label("region")')
            return "label"
        if node.text == "size":
            self._must(len(node.children) == 1, node, "size takes one list", "write size(components)")
            found = self.type_of(node.children[0])
            self._must(
                found.startswith("list:"), node, f"has no size: it is {_say(found)}", "use it on a list"
            )
            return "int"
        if node.text in LABEL_TESTS:
            return self._label_test(node)
        close = difflib.get_close_matches(node.text, ["label", "size", *LABEL_TESTS], n=1)
        remedy = f"did you mean {close[0]}?" if close else 'the functions are label("name") and size(list)'
        raise ExpressionError(f"the function {node.text} is not known", node.offset, remedy)

    def _label_test(self, node: Node) -> str:
        good = len(node.children) == 2 and node.children[1].kind == "text"
        good = good and self.type_of(node.children[0]) == "label"
        self._must(good, node, f"{node.text} tests a label", f'write label("region").{node.text}("eu")')
        return "bool"

    def _check_quotes(self, node: Node, left: str, right: str) -> None:
        for child, mine, other in zip(node.children, (left, right), (right, left), strict=True):
            if mine in ("text", "list:text") and other not in ("label", "list:label"):
                self._quoted(child)

    def _quoted(self, node: Node) -> None:
        while node.kind in ("list", "choice"):
            node = node.children[-1]
        bare = node.text[1:-1]
        remedy = (
            f"write {bare} without quotes" if bare in self.vocabulary.types else "write the id without quotes"
        )
        message = f"{node.text} is quoted: only what is compared with label(...) is"
        raise ExpressionError(message, node.offset, remedy)

    @staticmethod
    def _must(good: bool, node: Node, message: str, remedy: str) -> None:
        if not good:
            raise ExpressionError(message, node.offset, remedy)


def _comparable(left: str, right: str, *, ordered: bool) -> bool:
    if left in _NUMBERS and right in _NUMBERS:
        return True
    if ordered:
        return left == right and left in ("impact", "status")
    if {left, right} <= {"label", "text"}:
        return "label" in (left, right)
    if left.startswith("list:") and right.startswith("list:"):
        return "list:any" in (left, right) or _comparable(left[5:], right[5:], ordered=False)
    return bool(set(left.split("|")) & set(right.split("|")))


def _say(kind: str) -> str:
    if kind.startswith("list:"):
        inner = kind[5:]
        return "a list" if inner in ("", "any") else f"a list of {_say(inner).split(' ', 1)[-1]}s"
    names = {
        "bool": "a condition", "int": "a number", "double": "a number", "text": "a quoted text",
        "label": "a label", "impact": "an impact", "status": "a status", "channel": "a channel",
        "component": "a component",
    }  # fmt: skip
    return " or ".join(names.get(one, one) for one in kind.split("|"))


def _hint(left: str, right: str) -> str:
    pair = {left, right}
    if "impact" in pair:
        return f"compare impact with one of {', '.join(IMPACT_WORDS)}"
    if "status" in pair:
        return f"compare status with one of {', '.join(STATUS_WORDS)}"
    if "label" in pair:
        return 'compare label(...) with a quoted text by ==, != or in ["a", "b"]'
    return "compare two of a kind"
