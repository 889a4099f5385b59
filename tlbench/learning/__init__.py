"""What a strategy computes with: examples, models, kinds, metrics and the training loop."""

from tlbench.learning.adapt_request import AdaptRequest, Domain, Teacher
from tlbench.learning.batch import Augment, Batch, Tensors
from tlbench.learning.blocks import blocks_of, outside_blocks
from tlbench.learning.data import Columns, Examples, Inputs, as_bad_input, concatenate, prepare_each
from tlbench.learning.domain_distance import a_distance
from tlbench.learning.heads import Distance, ScaledLinear
from tlbench.learning.kinds import (
    Anomaly,
    Classification,
    Kind,
    LanguageModelling,
    MultiLabel,
    OneClass,
    Regression,
    Segmentation,
    TokenClassification,
)
from tlbench.learning.kinds.postprocess import Labels, Numbers
from tlbench.learning.kinds.protocol import Postprocess, mean_over_targets
from tlbench.learning.loop import (
    DivergedError,
    MakeOptimizer,
    Schedule,
    Trained,
    one_cycle,
    reverse_gradient,
    train,
)
from tlbench.learning.metrics import (
    Metric,
    PartlyDefined,
    Vectorised,
    Weighted,
    accuracy,
    from_positions,
    from_statistics,
    proportion,
)
from tlbench.learning.model import (
    EVALUATION_BATCH,
    Encoder,
    TokenNumbers,
    TransferModel,
    apply_head,
    device_of,
    encode,
)
from tlbench.learning.moving import Moves
from tlbench.learning.outputs import Outputs
from tlbench.learning.precision import check_targets, standardise_lost
from tlbench.learning.probe import Linear, choose_strength, fit_probe, fit_probes
from tlbench.learning.ragged import Ragged
from tlbench.learning.signature import InputSpec, Signature
from tlbench.learning.targets import BatchTargets, Predictions, Targets
from tlbench.learning.trainer import Trainer
from tlbench.learning.vary.images import vary_images
from tlbench.learning.vary.numbers import vary_rows, vary_series
from tlbench.learning.vary.sounds import vary_sounds
from tlbench.learning.vary.texts import vary_texts

__all__ = [
    "EVALUATION_BATCH",
    "AdaptRequest",
    "Anomaly",
    "Augment",
    "Batch",
    "BatchTargets",
    "Classification",
    "Columns",
    "Distance",
    "DivergedError",
    "Domain",
    "Encoder",
    "Examples",
    "InputSpec",
    "Inputs",
    "Kind",
    "Labels",
    "LanguageModelling",
    "Linear",
    "MakeOptimizer",
    "Metric",
    "Moves",
    "MultiLabel",
    "Numbers",
    "OneClass",
    "Outputs",
    "PartlyDefined",
    "Postprocess",
    "Predictions",
    "Ragged",
    "Regression",
    "ScaledLinear",
    "Schedule",
    "Segmentation",
    "Signature",
    "Targets",
    "Teacher",
    "Tensors",
    "TokenClassification",
    "TokenNumbers",
    "Trained",
    "Trainer",
    "TransferModel",
    "Vectorised",
    "Weighted",
    "a_distance",
    "accuracy",
    "apply_head",
    "as_bad_input",
    "blocks_of",
    "check_targets",
    "choose_strength",
    "concatenate",
    "device_of",
    "encode",
    "fit_probe",
    "fit_probes",
    "from_positions",
    "from_statistics",
    "mean_over_targets",
    "one_cycle",
    "outside_blocks",
    "prepare_each",
    "proportion",
    "reverse_gradient",
    "standardise_lost",
    "train",
    "vary_images",
    "vary_rows",
    "vary_series",
    "vary_sounds",
    "vary_texts",
]
