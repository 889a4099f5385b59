"""The kinds of problem that tlbench ships: head, loss, predictions and metrics."""

from tlbench.learning.kinds.anomaly import Anomaly, OneClass
from tlbench.learning.kinds.classification import Classification, TokenClassification
from tlbench.learning.kinds.language import LanguageModelling
from tlbench.learning.kinds.multi_label import MultiLabel
from tlbench.learning.kinds.protocol import Kind, Postprocess
from tlbench.learning.kinds.regression import Regression
from tlbench.learning.kinds.segmentation import Segmentation

__all__ = [
    "Anomaly",
    "Classification",
    "Kind",
    "LanguageModelling",
    "MultiLabel",
    "OneClass",
    "Postprocess",
    "Regression",
    "Segmentation",
    "TokenClassification",
]
