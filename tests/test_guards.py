"""The guards in conftest.py: they let nothing through, and leave the honest alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


def run(folder: Path, body: str, **environ: str) -> tuple[int, str]:
    """Run a file of tests below our conftest in a process of its own."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    external: x\n", encoding="utf-8")
    (folder / "test_it.py").write_text(dedent(body), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(folder)],
        cwd=folder, env={**clean, **environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    return done.returncode, done.stdout


SKIPPED = """
    import pytest

    @pytest.mark.external
    {how}
    """


@pytest.mark.parametrize(
    "how",
    [
        pytest.param('@pytest.mark.skipif(True, reason="not here")\n    def test_it(): pass', id="by mark"),
        pytest.param('def test_it(): pytest.skip("not here")', id="by call"),
    ],
)
def test_external_skips_are_errors_in_ci_alone(tmp_path: Path, how: str) -> None:
    """A missing program is a skip on a reader's machine, and a failure that says why in CI."""
    text = dedent(SKIPPED).replace("    {how}", "{how}").format(how=dedent("    " + how))
    code, output = run(tmp_path, text)
    assert code == 0
    assert "1 skipped" in output
    code, output = run(tmp_path, text, CI="true")
    assert code == 1
    assert "an external test may not be skipped in CI: " in output
    assert "not here" in output


def test_other_skips_stay_skips(tmp_path: Path) -> None:
    """Only what is marked external has to run in CI."""
    code, _ = run(tmp_path, 'import pytest\ndef test_it(): pytest.skip("for a reason")\n', CI="true")
    assert code == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            "import subprocess\ndef test_it(): subprocess.Popen(['sleep', '20'])\n", "sleep 20", id="process"
        ),
        pytest.param(
            "import threading\nstop = threading.Event()\n"
            "def test_it(): threading.Thread(target=stop.wait, args=(4,), name='stray').start()\n",
            "stray",
            id="thread",
        ),
    ],
)
def test_what_is_left_running_is_an_error(tmp_path: Path, body: str, message: str) -> None:
    """A test that leaves a process or a thread behind does not pass, and the leftover is named."""
    code, output = run(tmp_path, body)
    assert code == 1
    assert "left running" in output
    assert message in output


def test_what_ends_in_time_is_fine(tmp_path: Path) -> None:
    """A thread that was told to stop may take a moment."""
    body = """
        import threading

        def test_it():
            stop = threading.Event()
            threading.Thread(target=stop.wait).start()
            threading.Timer(0.1, stop.set).start()
        """
    assert run(tmp_path, body)[0] == 0
