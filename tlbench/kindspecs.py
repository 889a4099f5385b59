"""The kinds of problem that tlbench ships, as light specs; `tlbench.kinds` holds what they create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench.records import KindSpec

if TYPE_CHECKING:
    from tlbench.kinds import Anomaly, Classification, TokenClassification
    from tlbench.language import LanguageModelling


def _classification() -> Classification:
    from tlbench.kinds import Classification

    return Classification()


def _token_classification() -> TokenClassification:
    from tlbench.kinds import TokenClassification

    return TokenClassification()


def _anomaly() -> Anomaly:
    from tlbench.kinds import Anomaly

    return Anomaly()


def _language_modelling() -> LanguageModelling:
    from tlbench.language import LanguageModelling

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
ANOMALY = KindSpec(
    name="anomaly",
    summary="Normal (label 0) or anomalous (label 1), where anomalies are rare.",
    unit="labels",
    metric="average-precision",
    layout="pooled",
    create=_anomaly,
    activation="softmax",
)
LANGUAGE_MODELLING = KindSpec(
    name="language-modelling",
    summary="The next token of a text from those before it; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="next-token",
    create=_language_modelling,
    traits=(),
)
MASKED_LANGUAGE_MODELLING = KindSpec(
    name="masked-language-modelling",
    summary="The tokens of a text that were masked, from all others; the texts are their own labels.",
    unit="texts",
    metric="log-likelihood",
    layout="masked-token",
    create=_language_modelling,
    traits=(),
)
