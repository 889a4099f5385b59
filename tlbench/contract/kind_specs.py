"""The kinds of problem that tlbench ships, as light specs; `tlbench.learning.kinds` holds what they create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench.contract.specs import KindSpec

if TYPE_CHECKING:
    from tlbench.learning.kinds import (
        Anomaly,
        Classification,
        MultiLabel,
        OneClass,
        Regression,
        Segmentation,
        TokenClassification,
    )
    from tlbench.learning.language import LanguageModelling


def _classification() -> Classification:
    from tlbench.learning.kinds import Classification

    return Classification()


def _token_classification() -> TokenClassification:
    from tlbench.learning.kinds import TokenClassification

    return TokenClassification()


def _segmentation() -> Segmentation:
    from tlbench.learning.kinds import Segmentation

    return Segmentation()


def _regression() -> Regression:
    from tlbench.learning.kinds import Regression

    return Regression()


def _multi_label() -> MultiLabel:
    from tlbench.learning.kinds import MultiLabel

    return MultiLabel()


def _one_class() -> OneClass:
    from tlbench.learning.kinds import OneClass

    return OneClass()


def _anomaly() -> Anomaly:
    from tlbench.learning.kinds import Anomaly

    return Anomaly()


def _language_modelling() -> LanguageModelling:
    from tlbench.learning.language import LanguageModelling

    return LanguageModelling()


CLASSIFICATION = KindSpec(
    name="classification",
    summary="One of several labels for each example.",
    unit="labels",
    metric="accuracy",
    layout="pooled",
    create=_classification,
    activation="softmax",
)
TOKEN_CLASSIFICATION = KindSpec(
    name="token-classification",
    summary="One BIO tag for each word, scored by whole entities.",
    unit="sentences",
    metric="entity-f1",
    layout="sequence",
    create=_token_classification,
    activation="softmax",
    requires=("seqeval",),
    extra="nlp",
)
SEGMENTATION = KindSpec(
    name="segmentation",
    summary="One label for each pixel.",
    unit="images",
    metric="mean-iou",
    layout="map",
    create=_segmentation,
    activation="argmax",
)
REGRESSION = KindSpec(
    name="regression",
    summary="One or several numbers for each example.",
    unit="labels",
    metric="r2",
    layout="pooled",
    create=_regression,
    target="numbers",
)
MULTI_LABEL = KindSpec(
    name="multi-label",
    summary="Any number of labels for each example.",
    unit="examples",
    metric="mean-average-precision",
    layout="pooled",
    create=_multi_label,
    target="flags",
    activation="sigmoid",
)
ANOMALY = KindSpec(
    name="anomaly",
    summary="Normal (label 0) or anomalous (label 1), where anomalies are rare.",
    unit="labels",
    metric="average-precision",
    layout="pooled",
    create=_anomaly,
    activation="softmax",
)
ONE_CLASS = KindSpec(
    name="one-class",
    summary="Normal or anomalous, with normal examples alone to learn from; the probe is their normal distribution.",
    unit="normal examples",
    metric="auroc",
    layout="pooled",
    create=_one_class,
    supervised=False,
)
"""For a target whose source is of another kind, that an encoder can be trained on."""
LANGUAGE_MODELLING = KindSpec(
    name="language-modelling",
    summary="The next token of a text from those before it; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="next-token",
    create=_language_modelling,
    activation="softmax",
    traits=(),
)
MASKED_LANGUAGE_MODELLING = KindSpec(
    name="masked-language-modelling",
    summary="The tokens of a text that were masked, from all others; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="masked-token",
    create=_language_modelling,
    activation="softmax",
    traits=(),
)
