"""Which parts of an input a prediction rests on: occlusion and integrated gradients, by captum.

Both give one number to each segment of an example: a patch of an image, a token, a window of time, a column. How
faithful the numbers are is measured by deletion: if segments are replaced in the order of their numbers, the
probability of the class must fall faster than in a random order (Samek et al. 2017, arXiv:1509.06321).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tlbench import Analysis, AnalysisRequest, NotApplicable
from tlbench.learning import TransferModel, device_of
from tlbench_analyses.attribution_picture import Shown, drawn
from tlbench_analyses.examples import of_each_class, positions_of_some
from tlbench_analyses.segments import absent, segments

Values = NDArray[np.float64]
ORDERS = 5
"""Random orders that a deletion curve is compared with."""
STEPS = 32
"""Points on the way from the absent input to the example, for integrated gradients."""


@dataclass(frozen=True)
class Explained:
    """One example under one model."""

    values: Values
    """`(S,)`: what each segment adds to the probability of the class."""
    deletion: float
    """Mean probability of the class while segments are replaced, the most important first."""
    random: float
    """The same in random orders, their mean."""


Attribute = Callable[["Prediction", Tensor], Values]


class Prediction:
    """The probability of a class as a function of the first input of one example."""

    def __init__(self, model: TransferModel, head: str, batch: tuple[Tensor, ...], base: Tensor, label: int) -> None:
        self.model, self.head, self.batch, self.base, self.label = model, head, batch, base, label

    def __call__(self, first: Tensor) -> Tensor:
        """Return the probability `(B,)` for each of B versions of the first input."""
        rest = [part.expand(len(first), *part.shape[1:]) for part in self.batch[1:]]
        return self.model(first, *rest, head=self.head).units.softmax(-1)[:, self.label]  # type: ignore[no-any-return]


def occlusion(request: AnalysisRequest) -> Analysis:
    """Return how much the probability of the predicted class falls if a segment is replaced (Zeiler & Fergus 2014)."""
    return _analysis(request, _occluded)


def integrated_gradients(request: AnalysisRequest) -> Analysis:
    """Return the path integral of the gradient from the absent input to the example (Sundararajan et al. 2017)."""
    return _analysis(request, _integrated)


def _occluded(prediction: Prediction, mask: Tensor) -> Values:
    from captum.attr import FeatureAblation

    with torch.no_grad():
        found = FeatureAblation(prediction).attribute(
            prediction.batch[0], baselines=prediction.base, feature_mask=mask[None], perturbations_per_eval=16
        )
    return by_segment(found[0], mask, "mean")


def _integrated(prediction: Prediction, mask: Tensor) -> Values:
    from captum.attr import IntegratedGradients, LayerIntegratedGradients

    first, base = prediction.batch[0], prediction.base
    if first.is_floating_point() or first.dtype == torch.uint8:
        found = IntegratedGradients(prediction).attribute(
            first.float(), baselines=base.float(), n_steps=STEPS, internal_batch_size=STEPS
        )
        return by_segment(found[0], mask, "sum")
    layer = next((part for part in prediction.model.encoder.modules() if isinstance(part, nn.Embedding)), None)
    if layer is None:
        raise NotApplicable("The encoder has no embedding of its tokens to integrate over.")
    found = LayerIntegratedGradients(prediction, layer).attribute(
        first, baselines=base, n_steps=STEPS, internal_batch_size=STEPS
    )
    return by_segment(found[0].sum(-1), mask, "sum")


def by_segment(values: Tensor, mask: Tensor, how: str) -> Values:
    """Return one number for each segment of values of the shape of the mask: the sum or the mean of its places."""
    flat, places = values.detach().double().flatten().cpu(), mask.flatten().cpu()
    sums = torch.zeros(int(places.max()) + 1, dtype=torch.float64).index_add(0, places, flat)
    counts = torch.bincount(places)
    return (sums / counts if how == "mean" else sums).numpy()


def _analysis(request: AnalysisRequest, attribute: Attribute) -> Analysis:
    if not bool((request.targets.counts == 1).all()):
        raise NotApplicable("It explains models with one prediction for each example.")
    # Lengths, places and types of tokens are whole numbers; other inputs are content, and would stay as they are.
    if any(part.is_floating_point() or part.dtype == torch.uint8 for part in request.inputs.batch(np.array([0]))[1:]):
        raise NotApplicable("It explains encoders with one image, sound or row, not several backbones side by side.")
    models = _models(request)
    positions = positions_of_some(len(request.inputs), request.options["examples"], request.generator)
    found: dict[str, list[Explained]] = {name: [] for name in models}
    for position in positions:
        predictions, mask = _predictions(request, models, position)
        for name, prediction in predictions.items():
            found[name].append(explained(prediction, mask, attribute, request.generator))
    # Numbers are of the examples that were drawn. A picture shows each class: it may have others.
    known = {place: {name: one[index].values for name, one in found.items()} for index, place in enumerate(positions)}
    shown = []
    for position in of_each_class(request.after, request.inputs, positions):
        predictions, mask = _predictions(request, models, position)
        values = known.get(position) or {name: attribute(one, mask) for name, one in predictions.items()}
        shown.append(_shown(request, position, predictions["after"], mask, values))
    return Analysis(numbers=_numbers(found), picture=drawn(request.after.encoder, shown))


def _models(request: AnalysisRequest) -> dict[str, tuple[TransferModel, str]]:
    """Return the models to explain by name, each with its head: the one before has one of the same outputs or none."""
    after = {"after": (request.after, "target")}
    outputs = [_outputs(model, head) for model, head in ((request.before, "source"), (request.after, "target"))]
    return {"before": (request.before, "source"), **after} if outputs[0] == outputs[1] else after


def _predictions(
    request: AnalysisRequest, models: Mapping[str, tuple[TransferModel, str]], position: int
) -> tuple[dict[str, Prediction], Tensor]:
    """Return each model's probability of the class that the adapted one predicts, and the segments of the example."""
    batch = tuple(part.to(device_of(request.after)) for part in request.inputs.batch(np.array([position])))
    base, mask = absent(batch[0], request.after.encoder), segments(batch[0], request.after.encoder)
    with torch.no_grad():
        label = int(request.after(*batch).units[0].argmax())
    return {name: Prediction(model, head, batch, base, label) for name, (model, head) in models.items()}, mask


def _shown(
    request: AnalysisRequest, position: int, prediction: Prediction, mask: Tensor, values: Mapping[str, Values]
) -> Shown:
    targets = np.asarray(request.targets.values)
    classes = targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer)
    true = int(targets[position]) if classes else -1
    return Shown(
        first=prediction.batch[0][0].cpu(),
        mask=mask,
        columns=request.columns or (),
        predicted=request.labels[prediction.label],
        true=request.labels[true] if 0 <= true < len(request.labels) else None,
        values=values,
    )


def explained(prediction: Prediction, mask: Tensor, attribute: Attribute, generator: torch.Generator) -> Explained:
    """Return the numbers of the segments, and the deletion curves by them and at random."""
    values = attribute(prediction, mask)
    orders = [torch.randperm(len(values), generator=generator).numpy() for _ in range(ORDERS)]
    return Explained(
        values=values,
        deletion=deletion(prediction, mask, np.argsort(-values, kind="stable")),
        random=float(np.mean([deletion(prediction, mask, order) for order in orders])),
    )


@torch.no_grad()
def deletion(prediction: Prediction, mask: Tensor, order: NDArray[np.int64]) -> float:
    """Return the mean probability of the class over 0, 1, ... S - 1 replaced segments, in this order."""
    first, place = prediction.batch[0], torch.empty(len(order), dtype=torch.int64)
    # One segment stays: a text without any token has no features.
    place[torch.from_numpy(order)] = torch.arange(len(order))
    rank = place.to(mask.device)[mask]
    versions = torch.cat([torch.where(rank < gone, prediction.base, first) for gone in range(len(order))])
    return float(torch.cat([prediction(part) for part in torch.split(versions, 64)]).double().mean())


def _outputs(model: TransferModel, head: str) -> Any:
    if head not in model.heads:
        return None
    return [tuple(part.shape) for part in model.heads[head].parameters()]


def _numbers(found: dict[str, list[Explained]]) -> dict[str, float]:
    numbers = {}
    for name, one in found.items():
        numbers[f"{name}, deletion"] = float(np.mean([example.deletion for example in one]))
        numbers[f"{name}, deletion at random"] = float(np.mean([example.random for example in one]))
    if "before" in found:
        pairs = zip(found["before"], found["after"], strict=True)
        numbers["agreement"] = float(np.mean([rank_correlation(one.values, other.values) for one, other in pairs]))
    return numbers


def rank_correlation(first: Values, second: Values) -> float:
    """Return Spearman's correlation, -1 to 1; 0 if either has equal numbers alone."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else 0.0
