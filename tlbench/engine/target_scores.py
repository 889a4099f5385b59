"""Scores of a pairing without a source: of the adapted model on the target, and of nothing else."""

from __future__ import annotations

import functools

from tlbench.engine.adaptation import seen_labels
from tlbench.engine.prepared import Prepared
from tlbench.engine.scoring import side_score
from tlbench.learning.data import Examples
from tlbench.learning.model import TransferModel, apply_head, encode
from tlbench.planning.plan import Pairing
from tlbench.results.parts import ScorePart


def score_target(pairing: Pairing, prepared: Prepared, model: TransferModel) -> ScorePart:
    """Return the row's scores: the matrix has nulls for the source, and for the target before adaptation."""
    head = functools.partial(apply_head, model.heads["target"])

    def of(examples: Examples) -> float:
        return side_score(pairing.task, prepared, "target", head, encode(model, examples.inputs), examples)

    after = of(prepared.split("target-test"))
    seen = seen_labels(pairing, prepared) if pairing.task.kind.supervised else None
    return ScorePart(
        eager_score=after,
        score_matrix=((None, None), (None, after)),
        train_gap=None if seen is None else of(seen) - after,
    )
