"""What the plugin of detectors offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlbench import Access, Option, StrategySpec, deferred, hookimpl

TLBENCH_API = 2

STANDARDISE = Option(name="standardise", default=True, summary="bring each feature to variance 1 over normal examples")


def _detector(
    name: str,
    *,
    title: str,
    summary: str,
    paper: str,
    options: tuple[Option, ...] = (),
    adapt: Callable[..., Any] | None = None,
    extend: Callable[..., Any] | None = None,
) -> StrategySpec:
    return StrategySpec(
        name=name,
        title=title,
        summary=summary,
        paper=paper,
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=False,
        augments=False,
        on_request=True,
        needs=("distances",),
        options=options,
        extend=extend,
        adapt=adapt or deferred("tlbench_outliers.strategies", name.replace("-", "_")),
    )


def _neighbours(default: int, summary: str) -> Option:
    return Option(name="neighbours", default=default, summary=summary, unit="examples", least=1, most=1000)


def _bank(default: int, more: str = "", *, least: int = 1, most: int = 100_000) -> Option:
    summary = f"most normal examples that are kept{more}"
    return Option(name="bank", default=default, summary=summary, unit="examples", least=least, most=most)


def _centroid_distance() -> StrategySpec:
    return _detector(
        "centroid-distance",
        title="Distance from the mean of normal features",
        summary="Scores an example by the squared distance of its features from the mean of normal examples.",
        paper="Reiss et al. 2021, PANDA: adapting pretrained features for anomaly detection and segmentation, "
        "arXiv:2010.05903 (the baseline of section 3)",
        options=(STANDARDISE,),
    )


def _pca_reconstruction() -> StrategySpec:
    return _detector(
        "pca-reconstruction",
        title="Reconstruction error of principal components",
        summary="Scores an example by the part of its features outside the principal components of normal ones.",
        paper="Shyu et al. 2003, A novel anomaly detection scheme based on principal component classifier, ICDM "
        "foundations and new directions of data mining workshop",
        options=(
            STANDARDISE,
            Option(
                name="variance",
                default=0.9,
                summary="part of the variance of normal features that the components hold",
                least=0.01,
                most=0.9999,
            ),
        ),
    )


def _nearest_neighbours() -> StrategySpec:
    return _detector(
        "nearest-neighbours",
        title="Distance to the nearest normal features",
        summary="Scores an example by its mean squared distance to the nearest features of normal examples.",
        paper="Bergman et al. 2020, Deep nearest neighbor anomaly detection, arXiv:2002.10445",
        options=(
            STANDARDISE,
            _neighbours(2, "nearest normal examples (k)"),
            _bank(1000, ", at least as many as neighbours"),
        ),
        extend=deferred("tlbench_outliers.strategies", "with_bank"),
    )


def _ecod() -> StrategySpec:
    return _detector(
        "ecod",
        title="Empirical cumulative distributions (ECOD)",
        summary="Scores an example by how far its features lie in the tails of those of normal examples, one by one.",
        paper="Li et al. 2022, ECOD: unsupervised outlier detection using empirical cumulative distribution functions, "
        "arXiv:2201.00382",
        options=(_bank(500, most=2000),),
        extend=deferred("tlbench_outliers.densities", "with_tails"),
        adapt=deferred("tlbench_outliers.densities", "ecod"),
    )


def _local_outlier_factor() -> StrategySpec:
    return _detector(
        "local-outlier-factor",
        title="Local outlier factor (LOF)",
        summary="Scores an example by how much sparser normal features are around it than around its neighbours.",
        paper="Breunig et al. 2000, LOF: identifying density-based local outliers, doi:10.1145/335191.335388",
        options=(
            STANDARDISE,
            _neighbours(20, "nearest normal examples (MinPts)"),
            _bank(1000, ", at least one more than neighbours", least=2),
        ),
        extend=deferred("tlbench_outliers.densities", "with_densities"),
        adapt=deferred("tlbench_outliers.densities", "local_outlier_factor"),
    )


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [_centroid_distance(), _pca_reconstruction(), _nearest_neighbours(), _ecod(), _local_outlier_factor()]
