"""What the plugin of transferability estimators offers."""

from __future__ import annotations

from tlbench import EstimatorSpec, deferred, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_estimators() -> list[EstimatorSpec]:
    return [*_of_features(), *_of_source_labels(), _of_domains()]


def _of_features() -> list[EstimatorSpec]:
    return [
        EstimatorSpec(
            name="logme",
            title="LogME",
            summary="Mean log evidence of the targets under a Bayesian linear model of the features.",
            paper="You et al. 2021, LogME: practical assessment of pre-trained models for transfer learning, "
            "arXiv:2102.11005",
            needs=("probe",),
            estimate=deferred("tlbench_estimators.evidence", "logme"),
        ),
        EstimatorSpec(
            name="h-score",
            title="H-score",
            summary="How much of the variance of the features is between classes, with shrunk covariances.",
            paper="Bao et al. 2019, An information-theoretic approach to transferability in task transfer learning; "
            "Ibrahim et al. 2021, Newer is not always better, arXiv:2110.06893",
            needs=("class-probabilities",),
            estimate=deferred("tlbench_estimators.classes", "h_score"),
        ),
        EstimatorSpec(
            name="gbc",
            title="Gaussian Bhattacharyya coefficient",
            summary="Minus the overlap of the classes, each a spherical Gaussian of the features' main components.",
            paper="Pandy et al. 2022, Transferability estimation using Bhattacharyya class separability, "
            "arXiv:2111.12780",
            needs=("class-probabilities",),
            estimate=deferred("tlbench_estimators.classes", "gbc"),
        ),
    ]


def _of_source_labels() -> list[EstimatorSpec]:
    return [
        EstimatorSpec(
            name="leep",
            title="LEEP",
            summary="Mean log-likelihood of the labels, given the source model's probabilities of its own labels.",
            paper="Nguyen et al. 2020, LEEP: a new measure to evaluate transferability, arXiv:2002.12462",
            needs=("class-probabilities",),
            estimate=deferred("tlbench_estimators.source_labels", "leep"),
        ),
        EstimatorSpec(
            name="nce",
            title="Negative conditional entropy",
            summary="Minus the entropy of the labels, given the source model's decisions.",
            paper="Tran et al. 2019, Transferability and hardness of supervised classification tasks, arXiv:1908.08142",
            needs=("class-probabilities",),
            estimate=deferred("tlbench_estimators.source_labels", "nce"),
        ),
    ]


def _of_domains() -> EstimatorSpec:
    return EstimatorSpec(
        name="a-distance",
        title="Minus the A-distance",
        summary="Minus the proxy A-distance: 0 if a linear classifier cannot tell the domains apart, -2 if it can.",
        paper="Ben-David et al. 2007, Analysis of representations for domain adaptation, NeurIPS 19, "
        "doi:10.7551/mitpress/7503.003.0022",
        needs=("unit-targets", "source-features"),
        estimate=deferred("tlbench_estimators.domains", "nearness"),
    )
