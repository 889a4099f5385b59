"""What the stage curve computes: the target score of the model at steps of its training, and that on its labels.

The strategy adapts a second time, with the same seeds, and snapshots are written meanwhile. Test examples are looked at
when it has returned: nothing is chosen by the scores. A stage of its own leaves everything else of a result as it is
without a curve, and results that are there already get one later.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tlbench.engine.adaptation import adapt
from tlbench.engine.given import seen_labels
from tlbench.engine.prepared import Prepared
from tlbench.engine.stage import OnStep
from tlbench.errors import TlbenchError
from tlbench.learning.arithmetic import Arithmetic
from tlbench.learning.evaluate import evaluate
from tlbench.learning.model import TransferModel, state_hash
from tlbench.learning.snapshots import Recorder
from tlbench.planning.plan import Pairing
from tlbench.results.parts import CurvePart


def score_curve(
    pairing: Pairing,
    prepared: Prepared,
    source: TransferModel,
    adapted: TransferModel,
    on_step: OnStep,
    arithmetic: Arithmetic,
    folder: Path,
) -> CurvePart:
    """Return the curve of the training that left `adapted`; snapshots lie in the folder meanwhile.

    The scores on training labels are of those that the strategy is given, if any.

    Raises `TlbenchError` if the second training leaves other weights.
    """
    task = pairing.task
    test, seen = prepared.split("target-test"), seen_labels(pairing, prepared) if task.kind.supervised else None

    scored = [test] if seen is None else [test, seen]

    def scores(model: TransferModel, head: str) -> list[float]:
        # With other labels the source head has no answer to score on the target.
        named = head if pairing.setting == "transductive" else "target"
        asked = (task.kind.create(), task.metric, prepared.target_labels)
        return [evaluate(model, named, *asked, examples) for examples in scored]

    with tempfile.TemporaryDirectory(dir=folder) as place:
        recorder = Recorder(Path(place))
        again = adapt(pairing, prepared, source, on_step, arithmetic, recorder).model
        if state_hash(again) != state_hash(adapted):
            raise TlbenchError(
                "The second training, of which the curve is made, did not end with the weights of the first: the "
                "strategy draws numbers that no seed decides, or measures time."
            )
        points = [
            (taken.step, taken.seconds, scores(model, taken.head))
            for series in recorder.of(again)
            for taken, model in series.models()
            if taken.step < recorder.steps
        ]
    points.append((recorder.steps, recorder.seconds, scores(adapted, "target")))
    return CurvePart(
        score_curve=tuple((step, round(seconds, 6), on_test) for step, seconds, (on_test, *_) in points),
        training_scores=tuple(score for *_, (_, *on_labels) in points for score in on_labels),
    )
