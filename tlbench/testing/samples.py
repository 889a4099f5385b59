"""Raw examples of every documented modality, small and of unequal sizes where the modality allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tlbench.contract.requests import FitRequest, Layout
from tlbench.contract.task_data import Array
from tlbench.testing.bench import Bench, NotApplicableError, need

SIZE = 24
WORDS = ("a", "the", "lens", "pan", "story", "good", "bad", "Ærø", "never", "42", "unbelievably", "?")


def sample(modality: str, layout: Layout, bench: Bench) -> FitRequest:
    """Return what a backbone may be fitted to, without options.

    Examples of a modality that tlbench does not document are taken from a task of the catalog.
    """
    if make := MAKERS.get((modality, layout)) or MAKERS.get((modality, None)):
        inputs: Any = make(np.random.default_rng(11))
        return FitRequest(inputs=inputs, options={}, sample_rate=8000 if modality == "audio" else None)
    for task in bench.catalog.tasks.values():
        if task.modality == modality and task.data_from == "package" and task.kind_of_source.layout == layout:
            need(task)
            data = bench.data(task)
            train = (data.source or data.target).train
            inputs = [train.inputs[i] for i in range(min(SIZE, len(train.inputs)))]
            return FitRequest(inputs=inputs, options={}, sample_rate=data.sample_rate)
    raise NotApplicableError(f'There is no task of the modality "{modality}" with {layout} features to check it with.')


def _images(random: np.random.Generator) -> Array:
    return random.integers(0, 256, (SIZE, 32, 32, 3), dtype=np.uint8)


def _sentences(random: np.random.Generator) -> list[list[str]]:
    return [random.choice(WORDS, size).tolist() for size in random.integers(1, 30, SIZE)]


def _texts(random: np.random.Generator) -> list[str]:
    return [" ".join(sentence) for sentence in _sentences(random)]


def _questions(random: np.random.Generator) -> list[tuple[str, str]]:
    return [(f"{text.split()[0]} ?", text) for text in _texts(random)]


def _prompts(random: np.random.Generator) -> list[tuple[str, str]]:
    return list(zip(_texts(random), _texts(random), strict=True))


def _sounds(random: np.random.Generator) -> list[Array]:
    return [0.3 * random.standard_normal(size).astype(np.float32) for size in random.integers(2000, 8000, SIZE)]


def _series(random: np.random.Generator) -> list[Array]:
    return [random.standard_normal((size, 3)).astype(np.float32) for size in random.integers(30, 60, SIZE)]


def _rows(random: np.random.Generator) -> Array:
    return random.standard_normal((SIZE, 9)).astype(np.float32)


MAKERS: Mapping[tuple[str, Layout | None], Callable[[np.random.Generator], Any]] = {
    ("image", None): _images,
    ("text", None): _texts,
    ("text", "sequence"): _sentences,
    ("text", "context"): _questions,
    ("text", "continuation"): _prompts,
    ("audio", None): _sounds,
    ("series", None): _series,
    ("tabular", None): _rows,
}
"""(modality, layout) -> what makes examples; None stands for all other layouts."""
