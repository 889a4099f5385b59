"""An estimator and an analysis, each of a few lines."""

from __future__ import annotations

import numpy as np

from tlbench import Analysis, AnalysisRequest, EstimateRequest
from tlbench.learning import encode


def class_share(request: EstimateRequest) -> float:
    """Return the share of the features' variance that lies between the classes, in [0, 1]."""
    features = request.features.astype(np.float64)
    classes, members = np.unique(request.targets, return_inverse=True)
    means = np.stack([features[members == place].mean(0) for place in range(len(classes))])
    between = np.square(means[members] - features.mean(0)).sum()
    total = np.square(features - features.mean(0)).sum()
    return float(between / total) if total > 0 else 0.0


def feature_shift(request: AnalysisRequest) -> Analysis:
    """Return how far the features of the test examples moved, relative to their size before."""
    before, after = (encode(model, request.inputs) for model in (request.before, request.after))
    size = float(np.linalg.norm(before))
    return Analysis(numbers={"shift": float(np.linalg.norm(after - before)) / max(size, 1e-12)})
