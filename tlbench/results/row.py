"""The row: the versioned record that one pairing leaves, also when it failed or was skipped."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tlbench.errors import StoreError
from tlbench.results.files import LONGEST_NAME, SEAL, digest, folder_name, seal_is_whole, shorter, slug, write_sealed
from tlbench.results.frozen import freeze
from tlbench.results.schema_1 import spelling, upgraded

SCHEMA = 2
OptionValues = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One pairing's record. A field is null where it does not apply or was not reached."""

    schema: int = SCHEMA
    """Version of this record's layout."""

    task: str
    """`domain/name`."""
    domain: str
    """The part of the task's name before the slash."""
    backbone: str
    """The encoder, by the name of its spec."""
    strategy: str
    """The way of adaptation, by the name of its spec."""
    seed: int
    """Moves the label budget, initialisation and batches; never the data or the test split."""
    key: str
    """Names the pairing: task, backbone, strategy, seed, every option, and the data's contents."""
    machine: str
    """Processor, graphics and operating system."""
    setting: str
    """`transductive`: source and target have the same labels; `inductive`: they have different labels; `target-only`:
    there is no source."""
    source_mode: str = "train"
    """How the source model came to be. `train`: trained on the source, from random weights; `finetune`: the same from a
    checkpoint; `probe`: a linear head on the checkpoint's features; `own-head`: the checkpoint as it is; `none`: there
    is no source, so that the encoder starts as it comes."""
    weights: str = "random"
    """Where the backbone's pre-trained weights come from."""
    weights_sha256: str | None = None
    """Names the contents of the checkpoint's files."""
    weights_loaded: int | None = None
    """Weights of the encoder that the checkpoint gave, if it fits only in part: the others started at random."""
    weights_expected: int | None = None
    """Weights that the encoder has, if the checkpoint fits only in part."""
    access: tuple[str, ...]
    """The data that the strategy was given: rows of different access are never ranked together."""
    label_budget: int | None
    """Labelled target examples that a strategy may use, in `budget_unit`."""
    budget_unit: str
    """What the budget counts, such as labels or sentences."""
    budget_rule: str = ""
    """The requested budget if it is not the number: `5/class`, `all`, or more than there were."""
    training_labels: int | None = None
    """Labelled target examples that were trained on, if some of the budget were set aside for the selection rule."""
    selection: str
    """The rule by which the strategy chose among models or settings."""
    augmentation: Literal["none", "weak", "strong"] | None = None
    """How far training batches of the target were varied, by transformations that keep the labels; of a strategy that
    varies none, how far they would be by default. Null in older results."""
    baseline: bool = False
    """True for a baseline, which is listed apart from the strategies."""
    task_options: OptionValues = field(default_factory=dict)
    """Options that change the data, each with its value, without the paths of files."""
    files: str = ""
    """Hash of the files of a user's own task: rows of different files are never ranked together."""
    backbone_options: OptionValues = field(default_factory=dict)
    """Options of the encoder, each with its value."""
    source_options: OptionValues = field(default_factory=dict)
    """Options of the source model's training, each with its value."""
    strategy_options: OptionValues = field(default_factory=dict)
    """Options of the strategy, each with its value."""

    tuned_options: OptionValues = field(default_factory=dict)
    """Options of the strategy that tuning changed, each with the value that was chosen."""
    tuning: Mapping[str, float] = field(default_factory=dict)
    """What was spent and found by tuning: `trials`, `folds`, target `labels`, CPU `seconds`, and the mean score on the
    folds of the setting chosen, `expected`, and of the defaults, `expected_default`. Empty if nothing was tuned."""

    status: Literal["ok", "failed", "skipped"]
    """`ok`; `failed`: a stage raised an error; `skipped`: the three do not fit together, or a package is missing."""
    stage: str | None = None
    """The stage that failed."""
    reason: str | None = None
    """Why the pairing failed or was skipped."""
    bad_input: bool = False
    """True if it failed because of the user's data, which cannot be read or is invalid."""

    metric: str
    """Name of the score."""
    score: float | None = None
    """The exported ONNX file's score on the target test split."""
    score_low: float | None = None
    """Lower end of the 95 % interval over test examples, or over whole groups of them if there are groups."""
    score_high: float | None = None
    """Upper end of that interval."""
    interval_method: Literal["wilson", "bca", "percentile"] | None = None
    """How it was made: `wilson`, for a proportion of examples and where all bootstrap draws give the same; `bca` or
    `percentile`, of 2,000 draws. Null in older results: percentiles of 200 draws."""
    eager_score: float | None = None
    """The score of the model that the file was exported from."""
    test_size: int | None = None
    """Examples in the target test split."""
    test_sha256: str | None = None
    """Names the examples of the target test split, in their order, by targets and groups: scores of results that share
    it are compared example by example."""
    test_copies: int | None = None
    """Target test examples whose model inputs are equal, byte for byte, to those of an example of the target training
    split, of which a label budget is a part; null in older results."""
    test_near_copies: int | None = None
    """Target test examples that nearly equal an example of the target training split: the same image in another size or
    format, the same text in other spelling, and so on; null for other modalities, and in older results."""
    most_common_share: float | None = None
    """Share of the most common decision, such as a class, among those on the target test split; null for kinds that
    decide nothing, and in older results."""
    most_common_target_share: float | None = None
    """Share of the most common target in the target test split, beside `most_common_share`."""
    prediction_spread: float | None = None
    """Standard deviation of the predicted numbers over that of the targets, the smallest over the numbers of an
    example; null for kinds that decide, and in older results."""
    groups: int | None = None
    """Groups in the target test split, such as speakers; null if the task has none."""
    worst_group: str | None = None
    """The group with the lowest score, among those with at least 20 test examples and a defined score."""
    worst_group_score: float | None = None
    """The score of that group."""
    worst_group_low: float | None = None
    """Lower end of the 95 % interval over that group's examples, made in the same way; it does not allow for the
    choice."""
    worst_group_high: float | None = None
    """Upper end of that interval."""
    worst_group_size: int | None = None
    """Test examples of that group."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Every metric of the ONNX file on the target test split; `nll` in nats."""
    estimates: Mapping[str, float] = field(default_factory=dict)
    """What estimators say of the source model and the label budget: NAME, or NAME (OPTION=VALUE) -> number."""
    analyses: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What analyses say of the model before and after adaptation: NAME, or NAME (OPTION=VALUE) -> numbers by name."""
    training_loss: tuple[float, ...] = ()
    """Mean training losses of up to 20 equal parts of the steps of adaptation, in their order; empty for a strategy
    that reports no steps, and in older results."""
    score_curve: tuple[tuple[int, float, float], ...] = ()
    """With `--curves`: training steps, seconds of adaptation (CPU seconds, or those that pass on a GPU), and the score
    of the model in training on the target test split. The last one is the model that the strategy returned, whose score
    is `eager_score`. Nothing is chosen by them."""
    training_scores: tuple[float, ...] = ()
    """With `--curves`: the scores of the same models on the target labels that the strategy was given; empty if it was
    given none, and in older results."""
    train_gap: float | None = None
    """Score on the target labels that the strategy was given, minus the eager test score."""
    transfer_gain: float | None = None
    """Score minus that of the same model trained from scratch on the label budget, same seed; of several that differ in
    their training steps, the one with as many as the strategy."""
    negative_transfer: bool | None = None
    """True if the transfer gain is negative."""
    gap_closed: float | None = None
    """(score - source-only) / (all-labels - source-only), same seed; null if the test interval of all-labels is not
    above that of source-only, and for a score above that of all-labels, which is no upper bound then."""
    a_distance: float | None = None
    """Proxy A-distance of source and target test features under the source encoder, in [0, 2]."""
    source_metric: str | None = None
    """Name of the score on the source, or on the remembered task."""
    source_test_size: int | None = None
    """Examples in the source test split, or in that of the remembered task."""
    source_test_copies: int | None = None
    """Source test examples whose model inputs are equal, byte for byte, to those of a source training example; null
    without a source, and in older results."""
    score_matrix: tuple[tuple[float | None, float | None], ...] | None = None
    """R[i][j]: stage 0 (source model), 1 (adapted); side 0 (source, head `source`), 1 (target, head `target`)."""
    forgetting_head: float | None = None
    """R[0, S] - R[1, S] with the head `source` of the adapted model."""
    forgetting_probe: float | None = None
    """The same with a linear probe refitted on source training features before and after; without a source, on those
    of the remembered task."""
    probe_before: float | None = None
    """Source test score of a linear probe on the source model's features; without a source, of the remembered task."""
    probe_after: float | None = None
    """Source test score of a linear probe on the adapted model's features; without a source, of the remembered task."""
    forgetting_reason: str | None = None
    """Why forgetting is not measured."""
    remembered: str | None = None
    """The task on which forgetting is measured, named with `--remember`, if there is no source."""
    remembered_options: OptionValues = field(default_factory=dict)
    """Options that change the data of the remembered task, each with its value."""
    remembered_files: str = ""
    """Hash of the files of a remembered task that are the user's own."""

    parity: float | None = None
    """Largest difference between ONNX and torch outputs, relative to the largest output."""
    parity_flips: int | None = None
    """Predictions that differ, each at a near tie."""
    onnx_sha256: str | None = None
    """Hash of the ONNX file that was scored."""
    predictions_sha256: str | None = None
    """Hash of the file of predictions, targets and bootstrap draws of the score; null in older results."""
    predictions_bytes: int | None = None
    """Size of that file, in bytes; one of more than 5,000,000 is not published."""
    onnx_bytes: int | None = None
    """Size of that file, in bytes."""
    graph: str | None = None
    """Names the ONNX graph without its weights; rows of one graph share one latency."""

    p50_ms: float | None = None
    """Single-stream latency at batch 1, in ms."""
    p90_ms: float | None = None
    """90th percentile of the same queries, in ms."""
    p99_ms: float | None = None
    """99th percentile of the same queries, in ms."""
    mean_ms: float | None = None
    """Mean of the same queries, in ms."""
    queries: int | None = None
    """How many queries were timed: 500 or more, fewer of a slow graph, whose p99 is then close to its slowest query."""
    round_spread: float | None = None
    """(largest - smallest) / median of the p50 of the five fifths of the queries, in the order of their time."""
    reference_p50_ms: float | None = None
    """p50 of tlbench's reference model, its calls alternating with the graph's."""
    p50_ratio: float | None = None
    """p50_ms / reference_p50_ms: compares machines where milliseconds do not."""
    throughput_per_s: float | None = None
    """Examples a second in a large batch."""
    shapes: tuple[tuple[int, ...], ...] | None = None
    """Shapes of the inputs at batch 1."""
    offline_shapes: tuple[tuple[int, ...], ...] | None = None
    """Shapes of the inputs of the large batch."""
    latency: str | None = None
    """Names the file below `latency/` that holds every single value."""
    provider: str | None = None
    """The ONNX Runtime execution provider that really ran."""
    optimisation: str | None = None
    """Level of graph optimisation in ONNX Runtime."""
    copies_inside_clock: bool | None = None
    """True where copies between host and device are part of the latency."""
    contended: bool | None = None
    """True if the machine was busy with something else: the latency is no more than an upper bound. Seen from time in
    which the process waited for its processor or lost it to another, or from a changed speed of the reference model."""

    processor_class: str | None = None
    """Architecture, maker and instruction set of the processor, by which libraries choose their kernels: processors of
    one class compute the same bits. Null in older results."""
    device: str
    """`cpu` or `cuda`."""
    device_name: str
    """The processor, or the CUDA device."""
    threads: int
    """Threads of torch and of ONNX Runtime."""
    precision: str = "fp32"
    """Arithmetic of training: `fp32`, `tf32` or `bf16`. Weights, scores and the exported file are fp32 with any of
    them. Rows of different precision are never averaged."""
    accumulation_steps: int = 1
    """Parts that each training batch was computed in, because the whole batch did not fit into the device's memory."""
    compiled: bool = False
    """Whether encoder and linear head were compiled by `torch.compile` for training. Rows with and without it are never
    averaged."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each stage when it was computed; a shared stage stands on every row that uses it."""
    device_seconds: float | None = None
    """Seconds of the CUDA device from the start of adaptation to its end; null on a CPU."""
    peak_memory_bytes: int | None = None
    """Largest resident size of the process by the end of the pairing (on CUDA: largest allocation)."""
    parameters: int | None = None
    """Parameters of encoder and target head."""
    trained_parameters: int | None = None
    """Values in all tensors that were given to an optimiser, each once, also of parts that are not served, and in those
    of the target head that changed otherwise and are no copies of such tensors; without an optimiser, in tensors of
    encoder and target head that changed."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python, tlbench and the libraries that a score may depend on."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """Plugin of task, backbone and strategy, with distribution and version."""
    strategy_code: str | None = None
    """Hash of the code that the strategy reaches, without comments and layout; null in older results."""
    api_version: int | None = None
    """Edition of the plugin API; null in results of the first edition."""
    commit: str | None = None
    """Git commit of tlbench; null where it was installed from a package."""
    dirty: bool | None = None
    """True where the code differed from the commit."""
    data_sha256: str | None = None
    """Hash of the prepared arrays of all splits."""
    fitted_on: str | None = None
    """Inputs from which the backbone learnt vocabulary and statistics: `source training inputs`, `label budget` or
    `target training inputs`; null if it learns nothing."""
    created: str | None = None
    """UTC time, ISO 8601."""

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def pending(self) -> bool:
        """Whether it has a score and still lacks its latency."""
        return self.status == "ok" and self.p50_ms is None

    @functools.cached_property
    def file_name(self) -> str:
        """`DOMAIN/TASK--BACKBONE--STRATEGY--sSEED--KEY-MACHINE.json`; a strategy is spelled as in its key."""
        parts = (self.task.partition("/")[2], self.backbone, spelling(self.strategy), f"s{self.seed}")
        # Results in plain fp32 have the names that they had before there was another way to train.
        training = (
            []
            if (self.precision, self.accumulation_steps) == ("fp32", 1)
            else [self.precision, self.accumulation_steps]
        )
        place = [self.machine, self.device, self.threads, *training, *(["compiled"] if self.compiled else [])]
        machine = digest(place)[:6]
        name = f"{'--'.join(map(slug, parts))}--{slug(self.key)}-{machine}.json"
        if len(name.encode()) > LONGEST_NAME:
            name = f"{shorter('--'.join(map(slug, parts)), 150)}--{shorter(slug(self.key), 20)}-{machine}.json"
        return f"{folder_name(self.domain)}/{name}"

    def to_json(self) -> dict[str, Any]:
        """Return every field as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Row:
        """Return a row from its fields, which may be those of schema 1, and the digest of its file, if it has one.

        Raises `StoreError` for any other record.
        """
        if not isinstance(value, Mapping):
            raise StoreError("it is not a JSON object")
        if not seal_is_whole(value):
            raise StoreError(f"its content is not the one that was written with its {SEAL}")
        value = {name: part for name, part in value.items() if name != SEAL}
        schema = value.get("schema")
        if type(schema) is not int or schema not in (1, SCHEMA):
            raise StoreError(f"its schema is {schema!r}, expected 1 or {SCHEMA}")
        try:
            return cls(**(upgraded(value) if schema == 1 else value))
        except TypeError as error:
            raise StoreError(str(error).replace("Row.__init__() ", "")) from error


def write_row(board: Path, row: Row) -> Path:
    """Publish a row on a board, atomically and with its own digest; return its file."""
    path = board / "rows" / row.file_name
    write_sealed(path, row.to_json())
    return path
