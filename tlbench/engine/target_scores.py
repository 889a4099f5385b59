"""Scores of a pairing without a source: of the adapted model on the target, and of nothing else."""

from __future__ import annotations

from tlbench.engine.given import seen_labels
from tlbench.engine.prepared import Prepared
from tlbench.learning.data import Examples
from tlbench.learning.evaluate import evaluate
from tlbench.learning.model import TransferModel
from tlbench.planning.plan import Pairing
from tlbench.results.parts import ScorePart


def score_target(pairing: Pairing, prepared: Prepared, model: TransferModel) -> ScorePart:
    """Return the row's scores: the matrix has nulls for the source, and for the target before adaptation."""
    task = pairing.task

    def of(examples: Examples) -> float:
        return evaluate(model, "target", task.kind.create(), task.metric, prepared.target_labels, examples)

    after = of(prepared.split("target-test"))
    seen = seen_labels(pairing, prepared) if task.kind.supervised else None
    return ScorePart(
        eager_score=after,
        score_matrix=((None, None), (None, after)),
        train_gap=None if seen is None else of(seen) - after,
    )
