"""The daemon's modules with a name passed before and after each ``await``; for the import system.

``await f(x)`` becomes ``(passed("… before"), await f(x), passed("… after"))[1]``.
``async with`` and ``async for`` go through a wrapper that does the same around
what they await, and so does every call that is given the word COMMIT.
Names are ``module:function:number`` and the side; numbers count within the function.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from tests.faults.failpoints import passing

HOOK = "__failpoints__"
"""What the rewritten modules call ``passing``."""


class Rewriting(ast.NodeTransformer):
    """Rewrites one module's tree; ``names`` are the failpoints that it has then."""

    def __init__(self, module: str) -> None:
        self.names: list[str] = []
        self._module = module
        self._place: list[str] = []
        self._counts: dict[str, int] = {}
        self._awaited: ast.AST | None = None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._within(node, node.name)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._within(node, node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._within(node, node.name)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        name, self._awaited = self._next(), node.value
        self.generic_visit(node)
        return self._surrounded(node, name, ("before", "after"))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        word = any(isinstance(one, ast.Constant) and one.value == "COMMIT" for one in node.args)
        commits = word and node is not self._awaited  # else the await has its names already
        name = self._next() if commits else ""
        self.generic_visit(node)
        return self._surrounded(node, name, ("before COMMIT", "after COMMIT")) if commits else node

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        for item in node.items:
            sides = ("before entry", "after entry", "before exit", "after exit")
            item.context_expr = self._wrapped("context", item.context_expr, self._next(), sides)
        self.generic_visit(node)
        return node

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        node.iter = self._wrapped("items", node.iter, self._next(), ("before", "after"))
        self.generic_visit(node)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            node.iter = self._wrapped("items", node.iter, self._next(), ("before", "after"))
        self.generic_visit(node)
        return node

    def _within(self, node: Any, name: str) -> ast.AST:
        self._place.append(name)
        self.generic_visit(node)
        self._place.pop()
        return node  # type: ignore[no-any-return]  # a node as it came

    def _next(self) -> str:
        place = f"{self._module}:{'.'.join(self._place)}"
        self._counts[place] = number = self._counts.get(place, 0) + 1
        return f"{place}:{number}"

    def _surrounded(self, node: ast.expr, name: str, sides: tuple[str, str]) -> ast.expr:
        before, after = (_call("passed", ast.Constant(f"{name} {side}")) for side in sides)
        self.names += [f"{name} {side}" for side in sides]
        three = ast.Tuple([before, node, after], ast.Load())
        answer = ast.Subscript(three, ast.Constant(1), ast.Load())
        return ast.fix_missing_locations(ast.copy_location(answer, node))

    def _wrapped(self, wrapper: str, node: ast.expr, name: str, sides: Sequence[str]) -> ast.expr:
        self.names += [f"{name} {side}" for side in sides]
        return ast.fix_missing_locations(ast.copy_location(_call(wrapper, node, ast.Constant(name)), node))


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    target = ast.Attribute(ast.Name(HOOK, ast.Load()), function, ast.Load())
    return ast.Call(target, list(arguments), [])


class RewritingLoader(SourceFileLoader):
    """Compiles the rewritten tree, and never leaves it in a cache where a real daemon could find it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = Rewriting(fullname).visit(ast.parse(self.get_data(path), filename=path))
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        vars(module)[HOOK] = passing
        super().exec_module(module)


class RewritingFinder(MetaPathFinder):
    """Finds the chosen modules where they are, and gives them the rewriting loader."""

    def __init__(self, chosen: frozenset[str]) -> None:
        self._chosen = chosen

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._chosen:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = RewritingLoader(fullname, spec.origin)
        return spec


def install(chosen: frozenset[str]) -> None:
    """From now on; modules that are imported already would stay as they are, which is an error."""
    late = sorted(chosen & sys.modules.keys())
    assert not late, f"imported before the failpoints: {late}"
    sys.meta_path.insert(0, RewritingFinder(chosen))
