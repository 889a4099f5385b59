"""The kinds of problem that tlbench ships, as light specs; `tlbench.kinds` holds what they create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench.records import KindSpec

if TYPE_CHECKING:
    from tlbench.kinds import Anomaly, Classification, TokenClassification


def _classification() -> Classification:
    from tlbench.kinds import Classification

    return Classification()


def _token_classification() -> TokenClassification:
    from tlbench.kinds import TokenClassification

    return TokenClassification()


def _anomaly() -> Anomaly:
    from tlbench.kinds import Anomaly

    return Anomaly()


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
ANOMALY = KindSpec(
    name="anomaly",
    summary="Normal (label 0) or anomalous (label 1), where anomalies are rare.",
    unit="labels",
    metric="average-precision",
    layout="pooled",
    create=_anomaly,
    activation="softmax",
)
