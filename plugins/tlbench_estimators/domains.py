"""The A-distance: how well a linear classifier tells the domains apart."""

from __future__ import annotations

from tlbench import EstimateRequest, NotApplicable
from tlbench.learning import a_distance

FEWEST = 4
"""Units of each domain: half of them train the classifier, at least two, and half test it."""


def nearness(request: EstimateRequest) -> float:
    """Return minus the proxy A-distance of source training units and the label budget, in [-2, 0]; labels are not read.

    Raises `NotApplicable` for fewer than four units of a domain.
    """
    if request.source_features is None or min(len(request.source_features), len(request.features)) < FEWEST:
        raise NotApplicable(f"The A-distance needs {FEWEST} units of each domain: use a larger --label-budget.")
    # Not -0.0, which reads as if it were less.
    return 0.0 - a_distance(request.source_features, request.features)
