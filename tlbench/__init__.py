"""tlbench: target score, forgetting and serving latency of transfer learning, on one board.

The names here are what a plugin's light module needs; none of them imports torch. Heavy modules for plugin code:
`tlbench.data`, `tlbench.kinds`, `tlbench.model`, `tlbench.request`, `tlbench.training`, `tlbench.probe`.
"""

from tlbench.calls import (
    AugmentRequest,
    BuildRequest,
    FitRequest,
    LoadRequest,
    PrepareRequest,
    RemaskRequest,
    SaveRequest,
)
from tlbench.errors import BadInputError, ContractError, MissingDataError, TlbenchError, UnknownNameError, UsageError
from tlbench.events import Event
from tlbench.hookspecs import hookimpl
from tlbench.kindspecs import (
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
from tlbench.options import PARTIAL, Option, OptionValue, training_options
from tlbench.raw import Sees, Side, Split, TaskData
from tlbench.records import (
    BackboneFamily,
    BackboneSpec,
    Checkpoint,
    DomainSpec,
    KindSpec,
    OwnHead,
    StrategySpec,
    TaskSpec,
)

__version__ = "0.1.0"

__all__ = [
    "ANOMALY",
    "CLASSIFICATION",
    "LANGUAGE_MODELLING",
    "MASKED_LANGUAGE_MODELLING",
    "MULTI_LABEL",
    "ONE_CLASS",
    "PARTIAL",
    "REGRESSION",
    "SEGMENTATION",
    "TOKEN_CLASSIFICATION",
    "AugmentRequest",
    "BackboneFamily",
    "BackboneSpec",
    "BadInputError",
    "BuildRequest",
    "Checkpoint",
    "ContractError",
    "DomainSpec",
    "Event",
    "FitRequest",
    "KindSpec",
    "LoadRequest",
    "MissingDataError",
    "Option",
    "OptionValue",
    "OwnHead",
    "PrepareRequest",
    "RemaskRequest",
    "SaveRequest",
    "Sees",
    "Side",
    "Split",
    "StrategySpec",
    "TaskData",
    "TaskSpec",
    "TlbenchError",
    "UnknownNameError",
    "UsageError",
    "__version__",
    "hookimpl",
    "training_options",
]
