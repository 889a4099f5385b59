"""The parts of a row: what each stage knows, as typed records. A row is their union with what was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tlbench.errors import ContractError
from tlbench.results.frozen import freeze
from tlbench.results.values import in_words, wrong_values


@dataclass(frozen=True, kw_only=True)
class RowPart:
    """Fields of the row that one stage knows; the row describes each. None: the field keeps what the plan says.

    Raises `ContractError` if a value is not one that a row may have, such as the score of a metric that is NaN.
    """

    def __post_init__(self) -> None:
        freeze(self)
        for wrong in wrong_values(self):
            raise ContractError(f"Invalid {type(self).__name__}: {in_words(*wrong)}.")

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are known."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class PreparedPart(RowPart):
    """Of the stage `prepare`."""

    data_sha256: str
    fitted_on: str | None
    test_copies: int
    test_near_copies: int | None
    source_test_copies: int | None


@dataclass(frozen=True, kw_only=True)
class SourcePart(RowPart):
    """Of the stage `source`, where a checkpoint was loaded in part."""

    weights_loaded: int | None
    weights_expected: int | None


@dataclass(frozen=True, kw_only=True)
class FeaturesPart(RowPart):
    """Of the stage `features`."""

    a_distance: float | None


@dataclass(frozen=True, kw_only=True)
class AdaptPart(RowPart):
    """Of the stage `adapt`."""

    trained_parameters: int
    training_labels: int | None = None
    device_seconds: float | None = None
    training_loss: tuple[float, ...] | None = None
    label_budget: int | None = None
    budget_rule: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScorePart(RowPart):
    """Of the stage `score`."""

    eager_score: float
    source_metric: str | None = None
    source_test_size: int | None = None
    score_matrix: tuple[tuple[float | None, float | None], ...]
    probe_before: float | None = None
    forgetting_reason: str | None = None
    train_gap: float | None = None
    forgetting_head: float | None = None
    probe_after: float | None = None
    forgetting_probe: float | None = None


@dataclass(frozen=True, kw_only=True)
class RememberPart(RowPart):
    """Of the stage `remember`, which pairings without a source have if a task is named."""

    source_metric: str
    source_test_size: int
    probe_before: float


@dataclass(frozen=True, kw_only=True)
class RecallPart(RowPart):
    """Of the stage `recall`, which follows `remember`; empty for strategies that start from new weights."""

    probe_after: float | None
    forgetting_probe: float | None


@dataclass(frozen=True, kw_only=True)
class ExportPart(RowPart):
    """Of the stage `export`."""

    score: float
    score_low: float
    score_high: float
    interval_method: Literal["wilson", "bca", "percentile"] | None = None
    test_size: int
    test_sha256: str | None = None
    most_common_share: float | None = None
    most_common_target_share: float | None = None
    prediction_spread: float | None = None
    scores: Mapping[str, float]
    groups: int | None = None
    worst_group: str | None = None
    worst_group_score: float | None = None
    worst_group_low: float | None = None
    worst_group_high: float | None = None
    worst_group_size: int | None = None
    parity: float
    parity_flips: int
    onnx_sha256: str
    onnx_bytes: int
    predictions_sha256: str | None = None
    predictions_bytes: int | None = None
    graph: str
    shapes: tuple[tuple[int, ...], ...]
    offline_shapes: tuple[tuple[int, ...], ...]
    parameters: int
    versions: Mapping[str, str]
    commit: str | None
    dirty: bool | None
    created: str
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class EstimatePart(RowPart):
    """Of the stage `estimate`: one estimator's number under its label."""

    estimates: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class AnalysisPart(RowPart):
    """Of the stage `analyse`: one analysis's numbers under its label."""

    analyses: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class CurvePart(RowPart):
    """Of the stage `curve`."""

    score_curve: tuple[tuple[int, float, float], ...]
    training_scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LatencyPart(RowPart):
    """Of the stage `latency`."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    queries: int
    round_spread: float
    reference_p50_ms: float
    p50_ratio: float
    throughput_per_s: float
    provider: str
    optimisation: str
    copies_inside_clock: bool
    contended: bool
