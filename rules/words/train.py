"""`make words-train`: the weights of the second layer, from the labelled sentences.

Newton's method on a convex problem has one answer; rounded, it is the same on
every machine.  Thresholds come from families that the weights did not see.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rules.words.embedding import vector
from rules.words.labelled import read_folder
from rules.words.model import ANY, FILE
from rules.words.reading import read, shown

Array = np.ndarray[Any, np.dtype[np.float64]]
CHECKS = ("blame", "overpromise", "minimising", "speculation", "unprofessional", "tone", "jargon")
RIDGE = 0.1
ROUNDS = 12  # Newton steps; the change is below 1e-9 after eight
HEAVIER = 3.0  # a bad sentence of one check against the many others
FOLDS = 4
ALLOWED = {ANY: 0.015}  # share of good sentences that may be flagged, by model
ALLOWED_ONE = 0.005
DIGITS = 4

Row = tuple[str, str, str]  # sentence, check or "good", family


def rows() -> list[Row]:
    """The sentences to learn from; whole good updates count sentence by sentence."""
    found: list[Row] = []
    for one in read_folder():
        if one.label == "good":
            reading = read(one.text)
            found += [(shown(reading, sentence), "good", one.family) for sentence in reading.sentences]
        elif one.check in CHECKS:
            found.append((one.text, one.check, one.family))
    return found


def fit(vectors: Array, wanted: Array, heavier: float) -> Array:
    """Ridge logistic regression: weights, then the offset."""
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    importance = np.where(wanted > 0, heavier, 1.0)
    ridge = np.eye(inputs.shape[1]) * RIDGE
    ridge[-1, -1] = 1e-6
    weights = np.zeros(inputs.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (importance * (chance - wanted)) + ridge @ weights
        curve = (inputs * (importance * chance * (1 - chance))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights


def trained(learned: Sequence[Row]) -> dict[str, Any]:
    """What ``model.json`` holds."""
    vectors = np.array([vector(sentence) for sentence, _, _ in learned])
    families = sorted({family for _, _, family in learned})
    fold = np.array([families.index(family) % FOLDS for _, _, family in learned])
    good = np.array([label == "good" for _, label, _ in learned])
    models = {}
    for name in (*CHECKS, ANY):
        wanted = np.array(
            [label != "good" if name == ANY else label == name for _, label, _ in learned], float
        )
        heavier = 1.0 if name == ANY else HEAVIER
        unseen = np.zeros(len(learned))
        for number in range(FOLDS):
            inside = fold != number
            weights = fit(vectors[inside], wanted[inside], heavier)
            unseen[~inside] = vectors[~inside] @ weights[:-1] + weights[-1]
        threshold = float(np.quantile(unseen[good], 1 - ALLOWED.get(name, ALLOWED_ONE)))
        weights = fit(vectors, wanted, heavier)
        models[name] = {
            "offset": round(float(weights[-1]) - threshold, DIGITS),
            "weights": [round(float(one), DIGITS) for one in weights[:-1]],
        }
    examples = {name: [sentence for sentence, label, _ in learned if label == name] for name in CHECKS}
    return {"models": models, "examples": examples}


def written(data: dict[str, Any]) -> str:
    """The file's text: a line for each model's weights and each example."""
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True).replace(",\n    ", ", ") + "\n"


def main() -> None:
    text = written(trained(rows()))
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text(text, encoding="utf-8")
    print(f"{target}: {len(text) // 1000} kB")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
