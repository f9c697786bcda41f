"""The version of the installed program."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata


@lru_cache(maxsize=1)
def version() -> str:
    """The distribution's version, or ``0`` in a tree that was never installed."""
    try:
        return metadata.version("tocsin")
    except metadata.PackageNotFoundError:
        return "0"
