"""The configuration file as it was written; light enough for commands that must start fast."""

from __future__ import annotations

from pathlib import Path

from daemon.core.errors import BadConfig
from rules.errors import LoadError
from rules.yaml_source import Document, read


def read_document(file: Path | None) -> Document:
    """The parsed file; none: an empty one.

    Raises BadConfig when it cannot be read, LoadError when it is not YAML.
    """
    if file is None:
        return Document("defaults", "", {})
    try:
        document = read(str(file), file.read_bytes())
    except OSError as error:
        remedy = "name an existing file with -c FILE or TOCSIN_CONFIG"
        raise BadConfig(f"{file}: cannot be read ({error.strerror}); {remedy}") from error
    if document.problems:
        raise LoadError(document.problems)
    return document
