"""Some of the test examples, drawn by the seed, and those that a picture shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tlbench.learning import Inputs, TransferModel, device_of

POOL = 300
"""Test examples at most whose classes are predicted to choose those of a picture."""


def positions_of_some(number: int, most: int, generator: torch.Generator) -> list[int]:
    """Return the positions of at most so many of a number of examples, in their order."""
    if number <= most:
        return list(range(number))
    return [int(place) for place in torch.randperm(number, generator=generator)[:most].sort().values]


def some_of(inputs: Inputs, most: int, generator: torch.Generator) -> Inputs:
    """Return at most so many examples, in their order."""
    if len(inputs) <= most:
        return inputs
    return inputs.select(np.array(positions_of_some(len(inputs), most, generator)))


def of_each_class(model: TransferModel, inputs: Inputs, drawn: Sequence[int]) -> list[int]:
    """Return the positions of as many examples as were drawn, of each predicted class in turn.

    Those that were drawn come first; others are looked for at equal distances in the test split.
    """
    spread = np.linspace(0, len(inputs) - 1, min(POOL, len(inputs))).round().astype(int).tolist()
    places = list(dict.fromkeys([*drawn, *spread]))
    classes = predicted_classes(model, inputs.select(np.array(places)))
    return [places[index] for index in in_turn(classes)[: len(drawn)]]


def in_turn(classes: Sequence[int]) -> list[int]:
    """Return the positions of all: the first of each class, then the second of each, classes by their first place."""
    earlier: dict[int, int] = {}
    rounds = []
    for one in classes:
        earlier[one] = earlier.get(one, 0) + 1
        rounds.append(earlier[one])
    first = {one: place for place, one in reversed(list(enumerate(classes)))}
    return sorted(range(len(classes)), key=lambda place: (rounds[place], first[classes[place]]))


@torch.no_grad()
def predicted_classes(model: TransferModel, inputs: Inputs) -> list[int]:
    """Return the predicted class of each example; each has one prediction."""
    classes = np.zeros(len(inputs), np.int64)
    for positions, batch in inputs.by_length(64):
        classes[positions] = model(*(part.to(device_of(model)) for part in batch)).units.argmax(-1).cpu().numpy()
    return [int(one) for one in classes]
