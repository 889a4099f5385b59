"""The kinds of problem that tlbench ships, as light specs; `tlbench.learning.kinds` holds what they create."""

from __future__ import annotations

from tlbench.contract.deferred import deferred
from tlbench.contract.specs import KindSpec

CLASS_PROBABILITIES = "class-probabilities"
"""The trait of a kind whose predictions are a probability for each of several labels that exclude each other."""
CLASSIFICATION = KindSpec(
    name="classification",
    summary="One of several labels for each example.",
    unit="labels",
    metric="accuracy",
    layout="pooled",
    create=deferred("tlbench.learning.kinds.classification", "Classification"),
    traits=("probe", CLASS_PROBABILITIES),
)
TOKEN_CLASSIFICATION = KindSpec(
    name="token-classification",
    summary="One BIO tag for each word, scored by whole entities.",
    unit="sentences",
    metric="entity-f1",
    layout="sequence",
    create=deferred("tlbench.learning.kinds.classification", "TokenClassification"),
    requires=("seqeval",),
    extra="nlp",
    traits=("probe", CLASS_PROBABILITIES),
)
SEGMENTATION = KindSpec(
    name="segmentation",
    summary="One label for each pixel.",
    unit="images",
    metric="mean-iou",
    layout="map",
    create=deferred("tlbench.learning.kinds.segmentation", "Segmentation"),
    traits=("probe", CLASS_PROBABILITIES),
)
REGRESSION = KindSpec(
    name="regression",
    summary="One or several numbers for each example.",
    unit="labels",
    metric="r2",
    layout="pooled",
    create=deferred("tlbench.learning.kinds.regression", "Regression"),
)
MULTI_LABEL = KindSpec(
    name="multi-label",
    summary="Any number of labels for each example.",
    unit="examples",
    metric="mean-average-precision",
    layout="pooled",
    create=deferred("tlbench.learning.kinds.multi_label", "MultiLabel"),
)
ANOMALY = KindSpec(
    name="anomaly",
    summary="Normal (label 0) or anomalous (label 1), where anomalies are rare.",
    unit="labels",
    metric="average-precision",
    layout="pooled",
    create=deferred("tlbench.learning.kinds.anomaly", "Anomaly"),
    traits=("probe", CLASS_PROBABILITIES),
)
ONE_CLASS = KindSpec(
    name="one-class",
    summary="Normal or anomalous, with normal examples alone to learn from; the probe is their normal distribution.",
    unit="normal examples",
    metric="auroc",
    layout="pooled",
    create=deferred("tlbench.learning.kinds.anomaly", "OneClass"),
    supervised=False,
    traits=("probe", "distances"),
)
"""For a target whose source is of another kind, that an encoder can be trained on."""
LANGUAGE_MODELLING = KindSpec(
    name="language-modelling",
    summary="The next token of a text from those before it; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="next-token",
    create=deferred("tlbench.learning.kinds.language", "LanguageModelling"),
    traits=(CLASS_PROBABILITIES,),
)
MASKED_LANGUAGE_MODELLING = KindSpec(
    name="masked-language-modelling",
    summary="The tokens of a text that were masked, from all others; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="masked-token",
    create=deferred("tlbench.learning.kinds.language", "LanguageModelling"),
    traits=(CLASS_PROBABILITIES,),
)
