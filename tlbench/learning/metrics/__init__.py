"""Scores as pure functions of predictions and targets."""

from tlbench.learning.metrics.classification import (
    accuracy,
    area_under_roc,
    average_precision,
    balanced_accuracy,
    calibration_error,
    macro_f1,
    macro_precision,
    macro_recall,
    negative_log_likelihood,
)
from tlbench.learning.metrics.entities import entity_counts, entity_metrics
from tlbench.learning.metrics.forgetting import forgetting
from tlbench.learning.metrics.groups import WorstGroup, worst_group
from tlbench.learning.metrics.intervals import DRAWS, Interval, Resampled, score_draws, score_interval
from tlbench.learning.metrics.language import log_likelihood, perplexity
from tlbench.learning.metrics.metric import (
    Metric,
    PartlyDefined,
    Vectorised,
    Weighted,
    from_positions,
    from_statistics,
    proportion,
    score,
)
from tlbench.learning.metrics.multi_label import macro_label_f1, mean_average_precision, micro_label_f1
from tlbench.learning.metrics.pixels import pixel_metrics
from tlbench.learning.metrics.regression import mae, r2, rmse

__all__ = [
    "DRAWS",
    "Interval",
    "Metric",
    "PartlyDefined",
    "Resampled",
    "Vectorised",
    "Weighted",
    "WorstGroup",
    "accuracy",
    "area_under_roc",
    "average_precision",
    "balanced_accuracy",
    "calibration_error",
    "entity_counts",
    "entity_metrics",
    "forgetting",
    "from_positions",
    "from_statistics",
    "log_likelihood",
    "macro_f1",
    "macro_label_f1",
    "macro_precision",
    "macro_recall",
    "mae",
    "mean_average_precision",
    "micro_label_f1",
    "negative_log_likelihood",
    "perplexity",
    "pixel_metrics",
    "proportion",
    "r2",
    "rmse",
    "score",
    "score_draws",
    "score_interval",
    "worst_group",
]
