"""A few test examples, kept with the prepared data: an exported model comes with them, and shows what it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.learning.data import Inputs

SAMPLES = 8
MOST_BYTES = 10**6
"""Of the samples of an export together, unless a single one is larger."""


def write_samples(folder: Path, inputs: Inputs, raw: ExampleSequence | None) -> None:
    """Write examples, evenly spread, as `sample-POSITION.npz`: their model inputs without the batch axis.

    Beside them lie the raw examples, arrays as `.npy`, texts and lists of words as `.json`, where `raw` is given: but
    for large ones, such as photographs of many megapixels. There are up to 8 examples, fewer if they are large.
    """
    most = MOST_BYTES // SAMPLES
    largest = max(most, *(sum(part.nbytes for part in _prepared(inputs, place)) for place in _spread(inputs, SAMPLES)))
    for place in _spread(inputs, max(1, MOST_BYTES // largest)):
        path = folder / f"sample-{place}"
        np.savez(path.with_suffix(".npz"), *_prepared(inputs, place))
        if raw is not None:
            _write_raw(path, raw[place], largest)


def _spread(inputs: Inputs, count: int) -> list[int]:
    """Return positions over a whole split, for data sets often come sorted by label."""
    return sorted(set(np.linspace(0, len(inputs) - 1, count).round().astype(int).tolist()))


def _prepared(inputs: Inputs, place: int) -> list[Array]:
    return [part.numpy()[0] for part in inputs.batch(np.array([place]))]


def _write_raw(path: Path, example: Any, most: int) -> None:
    """Write a raw example of up to so many bytes."""
    if isinstance(example, str) or (isinstance(example, list | tuple) and all(isinstance(w, str) for w in example)):
        text = json.dumps(example, ensure_ascii=False).encode()
        if len(text) <= most:
            path.with_suffix(".json").write_bytes(text)
    elif (array := np.asarray(example)).nbytes <= most:
        np.save(path.with_suffix(".npy"), array, allow_pickle=False)
