"""tlbench: target score, forgetting and serving latency of transfer learning, on one board.

The names here are what a plugin's light module needs; none of them imports torch. What its heavy modules need is in
`tlbench.learning`, readers and checkpoints in `tlbench.assets`, checks in `tlbench.testing`.
"""

import sys

# `python -m tlbench` puts the current folder first: a file there named like a library would be executed. argv is
# ["-m", ...] only while Python looks for the module.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]

from tlbench.api.comparing import compare
from tlbench.api.results import Results, load
from tlbench.api.running import run
from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec, Checkpoint, OwnHead
from tlbench.contract.deferred import deferred
from tlbench.contract.diagnostics import Analysis, AnalysisRequest, AnalysisSpec, EstimateRequest, EstimatorSpec
from tlbench.contract.editions import API_VERSION
from tlbench.contract.events import Event
from tlbench.contract.faults import Faults
from tlbench.contract.hooks import hookimpl
from tlbench.contract.kind_specs import (
    ANOMALY,
    CLASSIFICATION,
    LANGUAGE_MODELLING,
    MASKED_LANGUAGE_MODELLING,
    MULTI_LABEL,
    ONE_CLASS,
    REGRESSION,
    SEGMENTATION,
    TOKEN_CLASSIFICATION,
)
from tlbench.contract.options import (
    AUGMENT_OPTION,
    CHECKPOINT_KEY,
    PARTIAL,
    SPLIT_OPTIONS,
    Option,
    OptionValue,
    training_options,
)
from tlbench.contract.requests import (
    ANSWER_TOKENS,
    AugmentRequest,
    BuildRequest,
    Coverage,
    FitRequest,
    LabelsRequest,
    Layout,
    LoadRequest,
    PrepareRequest,
    RemaskRequest,
    SaveRequest,
    Strength,
)
from tlbench.contract.specs import (
    BY_SOURCE_LABELS,
    BY_TARGET_INPUTS,
    DomainSpec,
    KindSpec,
    Selection,
    Setting,
    StrategySpec,
    TaskSpec,
)
from tlbench.contract.task_data import Access, Array, ExampleSequence, Side, Split, TaskData, TaskLabels
from tlbench.errors import (
    BadInputError,
    ContractError,
    MissingDataError,
    NotApplicable,
    TlbenchError,
    UnknownNameError,
    UsageError,
)

__version__ = "0.1.0"

__all__ = [
    "ANOMALY",
    "ANSWER_TOKENS",
    "API_VERSION",
    "AUGMENT_OPTION",
    "BY_SOURCE_LABELS",
    "BY_TARGET_INPUTS",
    "CHECKPOINT_KEY",
    "CLASSIFICATION",
    "LANGUAGE_MODELLING",
    "MASKED_LANGUAGE_MODELLING",
    "MULTI_LABEL",
    "ONE_CLASS",
    "PARTIAL",
    "REGRESSION",
    "SEGMENTATION",
    "SPLIT_OPTIONS",
    "TOKEN_CLASSIFICATION",
    "Access",
    "Analysis",
    "AnalysisRequest",
    "AnalysisSpec",
    "Array",
    "AugmentRequest",
    "BackboneFamily",
    "BackboneSpec",
    "BadInputError",
    "BuildRequest",
    "Checkpoint",
    "ContractError",
    "Coverage",
    "DomainSpec",
    "EstimateRequest",
    "EstimatorSpec",
    "Event",
    "ExampleSequence",
    "Faults",
    "FitRequest",
    "KindSpec",
    "LabelsRequest",
    "Layout",
    "LoadRequest",
    "MissingDataError",
    "NotApplicable",
    "Option",
    "OptionValue",
    "OwnHead",
    "PrepareRequest",
    "RemaskRequest",
    "Results",
    "SaveRequest",
    "Selection",
    "Setting",
    "Side",
    "Split",
    "StrategySpec",
    "Strength",
    "TaskData",
    "TaskLabels",
    "TaskSpec",
    "TlbenchError",
    "UnknownNameError",
    "UsageError",
    "__version__",
    "compare",
    "deferred",
    "hookimpl",
    "load",
    "run",
    "training_options",
]
