"""Scores of torch models before and after adaptation: the matrix R, the probes, forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from tlbench.data import Array
from tlbench.metrics import forgetting, score
from tlbench.model import TransferModel, apply_head, encode, state_hash
from tlbench.plan import Pairing
from tlbench.probe import fit_probe
from tlbench.records import TaskSpec
from tlbench.stages import Prepared


@dataclass(frozen=True)
class View:
    """What an encoder makes of a task: features `(M, D)` of three splits, and the source score of a probe on them."""

    source_train: Array
    source_test: Array
    target_test: Array


def view(model: TransferModel, prepared: Prepared) -> View:
    """Run the encoder once over each split that scores are made of."""
    names = ("source-train", "source-test", "target-test")
    return View(*(encode(model, prepared.split(name).inputs) for name in names))


def probe_score(task: TaskSpec, prepared: Prepared, seen: View) -> float:
    """Return the source test score of a linear probe fitted to source training features."""
    targets = prepared.split("source-train").targets.values
    probe = fit_probe(seen.source_train, targets, len(prepared.source_labels))
    return side_score(task, prepared, "source", probe.outputs(seen.source_test))


def side_score(task: TaskSpec, prepared: Prepared, side: str, outputs: Array) -> float:
    """Return the score of outputs `(M, C)` on a side's test split, by the side's own metric."""
    kind, metric, labels = (
        (task.kind, task.metric, prepared.target_labels)
        if side == "target"
        else (task.kind_of_source, task.metric_of_source, prepared.source_labels)
    )
    made = kind.create()
    return score(made.metrics(labels)[metric], made.predict(outputs), prepared.split(f"{side}-test").targets)


def score_fields(
    pairing: Pairing, prepared: Prepared, start: TransferModel, before: View, probe: float, model: TransferModel
) -> dict[str, Any]:
    """Return the row's scores of both stages on both sides.

    Features of an encoder that did not change are the ones from before, so that a frozen encoder forgets exactly 0.
    """
    task = pairing.task
    same = state_hash(start.encoder) == state_hash(model.encoder)
    after = before if same else view(model, prepared)

    def of(side: str, head: nn.Module, features: Array) -> float:
        return side_score(task, prepared, side, apply_head(head, features))

    source_before = of("source", start.heads["source"], before.source_test)
    target_before = of("target", start.heads["source"], before.target_test) if task.setting == "transductive" else None
    target_after = of("target", model.heads["target"], after.target_test)
    fields = {
        "eager_score": target_after,
        "source_metric": task.metric_of_source,
        "source_test_size": len(prepared.split("source-test")),
        "score_matrix": [[source_before, target_before], [None, target_after]],
        "probe_before": probe,
    }
    if pairing.strategy.from_source:
        source_after = of("source", model.heads["source"], after.source_test)
        probe_after = probe if same else probe_score(task, prepared, after)
        fields |= {
            "score_matrix": [[source_before, target_before], [source_after, target_after]],
            "forgetting_head": forgetting(source_before, source_after),
            "probe_after": probe_after,
            "forgetting_probe": forgetting(probe, probe_after),
        }
    return fields
