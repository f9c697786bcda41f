"""Look into a wheel: exactly our four roots, every source file, and no test."""  # noqa: INP001 - a script of CI

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOTS = {"daemon", "rules", "channels", "config"}


def faults(wheel: Path, sources: Path) -> list[str]:
    """What is wrong with the wheel that was built from ``sources``."""
    names = set(zipfile.ZipFile(wheel).namelist())
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    found = [f"top level: {', '.join(sorted(roots))}"] if roots != ROOTS else []
    wanted = {
        file.relative_to(sources).as_posix()
        for root in ROOTS
        for file in (sources / root).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    found += [f"missing: {name}" for name in sorted(wanted - names)]
    found += [f"not in the sources: {name}" for name in sorted(names - wanted) if ".dist-info/" not in name]
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]), Path(__file__).parents[1])
    sys.exit("\n".join(wrong) if wrong else 0)
