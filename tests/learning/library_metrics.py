"""Every metric of the kinds that tlbench ships, by scikit-learn, seqeval and torchmetrics; none of it by tlbench."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sklearn.metrics as scikit
import torch
from library_case import Case
from seqeval import metrics as seqeval
from seqeval.scheme import IOB2
from sklearn.calibration import calibration_curve
from torchmetrics.functional import classification, regression, segmentation

Score = Callable[[Case], Any]
SK, TM, SE = "scikit-learn", "torchmetrics", "seqeval"


def macro(function: Any, **options: Any) -> Score:
    return lambda case: function(case.targets, case.decided, average="macro", zero_division=0, **options)


def over_all_classes(function: Any) -> Score:
    return lambda case: function(
        case.targets, case.decided, average="macro", zero_division=0, labels=range(case.classes)
    )


def multiclass(function: Any, **options: Any) -> Score:
    return lambda case: function(
        torch.tensor(case.decided), torch.tensor(case.targets), num_classes=case.classes, **options
    )


def nll(case: Case) -> torch.Tensor:
    values, targets = case.tensors
    return torch.nn.functional.nll_loss(values.log(), targets)


def calibration(case: Case) -> float:
    """Weight the bins of scikit-learn's curve, each ((m - 1) / 15, m / 15], by how many units are in them."""
    confidence = case.predictions.max(1)
    right, mean = calibration_curve(case.decided == case.targets, confidence, n_bins=15, pos_label=True)
    sizes = np.unique(np.ceil(confidence * 15), return_counts=True)[1]
    return float(np.abs(right - mean) @ sizes / sizes.sum())


def trapezoid(case: Case) -> float:
    precision, recall, _ = scikit.precision_recall_curve(case.targets, case.predictions[:, 1])
    return scikit.auc(recall, precision)


LABELS: Mapping[str, Mapping[str, Score]] = {
    "accuracy": {
        f"{SK} accuracy_score": lambda case: scikit.accuracy_score(case.targets, case.decided),
        f"{TM} multiclass_accuracy(average='micro')": multiclass(classification.multiclass_accuracy, average="micro"),
    },
    "balanced-accuracy": {
        f"{SK} balanced_accuracy_score": lambda case: scikit.balanced_accuracy_score(case.targets, case.decided),
        f"{TM} multiclass_accuracy(average='macro')": multiclass(classification.multiclass_accuracy, average="macro"),
    },
    "macro-precision": {
        f"{SK} precision_score(average='macro')": macro(scikit.precision_score),
        f"{TM} multiclass_precision": multiclass(classification.multiclass_precision),
        f"{SK} precision_score(average='macro', labels=range(C))": over_all_classes(scikit.precision_score),
    },
    "macro-recall": {
        f"{SK} recall_score(average='macro')": macro(scikit.recall_score),
        f"{TM} multiclass_recall": multiclass(classification.multiclass_recall),
        f"{SK} recall_score(average='macro', labels=range(C))": over_all_classes(scikit.recall_score),
    },
    "macro-f1": {
        f"{SK} f1_score(average='macro')": macro(scikit.f1_score),
        f"{TM} multiclass_f1_score": multiclass(classification.multiclass_f1_score),
        f"{SK} f1_score(average='macro', labels=range(C))": over_all_classes(scikit.f1_score),
    },
    "ece": {
        f"{SK} calibration_curve(n_bins=15), bins weighted by size": calibration,
        f"{TM} multiclass_calibration_error(n_bins=15)": lambda case: classification.multiclass_calibration_error(
            *case.tensors, num_classes=case.classes, n_bins=15
        ),
    },
    "nll": {
        f"{SK} log_loss": lambda case: scikit.log_loss(case.targets, case.predictions, labels=range(case.classes)),
        "torch nll_loss": nll,
    },
}
RANKING: Mapping[str, Mapping[str, Score]] = {
    "average-precision": {
        f"{SK} average_precision_score": lambda case: scikit.average_precision_score(
            case.targets, case.predictions[:, 1]
        ),
        f"{TM} binary_average_precision": lambda case: classification.binary_average_precision(
            torch.tensor(case.predictions[:, 1]), torch.tensor(case.targets)
        ),
        f"{SK} auc(precision_recall_curve), by trapezoids": trapezoid,
    },
    "auroc": {
        f"{SK} roc_auc_score": lambda case: scikit.roc_auc_score(case.targets, case.predictions[:, 1]),
        f"{TM} binary_auroc": lambda case: classification.binary_auroc(
            torch.tensor(case.predictions[:, 1]), torch.tensor(case.targets)
        ),
    },
}


def entity(name: str) -> Mapping[str, Score]:
    function = getattr(seqeval, f"{name}_score")
    return {
        f"{SE} {name}_score": lambda case: function(*case.words(), zero_division=0),
        f"{SE} {name}_score(mode='strict', scheme=IOB2)": lambda case: function(
            *case.words(), zero_division=0, mode="strict", scheme=IOB2
        ),
    }


def label_f1(average: str) -> Mapping[str, Score]:
    return {
        f"{SK} f1_score(average='{average}')": lambda case: scikit.f1_score(
            case.targets, case.predictions >= 0.5, average=average, zero_division=0
        ),
        f"{TM} multilabel_f1_score(average='{average}')": lambda case: classification.multilabel_f1_score(
            *case.tensors, num_labels=case.classes, average=average
        ),
    }


MULTI_LABEL: Mapping[str, Mapping[str, Score]] = {
    "mean-average-precision": {
        f"{SK} average_precision_score(average='macro')": lambda case: scikit.average_precision_score(
            case.targets, case.predictions, average="macro"
        ),
        f"{TM} multilabel_average_precision": lambda case: classification.multilabel_average_precision(
            *case.tensors, num_labels=case.classes
        ),
    },
    "micro-f1": label_f1("micro"),
    "macro-f1": label_f1("macro"),
}
NUMBERS: Mapping[str, Mapping[str, Score]] = {
    "r2": {
        f"{SK} r2_score": lambda case: scikit.r2_score(case.targets, case.predictions),
        f"{TM} r2_score": lambda case: regression.r2_score(*case.tensors),
    },
    "rmse": {
        f"{SK} root_mean_squared_error": lambda case: scikit.root_mean_squared_error(case.targets, case.predictions),
        f"{TM} mean_squared_error(squared=False, num_outputs=C), mean": lambda case: regression.mean_squared_error(
            *case.tensors, squared=False, num_outputs=case.classes
        ).mean(),
        f"{TM} mean_squared_error(squared=False), all numbers together": lambda case: regression.mean_squared_error(
            *case.tensors, squared=False
        ),
    },
    "mae": {
        f"{SK} mean_absolute_error": lambda case: scikit.mean_absolute_error(case.targets, case.predictions),
        f"{TM} mean_absolute_error": lambda case: regression.mean_absolute_error(*case.tensors),
    },
}
PIXELS: Mapping[str, Mapping[str, Score]] = {
    "mean-iou": {
        f"{SK} jaccard_score(average='macro')": lambda case: scikit.jaccard_score(
            case.targets, case.predictions, average="macro", zero_division=0
        ),
        f"{TM} multiclass_jaccard_index": lambda case: classification.multiclass_jaccard_index(
            *case.tensors, num_classes=len(case.labels)
        ),
        f"{TM} segmentation.mean_iou, mean over images": lambda case: segmentation.mean_iou(
            *case.images(), num_classes=len(case.labels), input_format="index"
        ).mean(),
    },
    "dice": {
        f"{SK} f1_score(average='macro', labels=1..C-1 that occur)": lambda case: scikit.f1_score(
            case.targets,
            case.predictions,
            average="macro",
            labels=[one for one in np.union1d(case.targets, case.predictions) if one > 0],
            zero_division=0,
        ),
        f"{TM} segmentation.dice_score(aggregation_level='global')": lambda case: dice(case, "global"),
        f"{TM} segmentation.dice_score(aggregation_level='samplewise'), mean over images": lambda case: dice(
            case, "samplewise"
        ).mean(),
    },
    "pixel-accuracy": {
        f"{SK} accuracy_score": lambda case: scikit.accuracy_score(case.targets, case.predictions),
        f"{TM} multiclass_accuracy(average='micro')": lambda case: classification.multiclass_accuracy(
            *case.tensors, num_classes=len(case.labels), average="micro"
        ),
    },
    "hausdorff-95": {},
}


def dice(case: Case, level: str) -> torch.Tensor:
    return segmentation.dice_score(
        *case.images(),
        num_classes=len(case.labels),
        include_background=False,
        average="macro",
        input_format="index",
        aggregation_level=level,
    )


LIBRARIES: Mapping[str, Mapping[str, Mapping[str, Score]]] = {
    "classification": LABELS,
    "anomaly": {**RANKING, **LABELS},
    "one-class": RANKING,
    "token-classification": {f"entity-{name}": entity(name) for name in ("f1", "precision", "recall")},
    "multi-label": MULTI_LABEL,
    "regression": NUMBERS,
    "segmentation": PIXELS,
    "language-modelling": {"log-likelihood": {}, "perplexity": {}},
}
"""Kind -> metric -> who computes it -> score. The first of each defines the metric as tlbench does; the others may
differ, by a convention or by a definition that has the same name."""


def library_scores(case: Case, metric: str) -> dict[str, float | None]:
    """Return a metric of a case by every library; None where that is no finite number, or raises an error."""
    given, found = case.resampled(), dict[str, float | None]()
    for name, score in LIBRARIES[case.kind][metric].items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = float(score(given))
            except (ValueError, RuntimeError):  # Test sets that the library refuses.
                value = np.nan
        found[name] = value if np.isfinite(value) else None
    return found
