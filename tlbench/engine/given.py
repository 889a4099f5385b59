"""What a strategy is given of the data: copies of the parts that it declares, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tlbench.contract.task_data import Access, Array
from tlbench.engine.label_budget import budget_positions
from tlbench.engine.prepared import Prepared
from tlbench.errors import NotApplicable
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.device import derive_seed
from tlbench.learning.splitting import hold_out
from tlbench.planning.plan import Pairing, SourcePlan
from tlbench.planning.rules import SETS_ASIDE

Parts = dict[str, Examples | Inputs]
"""Examples by their place in a request: `target.train`."""
VALIDATION = 0.2
"""Part of the labelled examples that a selection rule sets aside."""


def declared_parts(pairing: Pairing, prepared: Prepared, without: Array | None = None) -> Parts:
    """Return copies of what the strategy declares by its access and its selection rule.

    `without` are positions of the target's training split whose labels are kept back, for tuning.
    """
    parts: Parts = {}
    if Access.SOURCE in pairing.strategy.access:
        source = prepared.split("source-train")
        parts = _labelled(pairing, prepared, "source.train", source, np.arange(len(source)))
    parts |= _of_target(pairing, prepared, prepared.split("target-train"), without)
    if prepared.taught is None:
        return parts
    seen = _of_target(pairing, prepared, prepared.seen_by_teacher(), without)
    return parts | _for_teacher(seen)


def _of_target(pairing: Pairing, prepared: Prepared, target: Examples, without: Array | None) -> Parts:
    access, parts = pairing.strategy.access, dict[str, Examples | Inputs]()
    for part, path in ((Access.TARGET_LABELS, "target.train"), (Access.TARGET_ALL_LABELS, "target.all")):
        if part in access:
            positions = labelled_positions(pairing, target, part)
            if without is not None:
                positions = positions[~np.isin(positions, without)]
            parts |= _labelled(pairing, prepared, path, target, positions)
    if Access.TARGET_INPUTS in access:
        parts["target.unlabelled"] = target.inputs.select(_shuffled(pairing, len(target)))
    return parts


def _for_teacher(parts: Parts) -> Parts:
    return {path.replace("target.", "teacher."): part for path, part in parts.items()}


def parts_of_budget(pairing: Pairing, prepared: Prepared, budget: Array) -> Parts:
    """Return the same, with the label budget at known positions: it need not be drawn from labels that are withheld."""
    strategy = pairing.strategy
    others = replace(strategy, access=strategy.access - {Access.TARGET_LABELS})
    parts = declared_parts(replace(pairing, strategy=others), prepared)
    if Access.TARGET_LABELS not in strategy.access:
        return parts
    parts |= _labelled(pairing, prepared, "target.train", prepared.split("target-train"), budget)
    if prepared.taught is None:
        return parts
    return parts | _for_teacher(_labelled(pairing, prepared, "target.train", prepared.seen_by_teacher(), budget))


def _labelled(pairing: Pairing, prepared: Prepared, path: str, examples: Examples, positions: Array) -> Parts:
    """Return those of a domain's training examples at these positions, less what the selection rule sets aside."""
    domain = path.partition(".")[0]
    if SETS_ASIDE.get(pairing.selection) != domain:
        return {path: examples.select(positions)}
    held = _held_out(pairing, prepared, domain, positions)
    if not len(held):
        raise NotApplicable(f"It sets aside labels for validation, and {len(positions)} labelled examples are too few.")
    return {
        path: examples.select(np.delete(positions, held)),
        f"{domain}.validation": with_references(examples, positions[held]),
    }


def source_training(plan: SourcePlan, prepared: Prepared) -> Examples:
    """Return what the source model is trained on: without the examples by which it or its adaptation is chosen."""
    examples = prepared.split("source-train")
    if not plan.sets_aside_source:
        return examples
    positions = np.arange(len(examples))
    return examples.select(np.delete(positions, _held_out(plan, prepared, "source", positions)))


def _held_out(plan: SourcePlan, prepared: Prepared, domain: str, positions: Array) -> Array:
    """Return which of some positions of a domain's training split are set aside: whole groups, strata in proportion."""
    kind = plan.task.kind if domain == "target" else plan.task.kind_of_source
    strata = kind.create().strata(prepared.split(f"{domain}-train").targets.select(positions))
    groups = prepared.groups(f"{domain}-train")
    random = np.random.default_rng(derive_seed(plan.seed, "validation"))
    return hold_out(strata, None if groups is None else groups[positions], VALIDATION, random)


def with_references(examples: Examples, positions: Array) -> Examples:
    """Return a copy of examples that can be scored by metrics that read references."""
    chosen, known = examples.select(positions), examples.targets.references
    references = [known[position] for position in positions] if len(known) else ()
    return replace(chosen, targets=replace(chosen.targets, references=references))


def labelled_positions(pairing: Pairing, target: Examples, part: Access) -> Array:
    """Return the positions of the label budget, or of all labelled target examples in another order."""
    if part is Access.TARGET_ALL_LABELS:
        return _shuffled(pairing, len(target))
    return budget_positions(pairing.task.kind, target.targets, pairing.seed, pairing.label_budget)


def _shuffled(pairing: Pairing, size: int) -> Array:
    # Data sets often come sorted by label: unshuffled, the order of inputs alone would tell the labels.
    return np.random.default_rng(derive_seed(pairing.seed, "shuffle")).permutation(size)


def seen_labels(pairing: Pairing, prepared: Prepared) -> Examples | None:
    """Return the target examples whose labels the strategy is given, those for validation included, or None.

    They have their references: they are for scores, and no strategy is given them.
    """
    target = prepared.split("target-train")
    if Access.TARGET_ALL_LABELS in pairing.strategy.access:
        return target
    if Access.TARGET_LABELS in pairing.strategy.access:
        return with_references(target, labelled_positions(pairing, target, Access.TARGET_LABELS))
    return None


def labels_given(pairing: Pairing, prepared: Prepared) -> dict[str, Any]:
    """Return how many labels the budget came to, where that was not said by it, or there were not as many."""
    if Access.TARGET_LABELS not in pairing.strategy.access:
        return {}
    asked, given = pairing.label_budget, len(seen_labels(pairing, prepared) or ())
    return {} if given == asked.total else {"label_budget": given, "budget_rule": str(asked)}


def labels_trained(parts: Parts) -> int | None:
    """Return how many target labels are left to train on, if some were set aside."""
    if "target.validation" not in parts:
        return None
    return sum(len(part) for name, part in parts.items() if name in ("target.train", "target.all"))
