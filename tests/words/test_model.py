"""The second layer: its weights are what the training gives, and it only warns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rules.words import embedding, model
from rules.words.finding import Severity
from rules.words.gate import check
from rules.words.labelled import read_folder
from rules.words.settings import Settings
from tests.sources import ROOT
from tests.words.scoring import FOLDERS


def test_weights_are_what_the_training_gives(tmp_path: Path) -> None:
    """`make words-train` would write the file in the repository again, byte for byte."""
    again = tmp_path / "model.json"
    subprocess.run(
        [sys.executable, "-m", "rules.words.train", str(again)],
        cwd=ROOT,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
    )
    assert again.read_bytes() == model.FILE.read_bytes()


def test_it_only_warns_and_says_like_what() -> None:
    """Its findings are warnings that quote the most similar labelled sentence."""
    sentences = [one for one in read_folder() if one.label == "bad" and one.check in model.models()]
    found = [
        finding
        for one in sentences
        for finding in check(one.text, Settings(phase=one.phase))
        if finding.why.startswith("it reads like")
    ]
    assert found
    assert {finding.severity for finding in found} == {Severity.warn}


def test_gate_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is missing only this layer is, and the reason names the remedy."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "tocsin[words]" in embedding.missing()
    model.available.cache_clear()
    try:
        assert check("AWS broke it again.")
        assert not model.available()
    finally:
        model.available.cache_clear()


def test_it_is_loaded_on_first_use_only() -> None:
    """Importing the gate, or checking with patterns alone, loads neither numpy nor the embeddings."""
    program = (
        "import sys; from rules.words.gate import check; from rules.words.settings import Settings;"
        "check('Calls fail.', Settings(model=False));"
        "print([name for name in ('numpy', 'tokenizers', 'wordllama', 'pydantic') if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert out.stdout.strip() == "[]"


def test_enough_sentences_in_separate_families() -> None:
    """At least 1,500 labelled texts; no text is in two parts."""
    texts = {name: [one.text for one in read_folder(folder)] for name, folder in FOLDERS.items()}
    assert sum(len(one) for one in texts.values()) >= 1_500
    parts = [set(one) for one in texts.values()]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
