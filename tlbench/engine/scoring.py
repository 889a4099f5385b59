"""Scores of torch models before and after adaptation: the matrix R, the probes, forgetting."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import Array
from tlbench.engine.adaptation import seen_labels
from tlbench.engine.prepared import Prepared
from tlbench.learning.data import Examples, Targets
from tlbench.learning.metrics.forgetting import forgetting
from tlbench.learning.metrics.metric import score
from tlbench.learning.model import TransferModel, apply_head, encode, state_hash
from tlbench.learning.probe import fit_probe, some_units
from tlbench.planning.plan import Pairing
from tlbench.results.parts import ScorePart

SCORED_AT_ONCE = 4096
"""Units whose outputs are in memory at a time, fewer where these have more than `OUTPUTS_AT_ONCE` values."""
OUTPUTS_AT_ONCE = 2**24


@dataclass(frozen=True)
class SplitFeatures:
    """What an encoder makes of a task: features `(M, D)` of three splits."""

    source_train: Array
    """Of the units that a probe is fitted to, which are not all where there are very many."""
    source_test: Array
    target_test: Array


def extract_features(task: TaskSpec, model: TransferModel, prepared: Prepared) -> SplitFeatures:
    """Run the encoder once over each split that scores are made of; source training features serve the probe alone."""
    train, *tests = (prepared.split(name) for name in ("source-train", "source-test", "target-test"))
    test = [encode(model, split.inputs) for split in tests]
    if "probe" not in task.kind_of_source.traits:
        return SplitFeatures(test[0][:0], *test)
    # An image has thousands of pixels: features of all training units need not fit into memory.
    probed = np.zeros(len(train.targets.values), bool)
    probed[some_units(len(probed))] = True
    return SplitFeatures(encode(model, train.inputs, Targets(probed, train.targets.counts)), *test)


def probe_score(task: TaskSpec, prepared: Prepared, seen: SplitFeatures) -> float | None:
    """Return the source test score of a linear probe fitted to source training features; None for a kind without."""
    if "probe" not in task.kind_of_source.traits:
        return None
    targets = prepared.split("source-train").targets.values
    assert prepared.source_labels is not None
    kind, outputs = task.kind_of_source.create(), len(prepared.source_labels)
    probe = kind.probe(seen.source_train, targets[some_units(len(targets))], outputs)
    return side_score(task, prepared, "source", probe.outputs, seen.source_test, prepared.split("source-test"))


def a_distance(source: Array, target: Array) -> float:
    """Return the proxy A-distance 2 (1 - 2 err) of two sets of features (Ben-David et al. 2007), in [0, 2].

    `err` is the error of a linear domain classifier on the half of both sets that it was not fitted to; both sets
    count as many units, 2,000 at the most.
    """
    # One fixed seed: the distance is a property of the features, not of the pairing's seed.
    random = np.random.default_rng(0)
    size = min(len(source), len(target), 2000) // 2 * 2
    drawn = [features[random.permutation(len(features))[:size]] for features in (source, target)]
    train, test = (np.concatenate([part[half::2] for part in drawn]) for half in (0, 1))
    domain = np.repeat([0, 1], size // 2)
    error = float((fit_probe(train, domain, 2).outputs(test).argmax(1) != domain).mean())
    # Clipped below: a classifier that is worse than chance on a small half says no distance, not a negative one.
    return min(2.0, max(0.0, 2 * (1 - 2 * error)))


def side_score(
    task: TaskSpec,
    prepared: Prepared,
    side: str,
    outputs: Callable[[Array], Array],
    features: Array,
    examples: Examples,
) -> float:
    """Return the score on examples of a side, by its own metric, of what `outputs` makes of their features `(M, D)`."""
    kind, metric, labels = (
        (task.kind, task.metric, prepared.target_labels)
        if side == "target"
        else (task.kind_of_source, task.metric_of_source, prepared.source_labels)
    )
    assert labels is not None
    made, targets = kind.create(), examples.targets.values
    size = max(1, min(SCORED_AT_ONCE, OUTPUTS_AT_ONCE // len(labels)))
    parts = [slice(start, start + size) for start in range(0, len(features), size)]
    predict = made.postprocess.predict
    predictions = np.concatenate([predict(outputs(features[part]), targets[part]) for part in parts])
    return score(made.metrics(labels)[metric], predictions, examples.targets)


def score_both_stages(
    pairing: Pairing,
    prepared: Prepared,
    start: TransferModel,
    before: SplitFeatures,
    probe: float | None,
    model: TransferModel,
) -> ScorePart:
    """Return the row's scores of both stages on both sides.

    Features of an encoder that did not change are the ones from before, so that a frozen encoder forgets exactly 0.
    """
    task = pairing.task
    same = state_hash(start.encoder) == state_hash(model.encoder)
    after = before if same else extract_features(task, model, prepared)

    def of(side: str, head: nn.Module, features: Array) -> float:
        outputs = functools.partial(apply_head, head)
        return side_score(task, prepared, side, outputs, features, prepared.split(f"{side}-test"))

    source_before = of("source", start.heads["source"], before.source_test)
    # With other labels the source head has no answer to score on the target.
    target_before = (
        of("target", start.heads["source"], before.target_test) if pairing.setting == "transductive" else None
    )
    target_after = of("target", model.heads["target"], after.target_test)
    fields: dict[str, Any] = {
        "eager_score": target_after,
        "source_metric": task.metric_of_source,
        "source_test_size": len(prepared.split("source-test")),
        "score_matrix": [[source_before, target_before], [None, target_after]],
        "probe_before": probe,
    }
    # Training less test score on the same labels: how far the strategy has learnt its few examples by heart.
    if task.kind.supervised and (seen := seen_labels(pairing, prepared)) is not None:
        outputs = functools.partial(apply_head, model.heads["target"])
        trained = side_score(task, prepared, "target", outputs, encode(model, seen.inputs), seen)
        fields["train_gap"] = trained - target_after
    if pairing.strategy.from_source:
        source_after = of("source", model.heads["source"], after.source_test)
        probe_after = probe if same else probe_score(task, prepared, after)
        fields |= {
            "score_matrix": [[source_before, target_before], [source_after, target_after]],
            "forgetting_head": forgetting(source_before, source_after),
            "probe_after": probe_after,
            "forgetting_probe": None if probe is None or probe_after is None else forgetting(probe, probe_after),
        }
    return ScorePart(**fields)
