"""A group of commands whose modules are imported when they are asked for, and one way to end in an error."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from daemon.core.errors import NotFound, Refused, TocsinError, Unavailable

NO = 1
"""Exit code: the answer is no."""

WRONG = 2
"""Exit code: wrong use, or a file of the operator is wrong."""


class LazyGroup(TyperGroup):
    """Finds commands in ``table``: name to ``module:attribute``, the attribute being a ``typer.Typer``."""

    table: dict[str, str] = {}  # noqa: RUF012 - a subclass sets it once

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx  # the same everywhere
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx  # the same everywhere
        place = self.table.get(cmd_name)
        if place is None:
            return None
        if cmd_name not in self.commands:
            module, _, attribute = place.partition(":")
            command = get_command(getattr(import_module(module), attribute))
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.table:
            for name in self.table:  # "did you mean" looks among those that are known
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TocsinError as error:
            fail(str(error))
            raise typer.Exit(exit_code(error)) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # typer's own ways to end; it knows what to do about a closed pipe, too
        except Exception as error:  # a fault of ours; a person gets one sentence, with a way to see more
            if ctx.params.get("traceback"):
                raise
            what = f"{type(error).__name__}: {error}"
            fail(f"this is a fault of tocsin ({what}); `tocsin --traceback ...` says where it is")
            raise typer.Exit(NO) from error


def exit_code(error: TocsinError) -> int:
    return NO if isinstance(error, NotFound | Refused | Unavailable) else WRONG


def fail(message: str) -> None:
    """Say on stderr what is wrong, without anything that a terminal would obey."""
    shown = "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in message)
    print(shown, file=sys.stderr)
