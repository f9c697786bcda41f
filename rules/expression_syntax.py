"""The part of CEL that an ``if`` may use, as a tree with offsets.

CEL itself runs the expression; this parser exists so that names, types and
quotes can be checked at load with the exact column, and so that nothing but
this part ever reaches CEL.  Grammar: the CEL specification's, without macros,
indexing, fields, maps, bytes and unsigned numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LONGEST = 1_000  # characters of one expression
DEEPEST = 24  # nested parentheses, lists and signs


class ExpressionError(ValueError):
    """Not an expression that may be used; ``offset`` is where, ``remedy`` what to write."""

    def __init__(self, message: str, offset: int, remedy: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Node:
    """``kind`` tells what ``text`` and ``children`` mean."""

    kind: Literal["name", "int", "double", "bool", "text", "list", "call", "unary", "binary", "choice"]
    text: str  # the name, literal, function or operator
    offset: int
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


_TOKENS = re.compile(
    r"""\s*(?:(?P<double>\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)|(?P<int>0x[0-9a-fA-F]+|\d+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]]))""",
    re.VERBOSE | re.ASCII,
)
_WRONG = {
    "=": ("= is no comparison", "write =="),
    "&": ("& is not an operator", "write &&"),
    "|": ("| is not an operator", "write ||"),
    "{": ("maps cannot be used here", "remove it"),
    '"': ('the closing " is missing', "close the quotes"),
    "'": ("the closing ' is missing", "close the quotes"),
}
_WORD_OPERATORS = {"and": "&&", "or": "||", "not": "!", "is": "==", "AND": "&&", "OR": "||", "NOT": "!"}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)


def parse(source: str) -> Node:
    """The tree of an expression; raises ExpressionError."""
    if len(source) > LONGEST:
        raise ExpressionError(
            f"the expression is longer than {LONGEST} characters", LONGEST, "split the step"
        )
    parser = _Parser(_tokens(source))
    tree = parser.choice(0)
    rest = parser.peek()
    if rest.kind != "end":
        word = _WORD_OPERATORS.get(rest.text)
        remedy = f"write {word}" if word else "join two conditions with && or ||"
        raise ExpressionError(f"{rest.text!r} is not expected here", rest.offset, remedy)
    return tree


def _tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    end = len(source.rstrip())
    while position < end:
        match = _TOKENS.match(source, position)
        if match is None or match.lastgroup is None:
            offset = position + len(source[position:]) - len(source[position:].lstrip())
            wrong = source[offset]
            message, remedy = _WRONG.get(wrong, (f"{wrong!r} cannot stand in an expression", "remove it"))
            raise ExpressionError(message, offset, remedy)
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return [*tokens, _Token("end", "the end", end)]


class _Parser:
    """Recursive descent; depth is counted so that no input can exhaust the stack."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.index = 0

    def peek(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.tokens[self.index]
        self.index += token.kind != "end"
        return token

    def accept(self, *signs: str) -> _Token | None:
        token = self.peek()
        if token.kind in ("sign", "name") and token.text in signs:
            return self.take()
        return None

    def expect(self, sign: str) -> None:
        token = self.peek()
        if self.accept(sign) is None:
            raise ExpressionError(
                f"{token.text!r} stands where {sign!r} is expected", token.offset, f"add {sign}"
            )

    def choice(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise ExpressionError(f"nests deeper than {DEEPEST} levels", self.peek().offset, "simplify it")
        condition = self.binary(0, depth)
        mark = self.accept("?")
        if mark is None:
            return condition
        good = self.choice(depth + 1)
        self.expect(":")
        return Node("choice", "?", mark.offset, (condition, good, self.choice(depth + 1)))

    def binary(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self.unary(depth)
        left = self.binary(level + 1, depth)
        while operator := self.accept(*_LEVELS[level]):
            right = self.binary(level + 1, depth)
            left = Node("binary", operator.text, operator.offset, (left, right))
        return left

    def unary(self, depth: int) -> Node:
        sign = self.accept("!", "-")
        if sign is None:
            return self.member(depth)
        if depth > DEEPEST:
            raise ExpressionError(f"nests deeper than {DEEPEST} levels", sign.offset, "simplify it")
        return Node("unary", sign.text, sign.offset, (self.unary(depth + 1),))

    def member(self, depth: int) -> Node:
        node = self.primary(depth)
        while mark := self.accept(".", "["):
            if mark.text == "[":
                raise ExpressionError("indexing with [ ] cannot be used", mark.offset, "write `x in list`")
            name = self.take()
            if name.kind != "name" or not self.accept("("):
                raise ExpressionError("fields with a dot cannot be used", mark.offset, 'write label("name")')
            node = Node("call", name.text, name.offset, (node, *self.arguments(")", depth)))
        return node

    def primary(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "name":
            return self.named(token, depth)
        if token.kind in ("int", "double", "text"):
            kind: Literal["int", "double", "text"] = token.kind  # type: ignore[assignment]  # narrowed by `in`
            return Node(kind, token.text, token.offset)
        if token.text == "(":
            inner = self.choice(depth + 1)
            self.expect(")")
            return inner
        if token.text == "[":
            return Node("list", "[]", token.offset, self.arguments("]", depth))
        raise ExpressionError(
            f"{token.text!r} is not expected here", token.offset, "a fact, a word or a number"
        )

    def named(self, token: _Token, depth: int) -> Node:
        if token.text in ("true", "false"):
            return Node("bool", token.text, token.offset)
        if token.text in _WORD_OPERATORS:
            remedy = f"write {_WORD_OPERATORS[token.text]}"
            raise ExpressionError(f"{token.text!r} is not an operator", token.offset, remedy)
        if self.accept("("):
            return Node("call", token.text, token.offset, self.arguments(")", depth))
        return Node("name", token.text, token.offset)

    def arguments(self, closing: str, depth: int) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.accept(closing):
            found.append(self.choice(depth + 1))
            if not self.accept(","):
                self.expect(closing)
                break
        return tuple(found)
