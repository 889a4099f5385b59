"""Scores of torch models before and after adaptation: the matrix R, the probes, forgetting."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import Array
from tlbench.engine.given import seen_labels
from tlbench.engine.prepared import Prepared
from tlbench.learning.evaluate import evaluate, score_outputs
from tlbench.learning.generating import generate_split
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.metrics.forgetting import forgetting
from tlbench.learning.model import Encoded, TransferModel, apply_head, encode_split, state_hash
from tlbench.learning.probe import encode_some, some_units
from tlbench.planning.plan import Pairing
from tlbench.results.parts import ScorePart


@dataclass(frozen=True)
class SplitFeatures:
    """What an encoder makes of a task."""

    target_test: Encoded
    source_test: Encoded
    source_train: Array | None = None
    """`(M, D)` of the units that a probe is fitted to, not all if there are very many; None without a probe."""

    def save(self, path: Path) -> None:
        """Write an npz file."""
        arrays: dict[str, Any] = {} if self.source_train is None else {"source_train": self.source_train}
        for name, encoded in (("target_test", self.target_test), ("source_test", self.source_test)):
            arrays |= {f"{name}_values": encoded.values, f"{name}_counts": encoded.counts}
            if encoded.positions is not None:
                arrays[f"{name}_positions"] = np.array(encoded.positions, np.int64)
        np.savez(path, **arrays)

    @classmethod
    def read(cls, path: Path) -> SplitFeatures:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(_encoded(arrays, "target_test"), _encoded(arrays, "source_test"), arrays.get("source_train"))


def _encoded(arrays: Mapping[str, Array], name: str) -> Encoded:
    positions = arrays.get(f"{name}_positions")
    shape = None if positions is None else tuple(int(size) for size in positions)
    return Encoded(arrays[f"{name}_values"], arrays[f"{name}_counts"], shape)


def extract_features(task: TaskSpec, model: TransferModel, prepared: Prepared) -> SplitFeatures:
    """Run the encoder once over each split that scores are made of; source training features serve the probe alone."""
    target = encode_split(model, prepared.split("target-test").inputs)
    source = encode_split(model, prepared.split("source-test").inputs)
    if "probe" not in task.kind_of_source.traits:
        return SplitFeatures(target, source)
    return SplitFeatures(target, source, encode_some(model, prepared.split("source-train")))


def probe_score(task: TaskSpec, prepared: Prepared, seen: SplitFeatures) -> float | None:
    """Return the source test score of a linear probe fitted to source training features; None for a kind without."""
    if seen.source_train is None:
        return None
    targets = prepared.split("source-train").targets.values
    assert prepared.source_labels is not None
    kind, outputs = task.kind_of_source.create(), len(prepared.source_labels)
    probe = kind.probe(seen.source_train, targets[some_units(len(targets))], outputs)
    return side_score(task, prepared, "source", probe.outputs, seen.source_test)


def side_score(
    task: TaskSpec,
    prepared: Prepared,
    side: str,
    head: Callable[[Array], Array],
    features: Encoded,
    generated: Sequence[Array] | None = None,
) -> float:
    """Return the score on a side's test split, by its own metric, of what `head` makes of its features `(M, D)`.

    `generated` is what `generate_split` returned of the split.
    """
    targets = prepared.split(f"{side}-test").targets
    kind, metric, labels = _asked(task, prepared, side)
    return score_outputs(kind, metric, labels, head, features, targets, generated)


def _asked(task: TaskSpec, prepared: Prepared, side: str) -> tuple[Kind, str, tuple[str, ...]]:
    """Return the kind, the metric and the labels of a side."""
    if side == "target":
        return task.kind.create(), task.metric, prepared.target_labels
    assert prepared.source_labels is not None
    return task.kind_of_source.create(), task.metric_of_source, prepared.source_labels


def model_score(
    task: TaskSpec, prepared: Prepared, side: str, model: TransferModel, head: str, features: Encoded
) -> float:
    """Return the score on a side's test split of a head of a model whose encoder gave the features."""
    kind, _, labels = _asked(task, prepared, side)
    generated = generate_split(model, head, kind, labels, prepared.split(f"{side}-test").inputs)
    outputs = functools.partial(apply_head, model.heads[head])
    return side_score(task, prepared, side, outputs, features, generated)


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
    after = before
    if not pairing.strategy.from_source:  # Its row states no source score after adaptation.
        after = SplitFeatures(encode_split(model, prepared.split("target-test").inputs), before.source_test)
    elif state_hash(start.encoder) != state_hash(model.encoder):
        after = extract_features(task, model, prepared)
    target_after = model_score(task, prepared, "target", model, "target", after.target_test)
    fields: dict[str, Any] = {"eager_score": target_after}
    # Training less test score on the same labels: how far the strategy has learnt its few examples by heart.
    if task.kind.supervised and (seen := seen_labels(pairing, prepared)) is not None:
        trained = evaluate(model, "target", task.kind.create(), task.metric, prepared.target_labels, seen)
        fields["train_gap"] = trained - target_after
    return ScorePart(**fields, **_source_fields(pairing, prepared, start, before, probe, model, after, target_after))


def _source_fields(
    pairing: Pairing,
    prepared: Prepared,
    start: TransferModel,
    before: SplitFeatures,
    probe: float | None,
    model: TransferModel,
    after: SplitFeatures,
    target_after: float,
) -> dict[str, Any]:
    """Return what the row says of the source, before and after."""
    task = pairing.task
    source_before = model_score(task, prepared, "source", start, "source", before.source_test)
    # With other labels the source head has no answer to score on the target.
    transductive = pairing.setting == "transductive"
    target_before = None
    if transductive:
        target_before = model_score(task, prepared, "target", start, "source", before.target_test)
    fields: dict[str, Any] = {
        "source_metric": task.metric_of_source,
        "source_test_size": len(prepared.split("source-test")),
        "score_matrix": [[source_before, target_before], [None, target_after]],
        "probe_before": probe,
    }
    if not pairing.strategy.from_source:
        return fields
    probe_after = probe if after is before else probe_score(task, prepared, after)
    fields |= {
        "probe_after": probe_after,
        "forgetting_probe": None if probe is None or probe_after is None else forgetting(probe, probe_after),
    }
    if not takes(model.heads, after.source_test):
        return fields | {"forgetting_reason": "The strategy's architecture has no place for the source head."}
    source_after = model_score(task, prepared, "source", model, "source", after.source_test)
    return fields | {
        "score_matrix": [[source_before, target_before], [source_after, target_after]],
        "forgetting_head": forgetting(source_before, source_after),
    }


def takes(heads: nn.ModuleDict, features: Encoded) -> bool:
    """Return whether there is a head `source` that fits the features: a strategy may have changed their width."""
    if "source" not in heads:
        return False
    try:
        apply_head(heads["source"], features.values[:1])
    except RuntimeError:  # what torch raises for matrices that do not fit
        return False
    return True
