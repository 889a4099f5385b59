"""The bootstrap interval of a ranking score, beside one in which every draw sorts."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from contest import compared, compete

from tlbench.learning import metrics
from tlbench.learning.targets import Predictions, Targets

EXAMPLES = 2000


def low(weighted):
    """Return the lower percentile of the draws, without the jackknife, which costs both the same."""
    return float(np.quantile(metrics.score_draws(weighted, metrics.Resampled.examples(EXAMPLES)), 0.025))


def intervals(metric, by_library):
    """Contenders that make the interval of one score from the same draws."""
    random = np.random.default_rng(15)  # Not the seed of the draws, which would repeat its numbers.
    labels = (random.random(EXAMPLES) < 0.2).astype(np.int64)
    high = (1 / (1 + np.exp(-random.normal(labels, 1)))).astype(np.float32)
    values, targets = np.stack([1 - high, high], 1), Targets.of(labels)

    def ours(number):
        weighted = metric(Predictions.of(values, targets.counts), targets)
        return {"low": low(weighted)}

    def library(number):
        return {"low": low(lambda weights: float(by_library(labels, high, sample_weight=weights)))}

    return {"tlbench": ours, "scikit-learn": library}


@pytest.mark.parametrize(
    ("name", "metric", "by_library"),
    [
        ("average precision", metrics.average_precision, sklearn.metrics.average_precision_score),
        ("AUROC", metrics.area_under_roc, sklearn.metrics.roc_auc_score),
    ],
)
def test_interval(benchmark, say, name, metric, by_library):
    found = compete(benchmark, intervals(metric, by_library))
    own, library = found["tlbench"], found["scikit-learn"]
    assert own["low"] == pytest.approx(library["low"], rel=0, abs=1e-12)
    say(compared(10, f"interval of {name}, bare: sorted for each draw", own["seconds"], bare=(library["seconds"], 0.5)))
