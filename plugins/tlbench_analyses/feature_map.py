"""Features of both domains on two principal components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlbench import Analysis, AnalysisRequest, NotApplicable
from tlbench.learning import Inputs, TransferModel, device_of
from tlbench_analyses.drawing import png
from tlbench_analyses.examples import some_of

Points = NDArray[np.float64]


def feature_map(request: AnalysisRequest) -> Analysis:
    """Return the distance of the domains' mean features before and after adaptation, and a map of both.

    The distance is relative to the root mean square distance of features from their domain's mean. Components are those
    of source and target together; before and after have maps of their own, because adaptation moves all features.
    """
    if request.source_inputs is None:
        raise NotApplicable("The task has no source domain to compare with.")
    domains = [
        some_of(inputs, request.options["examples"], request.generator)
        for inputs in (request.source_inputs, request.inputs)
    ]
    sides = {
        "before": [pooled(request.before, inputs) for inputs in domains],
        "after": [pooled(request.after, inputs) for inputs in domains],
    }
    numbers = {f"distance {when}": distance(*features) for when, features in sides.items()}
    return Analysis(numbers=numbers, picture=_drawn(sides, numbers))


def distance(source: Points, target: Points) -> float:
    """Return |mean difference| / root mean square distance from the own mean, for features `(N, D)` and `(M, D)`."""
    spread = np.concatenate([source - source.mean(0), target - target.mean(0)])
    size = float(np.sqrt(np.square(spread).sum(1).mean()))
    gap = float(np.linalg.norm(source.mean(0) - target.mean(0)))
    return gap / size if size else float(gap > 0)


def pooled(model: TransferModel, inputs: Inputs) -> Points:
    """Return one feature for each example, `(N, D)`."""
    import torch

    features: dict[int, Points] = {}
    with torch.no_grad():
        for positions, batch in inputs.by_length(64):
            found = model.pooled(*(part.to(device_of(model)) for part in batch)).double().cpu().numpy()
            features.update(zip(positions.tolist(), found, strict=True))
    return np.stack([features[position] for position in range(len(inputs))])


def _drawn(sides: dict[str, list[Points]], numbers: dict[str, float]) -> bytes:
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, (when, features) in zip(figure.subplots(1, 2), sides.items(), strict=True):
        both = np.concatenate(features)
        plane = PCA(min(2, *both.shape), svd_solver="full").fit(both)
        for label, points, colour in zip(("source", "target"), features, ("C0", "C1"), strict=True):
            places = plane.transform(points)
            axes.scatter(places[:, 0], places[:, -1], s=8, alpha=0.6, label=label, color=colour)
        axes.set_title(f"{when}: distance of means {numbers[f'distance {when}']:.2f}")
        axes.set_xticks([])
        axes.set_yticks([])
    figure.axes[0].legend()
    return png(figure)
