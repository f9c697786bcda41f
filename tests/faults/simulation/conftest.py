"""Ground for worlds: a folder in memory where the machine has one, and a template of the database."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """No power is cut here, so a disk would only cost time."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="tocsin-") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def only_warnings() -> Iterator[None]:
    """A year of incidents is a long log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)
