"""What a strategy computes with: examples, models, kinds, metrics and the training loop."""

from tlbench.learning.adapt_request import AdaptRequest, Augment, Batch, Remask
from tlbench.learning.data import (
    Columns,
    Examples,
    Inputs,
    Ragged,
    Targets,
    as_bad_input,
    concatenate,
    prepare_each,
)
from tlbench.learning.kinds import (
    Anomaly,
    Classification,
    Kind,
    MultiLabel,
    OneClass,
    Regression,
    Segmentation,
    TokenClassification,
)
from tlbench.learning.metrics import Metric, PartlyDefined, Weighted, accuracy, from_positions, from_statistics
from tlbench.learning.model import EVALUATION_BATCH, Encoder, TransferModel, apply_head, device_of, encode
from tlbench.learning.precision import check_targets, standardise_lost
from tlbench.learning.probe import Linear, fit_probe
from tlbench.learning.trainer import DivergedError, Schedule, one_cycle, reverse_gradient, train

__all__ = [
    "EVALUATION_BATCH",
    "AdaptRequest",
    "Anomaly",
    "Augment",
    "Batch",
    "Classification",
    "Columns",
    "DivergedError",
    "Encoder",
    "Examples",
    "Inputs",
    "Kind",
    "Linear",
    "Metric",
    "MultiLabel",
    "OneClass",
    "PartlyDefined",
    "Ragged",
    "Regression",
    "Remask",
    "Schedule",
    "Segmentation",
    "Targets",
    "TokenClassification",
    "TransferModel",
    "Weighted",
    "accuracy",
    "apply_head",
    "as_bad_input",
    "check_targets",
    "concatenate",
    "device_of",
    "encode",
    "fit_probe",
    "from_positions",
    "from_statistics",
    "one_cycle",
    "prepare_each",
    "reverse_gradient",
    "standardise_lost",
    "train",
]
