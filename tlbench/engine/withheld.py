"""Prepared data with other contents in place of what a strategy must not see.

Nothing that the strategy may be given changes: its labelled examples keep their positions, and its unlabelled ones
their order.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tlbench.contract.task_data import Access, Array
from tlbench.engine.prepared import SPLITS, TAUGHT, Prepared
from tlbench.engine.splits import save_examples
from tlbench.learning.targets import Targets

PERMUTED, REPLACED = "permuted", "replaced"
PARTS = ("labels", "inputs")


@dataclass(frozen=True)
class Withheld:
    """What a strategy must not see of one split: positions of examples, `(M,)`."""

    labels: Array
    inputs: Array


def withheld(access: frozenset[Access], sizes: Mapping[str, int], budget: Array) -> dict[str, Withheld]:
    """Return what a strategy of this access must not see of each split, by the number of its examples.

    `budget` are the positions of the label budget in the target's training split.
    """
    found = {}
    for name, size in sizes.items():
        every, none = np.arange(size), np.zeros(0, np.int64)
        labels = inputs = every
        if name == "source-train" and Access.SOURCE in access:
            labels = inputs = none
        if name == "target-train":
            outside = np.setdiff1d(every, budget) if Access.TARGET_LABELS in access else every
            labels = none if Access.TARGET_ALL_LABELS in access else outside
            inputs = none if Access.TARGET_INPUTS in access else labels
        found[name] = Withheld(labels, inputs)
    return found


def write_changed(prepared: Prepared, hidden: Mapping[str, Withheld], how: str, folder: Path, seed: int) -> None:
    """Write prepared data whose withheld parts are `permuted` among themselves, or `replaced`.

    Permuted: labels and inputs each in another order. Replaced: every label is that of one withheld example, and inputs
    are drawn from the training split of the same side, those of a training split from what is withheld of it.
    """
    copied(prepared.folder, folder)
    random = np.random.default_rng(seed)
    for name, parts in hidden.items():
        examples = prepared.split(name)
        order = _order(len(examples), parts.labels, how, random)
        targets = _targets(examples.targets, order)
        if how == PERMUTED or name.endswith("-train"):
            inputs = examples.inputs.select(_order(len(examples), parts.inputs, how, random, one=False))
        else:
            training = prepared.split(name.replace("-test", "-train")).inputs
            inputs = training.select(random.integers(len(training), size=len(examples)))
        for path in folder.glob(f"{name}-*"):
            if not path.name.startswith(f"{name}-groups"):
                path.unlink()
        save_examples(folder, name, [inputs.columns], targets)
    if prepared.taught is not None:
        features = np.load(prepared.taught / TAUGHT, allow_pickle=False)
        order = _order(len(features), hidden["target-train"].inputs, how, random, one=False)
        np.save(folder / TAUGHT, features[order], allow_pickle=False)


def copied(source: Path, folder: Path) -> None:
    """Copy the files of a finished stage, which are read-only, into a folder of the caller's."""
    folder.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copyfile(path, folder / path.name)


def _order(size: int, places: Array, how: str, random: np.random.Generator, one: bool = True) -> Array:
    """Return the positions to read a split from: withheld places get others of them."""
    order = np.arange(size)
    if len(places):
        drawn = places[:1].repeat(len(places)) if one else random.choice(places, len(places))
        order[places] = random.permutation(places) if how == PERMUTED else drawn
    return order


def _targets(targets: Targets, order: Array) -> Targets:
    references = [targets.references[position] for position in order] if len(targets.references) else ()
    return replace(targets.select(order), references=references)


def sizes_of(prepared: Prepared) -> dict[str, int]:
    """Return the number of examples of each split that there is."""
    names = SPLITS if prepared.source_labels is not None else SPLITS[2:]
    return {name: len(prepared.split(name)) for name in names}


def counted(hidden: Mapping[str, Withheld]) -> dict[str, int]:
    """Return how much is withheld: `labels of SPLIT` and `inputs of SPLIT` -> number of examples."""
    both = {f"{what} of {name}": len(getattr(part, what)) for name, part in hidden.items() for what in PARTS}
    return {name: number for name, number in both.items() if number}
