"""A few test examples, kept with the prepared data: an exported model comes with them, and shows what it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.task_data import ExampleSequence
from tlbench.learning.data import Inputs

SAMPLES = 8


def write_samples(folder: Path, inputs: Inputs, raw: ExampleSequence | None) -> None:
    """Write examples, evenly spread, as `sample-POSITION.npz`: their model inputs without the batch axis.

    Beside them lie the raw examples, arrays as `.npy`, texts and lists of words as `.json`, where `raw` is given.
    """
    # Evenly spread, for data sets often come sorted by label.
    for position in sorted(set(np.linspace(0, len(inputs) - 1, SAMPLES).round().astype(int).tolist())):
        path = folder / f"sample-{position}"
        np.savez(path.with_suffix(".npz"), *(part.numpy()[0] for part in inputs.batch(np.array([position]))))
        if raw is not None:
            _write_raw(path, raw[position])


def _write_raw(path: Path, example: Any) -> None:
    if isinstance(example, str) or (isinstance(example, list | tuple) and all(isinstance(w, str) for w in example)):
        path.with_suffix(".json").write_text(json.dumps(example, ensure_ascii=False), encoding="utf-8")
    else:
        np.save(path.with_suffix(".npy"), np.asarray(example), allow_pickle=False)
