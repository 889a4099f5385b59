"""Generated data, the same for every call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.testing.toy.tasks import SHAPES, table_files

COLOURS = ("red", "green", "blue")
STATES = ("normal", "rare")
TAGS = ("O", "B-PER", "I-PER")
WIDTH = 6
TRAIN, TEST = 240, 120


def load_blobs(request: LoadRequest) -> TaskData:
    """Return blobs as the source, and the same ones moved as the target."""
    random = np.random.default_rng(7)
    centres, noise = random.normal(0, 2, (len(COLOURS), WIDTH)), float(request.options["noise"])
    moved = centres * 1.1 + random.normal(0, 0.8, WIDTH)
    return TaskData(source=_side(COLOURS, centres, noise, random), target=_side(COLOURS, moved, noise, random))


def load_shapes(request: LoadRequest) -> TaskData:
    """Return three blobs as the source, and four others as the target."""
    random = np.random.default_rng(8)
    first, second = random.normal(0, 2, (len(COLOURS), WIDTH)), random.normal(0, 2, (len(SHAPES), WIDTH))
    return TaskData(source=_side(COLOURS, first, 1.0, random), target=_side(SHAPES, second, 1.0, random))


def load_alone(request: LoadRequest) -> TaskData:
    """Return four blobs as the target, and no source."""
    random = np.random.default_rng(11)
    return TaskData(source=None, target=_side(SHAPES, random.normal(0, 2, (len(SHAPES), WIDTH)), 1.0, random))


def load_rare(request: LoadRequest) -> TaskData:
    """Return a large blob of normal rows with a small one of anomalies, and both moved."""
    random = np.random.default_rng(10)
    centres, shares = random.normal(0, 2, (len(STATES), WIDTH)), (5 / 6, 1 / 6)
    moved = centres + random.normal(0, 0.8, WIDTH)
    return TaskData(
        source=_side(STATES, centres, 1.0, random, shares), target=_side(STATES, moved, 1.0, random, shares)
    )


def _side(
    labels: tuple[str, ...],
    centres: Any,
    noise: float,
    random: np.random.Generator,
    shares: Sequence[float] | None = None,
) -> Side:
    def split(size: int) -> Split:
        drawn = random.choice(len(labels), size, p=shares) if shares else random.integers(len(labels), size=size)
        rows = centres[drawn] + noise * random.normal(size=(size, WIDTH))
        return Split(inputs=rows.astype(np.float32), labels=drawn)

    return Side(labels=labels, train=split(TRAIN), test=split(TEST))


def share_right(request: LoadRequest, predict: Callable[[Sequence[Any]], Any]) -> dict[str, float]:
    """Return how often the predictor is right on the test rows, fed as raw rows."""
    test = load_blobs(request).target.test
    return {"success": float((predict(list(test.inputs)).argmax(1) == test.labels).mean())}


def load_names(request: LoadRequest) -> TaskData:
    """Return sentences with names; the target's names are the rarer half."""
    random = np.random.default_rng(9)
    return TaskData(
        source=Side(labels=TAGS, train=_sentences(160, 0, random), test=_sentences(60, 0, random)),
        target=Side(labels=TAGS, train=_sentences(120, 4, random), test=_sentences(60, 4, random)),
    )


def _sentences(size: int, first_name: int, random: np.random.Generator) -> Split:
    inputs, labels = [], []
    for _ in range(size):
        words = [f"word{i}" for i in random.integers(20, size=random.integers(3, 8))]
        tags = [0] * len(words)
        if random.random() < 0.6:
            place = int(random.integers(len(words)))
            name = first_name + int(random.integers(8))
            words[place : place + 1] = [f"first{name}", f"family{name}"]
            tags[place : place + 1] = [1, 2]
        inputs.append(words)
        labels.append(tags)
    return Split(inputs=inputs, labels=labels)


def load_table(request: LoadRequest) -> TaskData:
    """Read lines of six features, a label and a side; every third row of a side is for the test."""
    (path,) = table_files(request)
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise BadInputError(f'"{path}" cannot be read as a table of numbers: {error}.') from error
    return TaskData(source=_part(table[table[:, 7] == 0]), target=_part(table[table[:, 7] == 1]))


def _part(rows: Any) -> Side:
    def split(chosen: Any) -> Split:
        return Split(inputs=chosen[:, :WIDTH].astype(np.float32), labels=chosen[:, WIDTH].astype(int))

    test = np.arange(len(rows)) % 3 == 0
    return Side(labels=COLOURS, train=split(rows[~test]), test=split(rows[test]))
