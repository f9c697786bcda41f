"""Static sentence embeddings: the mean of word vectors that the package ``wordllama`` carries.

Only its two data files are read: its own loader would ask the network for the
tokenizer.  The same sentence has the same vector everywhere.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
WEIGHTS = "weights/l2_supercat_256.safetensors"
SIZE = 256
LONGEST = 2_000  # characters of one sentence
REMEDY = "install it with: pip install 'tocsin[words]'"


def missing() -> str:
    """Why there are no embeddings; empty when all is there.  Loads nothing."""
    for name in ("numpy", "tokenizers", "wordllama"):
        if importlib.util.find_spec(name) is None:
            return f"the second layer of the wording gate is off: {name} is not installed; {REMEDY}"
    for file in (TOKENIZER, WEIGHTS):
        if not (_folder() / file).is_file():
            return f"the second layer of the wording gate is off: wordllama lacks {file}; {REMEDY}"
    return ""


def _folder() -> Path:
    found = importlib.util.find_spec("wordllama")  # does not import it
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("wordllama")
    return Path(next(iter(found.submodule_search_locations)))


@functools.cache
def _loaded() -> tuple[Any, Any]:
    import numpy as np  # noqa: PLC0415 - only when the second layer is first used
    from tokenizers import Tokenizer  # noqa: PLC0415 - see above

    tokenizer = Tokenizer.from_file(str(_folder() / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    raw = np.memmap(_folder() / WEIGHTS, dtype=np.uint8, mode="r")
    size = int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8 : 8 + size].tobytes())["embedding.weight"]
    start, end = header["data_offsets"]
    table = raw[8 + size + start : 8 + size + end].view(np.float16).reshape(header["shape"])
    return tokenizer, table


def vector(sentence: str) -> Vector:
    """The sentence's direction: length 1, or 0 when it has no tokens."""
    import numpy as np  # noqa: PLC0415 - see above

    tokenizer, table = _loaded()
    ids = tokenizer.encode(sentence[:LONGEST].lower(), add_special_tokens=False).ids
    if not ids:
        return np.zeros(SIZE)
    mean = table[ids].astype(np.float64).mean(axis=0)
    length = float(np.sqrt((mean * mean).sum()))
    return np.asarray(mean / length if length else mean)
