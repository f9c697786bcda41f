"""A person's words: from the command line, from standard input, or from their editor."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from config.environment import environment
from daemon.core.errors import BadInput, Refused

STDIN = "-"
LONGEST_READ = 64 * 1024  # characters; the daemon takes 10,000

_NOTE = "# {about}\n# Customers read what you write here. Lines that begin with # are left out.\n"


def words(given: str | None, about: str, *, needed: bool) -> str:
    """The text: as given, ``-`` for standard input; with none, and if needed, from an editor on a terminal.

    Raises BadInput (none can be asked for, or it is not UTF-8) or Refused (nothing was written).
    """
    try:
        text = _taken(given, about, needed=needed)
        # Python keeps bytes that the locale cannot read as surrogates; most often they are UTF-8 after all.
        return text.encode(errors="surrogateescape").decode()
    except UnicodeError as error:
        raise BadInput("the text is not UTF-8; write it in a UTF-8 terminal or file") from error


def _taken(given: str | None, about: str, *, needed: bool) -> str:
    if given == STDIN:
        return sys.stdin.read(LONGEST_READ).strip()
    if given is not None or not needed:
        return given or ""
    if not _on_terminal():
        raise BadInput("what should be said? give the text, or - to read it from standard input")
    return _edited(about)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _edited(about: str) -> str:
    environ = environment()
    editor = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    with TemporaryDirectory(prefix="tocsin-") as folder:
        file = Path(folder) / "update.txt"
        file.write_text(f"\n{_NOTE.format(about=about)}", encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 - the user's own editor
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise BadInput(f"the editor {editor!r} failed ({error}); set EDITOR, or give the text") from error
        lines = file.read_text(encoding="utf-8").splitlines()
    text = "\n".join(one for one in lines if not one.startswith("#")).strip()
    if not text:
        raise Refused("nothing was written, so nothing was sent")
    return text
