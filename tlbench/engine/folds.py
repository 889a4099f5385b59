"""What the stage trial computes: a strategy adapts without one fold of the label budget after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tlbench.contract.task_data import Access, Array
from tlbench.engine.adaptation import adapt_request, call
from tlbench.engine.given import declared_parts, labelled_positions, with_references
from tlbench.engine.prepared import Prepared
from tlbench.engine.rules import chooser
from tlbench.engine.stage import OnStep
from tlbench.errors import NotApplicable
from tlbench.learning.arithmetic import Arithmetic
from tlbench.learning.device import derive_seed
from tlbench.learning.evaluate import evaluate_held_out
from tlbench.learning.loop import DivergedError
from tlbench.learning.model import TransferModel
from tlbench.learning.progress import listening
from tlbench.planning.plan import Pairing
from tlbench.planning.tuned import FOLDS

FEWEST, FEWEST_OF_CLASS = 50, 5
"""With fewer labels the choice among settings is mostly luck, and its expected score far too high."""


def try_on_folds(
    pairing: Pairing, prepared: Prepared, source: TransferModel, on_step: OnStep, arithmetic: Arithmetic
) -> dict[str, Any]:
    """Return the mean score of the folds, with their number and that of the labels.

    The score is None if training diverged on a fold.

    Raises `NotApplicable` for too few labels, unless the pairing says that few will do, and for a fold whose labels
    give no score.
    """
    target, task = prepared.split("target-train"), pairing.task
    positions = labelled_positions(pairing, target, Access.TARGET_LABELS)
    strata = task.kind.create().strata(target.targets.select(positions))
    groups = prepared.groups("target-train")
    known = None if groups is None else groups[positions]
    if not pairing.few_labels:
        check_enough(strata)
    if len(strata) < 2 or (known is not None and len(np.unique(known)) < 2):
        raise NotApplicable(
            "Tuning needs two labelled examples, of two groups if there are groups: use a larger --label-budget, or "
            "leave out --tune."
        )
    scores, kind = list[float](), task.kind.create()
    every = list(folds(strata, known, derive_seed(pairing.seed, "folds")))
    for held in every:
        parts = declared_parts(pairing, prepared, without=positions[held])
        request = adapt_request(pairing, prepared, source, parts, arithmetic)
        choosing = chooser(pairing, prepared, parts, request.model)
        try:
            with listening(on_step):
                model = call(pairing.strategy, request, choosing).eval()
        except DivergedError:
            return {"score": None, "folds": len(every), "labels": len(positions)}
        examples = with_references(target, positions[held])
        scores.append(evaluate_held_out(model, "target", kind, task.metric, prepared.target_labels, examples))
    return {"score": float(np.mean(scores)), "folds": len(every), "labels": len(positions)}


def check_enough(strata: Array) -> None:
    """Raise `NotApplicable` if there are too few labels to choose by; `strata` has the class of each example."""
    counts = np.unique(strata, return_counts=True)[1]
    smallest = int(counts.min())
    if len(strata) >= FEWEST and smallest >= FEWEST_OF_CLASS:
        return
    classes = len(counts) > 1
    there = f"{len(strata)}, and {smallest} of a class" if classes else str(len(strata))
    needed = f"{FEWEST}, and {FEWEST_OF_CLASS} of each class," if classes else str(FEWEST)
    raise NotApplicable(
        f"Too few labels to tune by: {there}; {needed} are needed. Use a larger --label-budget, leave out --tune, or "
        f"set few_labels=true."
    )


def folds(strata: Array, groups: Array | None, seed: int) -> Iterator[Array]:
    """Yield the positions of each fold, in order: strata in proportion, groups whole.

    There are five folds, or as many as the smallest stratum has examples, if that is less, and two at least.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    counts = np.unique(strata, return_counts=True)[1]
    smallest = int(counts.min())
    number = max(2, min(FOLDS, smallest if groups is None else len(np.unique(groups))))
    if groups is not None and counts.max() < number:
        splitter: Any = GroupKFold(number)
    elif groups is not None:
        splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    elif smallest < 2:
        splitter = KFold(number, shuffle=True, random_state=seed)
    else:
        splitter = StratifiedKFold(number, shuffle=True, random_state=seed)
    for _, held in splitter.split(np.zeros(len(strata)), strata, groups):
        yield np.sort(held)
