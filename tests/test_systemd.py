"""The unit file: what it promises, and what systemd itself says about it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config.settings import Settings
from config.shape import is_secret, walk

UNIT = Path(__file__).parents[1] / "systemd" / "tocsin.service"
HIGHEST_EXPOSURE = "11"
"""1.1, in tenths: what is left is the network that a daemon needs (lower is better)."""
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (Debian: apt install systemd)",
)


def settings_of(unit: str) -> dict[str, list[str]]:
    """Key -> values, of all sections."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


UNIT_SETTINGS = settings_of(UNIT.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("TimeoutAbortSec", "5"),
        ("Restart", "always"),
        ("RestartSec", "2"),
        ("StartLimitIntervalSec", "0"),
        ("TimeoutStopSec", "40"),
        ("DynamicUser", "yes"),
        ("StateDirectoryMode", "0700"),
        ("RuntimeDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("OOMScoreAdjust", "-500"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectProc", "invisible"),
        ("ProcSubset", "pid"),
        ("PrivateMounts", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallArchitectures", "native"),
    ],
)
def test_unit_promises(key: str, value: str) -> None:
    """The settings that the design names are there, once."""
    assert UNIT_SETTINGS[key] == [value]


def test_unit_starts_the_console_script() -> None:
    """No module is found by the working directory's name."""
    [command] = UNIT_SETTINGS["ExecStart"]
    assert command.split()[:2] == ["/opt/tocsin/bin/tocsin", "serve"]
    assert "PYTHONSAFEPATH=1" in UNIT_SETTINGS["Environment"][0]


def test_stopping_is_given_time() -> None:
    """The manager waits longer than the daemon's own grace: a delivery that may still end is not killed."""
    grace = Settings().limits.shutdown_grace / 1000
    assert int(UNIT_SETTINGS["TimeoutStopSec"][0]) > grace


def test_credentials_are_keys_of_the_configuration() -> None:
    """Each credential in the unit is the name of a secret key."""
    text = {
        "sources": [{"name": "alertmanager"}],
        "channels": [
            {"name": "subscribers", "kind": "email"},
            {"name": "ops", "kind": "slack"},
            {"name": "x", "kind": "x"},
        ],
        "api": {},
    }
    known = set()
    for model, mapping, path in walk(Settings, text):
        words = [str(part) for part in path if isinstance(part, str)] + [
            str(mapping[k]) for k in ("name",) if k in mapping
        ]
        known |= {
            ".".join(("tocsin", *words, name))
            for name, field in model.model_fields.items()
            if is_secret(field)
        }
    assert set(UNIT_SETTINGS["LoadCredential"]) <= known


@pytest.mark.external
@needs_systemd
def test_exposure_stays_low() -> None:
    """The score that systemd gives to the sandbox is at most 1.1."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", UNIT],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.external
@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """No key is unknown and no value is refused; the program alone need not be installed here."""
    unit = tmp_path / "tocsin.service"
    unit.write_text(
        UNIT.read_text(encoding="utf-8").replace("/opt/tocsin/bin/tocsin", "/bin/true"), encoding="utf-8"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "tocsin.service" not in done.stderr
