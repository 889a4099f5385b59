"""Test examples that nearly equal a training example: the same one in another format, size, loudness or spelling.

An example is known by what such changes leave alone. Rules were chosen so that they find nothing in published data
that has no copies: docs/splits.md has the rules and the measurements.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tlbench.contract.task_data import Array, ExampleSequence

Fingerprint: TypeAlias = "Array | str | None"
"""An array to be compared by correlation, a text to be compared by equality, or nothing to compare."""
GRID = 16
LOUD, COMPRESSION = 0.05, 0.25
"""A recording begins with its first sample of this share of the largest; powers of a spectrum are raised to this."""
LETTERS, FRACTIONS, DIGITS = 20, 4, 4
"""Letters and digits that a text must have, fractional numbers that a row must have, and digits that are compared."""
ALIKE = {"image": 0.998, "audio": 0.99}
"""Correlation from which on two examples are copies."""
COMPONENTS, NEIGHBOURS = 8, 8


def fingerprint(modality: str, example: Any) -> Fingerprint:
    """Return what is compared of a raw example; None for a modality without a rule, or too little content."""
    describe = FINGERPRINTS.get(modality)
    return None if describe is None else describe(example)


def _image(image: Array) -> Fingerprint:
    """Brightness on a grid of 16 x 16."""
    if np.ndim(image) != 3 or not np.size(image):
        return None
    grey = np.asarray(image, np.float32).mean(2)
    return _pooled(_pooled(grey, GRID, 0), GRID, 1).ravel()


def _sound(wave: Array) -> Fingerprint:
    """Power in 16 frames and 16 bands, without the silence around it."""
    loud = np.flatnonzero(np.abs(wave) > LOUD * np.abs(wave).max(initial=0))
    if np.ndim(wave) != 1 or not len(loud):
        return None
    heard = np.asarray(wave[loud[0] : loud[-1] + 1], np.float32)
    frames = np.zeros((GRID, max(2 * GRID, -(-len(heard) // GRID))), np.float32)
    frames.reshape(-1)[: len(heard)] = heard
    power = _pooled(np.abs(np.fft.rfft(frames)[:, 1:]) ** 2, GRID, 1)
    return np.asarray((power / power.max(initial=1e-30)).ravel() ** COMPRESSION, np.float32)


def _text(text: Any) -> Fingerprint:
    """Letters and digits, whatever the case, of a text, a pair of texts or a list of words."""
    whole = text if isinstance(text, str) else "\0".join(map(str, text))
    kept = [sign for sign in unicodedata.normalize("NFKC", whole).casefold() if sign.isalnum() or sign == "\0"]
    return "".join(kept) if len(kept) >= LETTERS else None


def _numbers(row: Array) -> Fingerprint:
    """Numbers rounded to four digits. Whole numbers alone are often equal by chance."""
    values = np.asarray(row, np.float64).ravel()
    if np.count_nonzero(values != np.round(values)) < FRACTIONS:
        return None
    return " ".join(f"{value:.{DIGITS}g}" for value in values)


FINGERPRINTS: Mapping[str, Callable[[Any], Fingerprint]] = {
    "image": _image,
    "audio": _sound,
    "text": _text,
    "tabular": _numbers,
    "series": _numbers,
}


def _pooled(values: Array, size: int, axis: int) -> Array:
    """Return the means of `size` equal parts of an axis, which may begin and end inside an element."""
    rows = np.moveaxis(values, axis, 0)
    total = np.concatenate([np.zeros_like(rows[:1], np.float64), np.cumsum(rows, 0, np.float64)])
    edges = np.linspace(0, len(rows), size + 1)
    whole = np.minimum(edges.astype(int), len(rows) - 1)
    part = (edges - whole).reshape(-1, *[1] * (rows.ndim - 1))
    sums = np.diff(total[whole] + part * rows[whole], axis=0)
    return np.asarray(np.moveaxis(sums * (size / len(rows)), 0, axis))


def near_pairs(modality: str, training: Sequence[Fingerprint], test: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Return the positions of test examples that nearly equal a training example, each with the position of one."""
    if modality in ALIKE:
        return _correlated(training, test, ALIKE[modality])
    first: dict[str, int] = {}
    for position, key in enumerate(training):
        if isinstance(key, str):
            first.setdefault(key, position)
    return [(position, first[key]) for position, key in enumerate(test) if isinstance(key, str) and key in first]


def _correlated(training: Sequence[Fingerprint], test: Sequence[Fingerprint], least: float) -> list[tuple[int, int]]:
    from scipy.spatial import cKDTree

    there, here = ([i for i, one in enumerate(split) if one is not None] for split in (training, test))
    if not there or not here:
        return []
    rows = np.stack([np.asarray(training[i]) for i in there] + [np.asarray(test[i]) for i in here]).astype(np.float32)
    # What all examples have in common, such as a white background, says nothing.
    rows = _unit(_unit(rows - rows.mean(1, keepdims=True)) - _unit(rows - rows.mean(1, keepdims=True)).mean(0))
    # Neighbours are searched in the directions in which examples differ most: a search in all would take minutes.
    directions = np.linalg.eigh(rows.T @ rows)[1][:, -COMPONENTS:]
    known, asked = np.split(rows, [len(there)])
    tree = cKDTree(known @ directions)
    apart = float(np.sqrt(2 - 2 * least))
    _, near = tree.query(asked @ directions, k=[*range(1, NEIGHBOURS + 1)], distance_upper_bound=apart)
    pairs = []
    for position, neighbours in enumerate(near):
        candidates = neighbours[neighbours < len(there)]
        alike = known[candidates] @ asked[position]
        if len(alike) and alike.max() >= least:
            pairs.append((here[position], there[candidates[alike.argmax()]]))
    return pairs


def _unit(rows: Array) -> Array:
    """Return rows of length 1; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-6))


class Watched(Sequence[Any]):
    """A sequence that keeps the fingerprint of every example that is read from it, so that no file is read twice."""

    def __init__(self, modality: str, inputs: ExampleSequence) -> None:
        self.modality, self._inputs = modality, inputs
        self.prints: list[Fingerprint] = [None] * len(inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[position] for position in range(len(self))[index]]
        example = self._inputs[index]
        if self.prints[index] is None:
            self.prints[index] = fingerprint(self.modality, example)
        return example

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))


def near_copies(training: Watched, test: Watched) -> int | None:
    """Return how many test examples nearly equal a training example; None for a modality without a rule."""
    if test.modality not in FINGERPRINTS:
        return None
    return len(near_pairs(test.modality, training.prints, test.prints))
