"""Checks of a task's kinds of problem: loss, predictions, decisions, metrics and the constant, on the task's data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tlbench.contract.specs import KindSpec, TaskSpec
from tlbench.contract.task_data import Array
from tlbench.engine.models import blueprint
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError
from tlbench.learning.data import Examples
from tlbench.learning.generating import generate_split
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.metrics.metric import Metric, score_if_defined
from tlbench.learning.model import TransferModel
from tlbench.learning.outputs import Outputs
from tlbench.learning.targets import Predictions, Targets
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import Bench, Check, need
from tlbench.testing.specs import label

SAMPLE = 48
"""Examples that a kind is checked on."""
CLOSE = 1e-6
"""Largest difference of two scores that must be equal, relative to the larger; sums have another order."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A few training examples of one domain of a task, and a model with its head."""

    where: str
    kind: Kind
    labels: tuple[str, ...]
    model: TransferModel
    head: str
    examples: Examples

    def batch(self) -> tuple[Tensor, ...]:
        return self.examples.inputs.batch(np.arange(len(self.examples)))

    def outputs(self) -> Outputs:
        """Return the model's outputs as numpy arrays, as predictions are made of them."""
        with torch.no_grad():
            made = self.model.eval()(*self.batch(), head=self.head)
        return Outputs(made.units.numpy(), None if made.mask is None else made.mask.numpy(), made.shape)

    def predictions(self, outputs: Outputs) -> Predictions:
        """Return predictions of outputs; what the kind generates is what the model, not the outputs, gives."""
        made = Predictions.of(self.kind.postprocess.predict(outputs, self.examples.targets.values), outputs.counts)
        generated = generate_split(self.model, self.head, self.kind, self.labels, self.examples.inputs)
        return made if generated is None else made.followed_by(generated)


def samples(spec: TaskSpec, bench: Bench) -> Iterator[Sample]:
    """Yield the target, and the source if it asks for something else."""
    need(spec)
    pairing = bench.pairing_of_task(spec)
    prepared = bench.prepared(pairing)
    kinds: dict[str, KindSpec] = {"target": spec.kind}
    if spec.source_kind is not None and prepared.source_labels:
        kinds["source"] = spec.source_kind
    for name, kind in kinds.items():
        examples = prepared.split(f"{name}-train")
        chosen = np.random.default_rng(0).permutation(len(examples))[:SAMPLE]
        known = examples.targets.references
        targets = examples.targets.select(chosen)
        references = [known[int(position)] for position in chosen] if len(known) else ()
        yield Sample(
            where=f"{label(spec)}: the kind {kind.name}",
            kind=kind.create(),
            labels=(prepared.target_labels if name == "target" else prepared.source_labels) or (),
            model=_model(pairing, prepared),
            head=name,
            examples=Examples(
                examples.inputs.select(chosen), Targets(targets.values, targets.counts, references=references)
            ),
        )


def _model(pairing: Pairing, prepared: Prepared) -> TransferModel:
    """Return a model that was not trained: that takes a loss, which is checked here."""
    torch.manual_seed(0)
    return blueprint(pairing, prepared, "cpu", prepared.heads)()


def loss_has_gradients(spec: TaskSpec, bench: Bench) -> None:
    """`loss` of a batch is one finite number with gradients for the head."""
    for sample in samples(spec, bench):
        outputs = sample.model.train()(*sample.batch(), head=sample.head)
        loss = sample.kind.loss(outputs, sample.examples.targets.batch())
        if not isinstance(loss, Tensor) or loss.ndim or not bool(torch.isfinite(loss)):
            found = f"{tuple(loss.shape)} {loss.tolist()}" if isinstance(loss, Tensor) else type(loss).__name__
            raise ContractError(f"{sample.where}: loss returns {found}; expected one finite number, the mean loss.")
        weights = [one for one in sample.model.heads[sample.head].parameters() if one.requires_grad]
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
        if weights and all(one.grad is None for one in weights):
            raise ContractError(f"{sample.where}: loss gives the head no gradient: compute it from outputs with torch.")


def predictions_fit_the_examples(spec: TaskSpec, bench: Bench) -> None:
    """`predict` gives a row for each unit or an array for each example, and `decide` a decision for each, or none."""
    for sample in samples(spec, bench):
        outputs = sample.outputs()
        first, second = sample.predictions(outputs), sample.predictions(outputs)
        if first.values.dtype.kind in "OUS":
            raise ContractError(f"{sample.where}: predict returns {first.values.dtype}; expected arrays of numbers.")
        if not np.array_equal(first.values, second.values, equal_nan=first.values.dtype.kind == "f"):
            raise ContractError(f"{sample.where}: predict returns other predictions for the same outputs.")
        decided = sample.kind.postprocess.decide(outputs)
        if len(decided) not in (0, len(outputs.units), len(outputs)):
            raise ContractError(
                f"{sample.where}: decide returns {len(decided)} decisions; expected one for each of the "
                f"{len(outputs.units)} units or the {len(outputs)} examples, or none."
            )


def metrics_weigh_examples(spec: TaskSpec, bench: Bench) -> None:
    """A metric is a finite number, and an example of weight 2 counts as two equal examples."""
    for sample in samples(spec, bench):
        predictions, targets = sample.predictions(sample.outputs()), sample.examples.targets
        weights = np.random.default_rng(1).integers(1, 3, len(targets))
        places = np.repeat(np.arange(len(targets)), weights)
        for name, metric in sample.kind.metrics(sample.labels).items():
            whole = _score(metric, predictions, targets, np.ones(len(targets)))
            if whole is not None and not math.isfinite(whole):
                raise ContractError(f"{sample.where}: the metric {name} is {whole}; expected a finite number.")
            weighted = _score(metric, predictions, targets, weights.astype(np.float64))
            repeated = _score(metric, _repeat(predictions, places), _again(targets, places), np.ones(len(places)))
            if not _close(weighted, repeated):
                raise ContractError(
                    f"{sample.where}: the metric {name} is {weighted} with example weights of 1 and 2, and {repeated} "
                    f"if examples of weight 2 are there twice: use the weights, one for each example, or "
                    f"`from_statistics` or `from_positions`."
                )


def constant_can_be_served(spec: TaskSpec, bench: Bench) -> None:
    """`constant` gives C finite outputs, from which predictions are made and scored."""
    for sample in samples(spec, bench):
        outputs, targets = sample.outputs(), sample.examples.targets
        width = outputs.units.shape[-1]
        constant = np.asarray(sample.kind.constant(targets.values, width))
        if constant.shape != (width,) or not np.isfinite(constant).all():
            raise ContractError(
                f"{sample.where}: constant returns {constant.shape}; expected ({width},), one finite number for each "
                f"output of the head."
            )
        units = np.broadcast_to(constant.astype(np.float32), outputs.units.shape).copy()
        predictions = sample.predictions(Outputs(units, outputs.mask, outputs.shape))
        metric = spec.metric if sample.head == "target" else spec.metric_of_source
        known: Mapping[str, Metric] = sample.kind.metrics(sample.labels)
        scored = _score(known[metric], predictions, targets, np.ones(len(targets))) if metric in known else None
        if scored is not None and not math.isfinite(scored):
            raise ContractError(f"{sample.where}: the metric {metric} of the constant is {scored}; expected a number.")


def _score(metric: Metric, predictions: Predictions, targets: Targets, weights: Array) -> float | None:
    return score_if_defined(metric(predictions, targets), weights)


def _close(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=CLOSE, abs_tol=CLOSE)


def _repeat(predictions: Predictions, places: Array) -> Predictions:
    parts = predictions.split()
    return Predictions(np.concatenate([parts[place] for place in places]), predictions.counts[places])


def _again(targets: Targets, places: Array) -> Targets:
    known, chosen = targets.references, targets.select(places)
    return Targets(chosen.values, chosen.counts, references=[known[place] for place in places] if len(known) else ())


KIND_CHECKS: tuple[Check[TaskSpec], ...] = (
    loss_has_gradients,
    predictions_fit_the_examples,
    metrics_weigh_examples,
    constant_can_be_served,
)
