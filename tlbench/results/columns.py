"""The columns of results: what each is called, its unit, and where it is shown.

A new column is a field of the row, or a value that the leaderboard computes, and one line of `COLUMNS`. The order is
that of the tables on a board.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

OUTCOME, RUN, TARGET, SOURCE = "outcome", "run", "target domain", "source domain"
FILE, SPEED, COST, PROVENANCE = "ONNX file", "latency", "cost", "provenance"
GROUPS = (OUTCOME, RUN, TARGET, SOURCE, FILE, SPEED, COST, PROVENANCE)
"""Parts of the card that `tlbench show` prints, in their order."""


class Shown(enum.Flag):
    """Where a column is shown beside the card of a row, which has every field."""

    NOWHERE = 0
    FILES = enum.auto()
    """CSV and JSON of a board, under the name of the field."""
    RESULTS = enum.auto()
    """A board's table of a task; in LaTeX only columns that have headings for it."""
    LATENCY = enum.auto()
    """A board's table of graphs."""
    TERMINAL = enum.auto()
    """The table of `tlbench run --wide`."""
    BRIEF = enum.auto()
    """The tables of `tlbench run`, one for each task, in which the score and its interval share a column, and so do the
    two kinds of forgetting."""


NOWHERE, FILES, RESULTS, LATENCY, TERMINAL = Shown.NOWHERE, Shown.FILES, Shown.RESULTS, Shown.LATENCY, Shown.TERMINAL
BRIEF = Shown.BRIEF


@dataclass(frozen=True)
class Column:
    """A column of results."""

    field: str
    """The row's field, or the name of a value that the leaderboard computes from the rows of an entry."""
    heading: str
    """What people read, without the unit."""
    group: str
    """Part of the card of a row."""
    unit: str = ""
    shown: Shown = NOWHERE
    latex: tuple[str, str] | None = None
    """Two lines of heading in LaTeX; None for a column that its tables lack."""
    legend: str = ""
    """What the number is, for the legends of boards and README; empty for what needs no explanation."""
    digits: int = 3
    """Decimal places in tables; CSV and JSON are not rounded."""
    form: str = ""
    """How tables write numbers beside that: `+` for a difference, `,` for thousands."""

    @property
    def title(self) -> str:
        """The heading of a table: with the unit, if there is one."""
        return f"{self.heading} ({self.unit})" if self.unit else self.heading


COLUMNS = (
    Column("status", "status", OUTCOME, shown=FILES),
    Column("stage", "failed in stage", OUTCOME, shown=FILES),
    Column("reason", "reason", OUTCOME, shown=FILES),
    Column("bad_input", "invalid user data", OUTCOME),
    Column("access", "access", RUN, shown=FILES | TERMINAL),
    Column("task", "task", RUN, shown=FILES | LATENCY | TERMINAL),
    Column("domain", "domain", RUN),
    Column("backbone", "backbone", RUN, shown=FILES | RESULTS | LATENCY | TERMINAL),
    Column("strategy", "strategy", RUN, shown=FILES | RESULTS | TERMINAL | BRIEF, latex=("Strategy", "")),
    Column(
        "rank", "rank", RUN, shown=FILES | RESULTS,
        legend="One more than the number of strategies with the same access that are significantly better: the 95 % "
        "interval of the difference, paired by seed (Student's t), in quadrature with that over test examples, paired "
        "by example (bootstrap). Bold: the best, and all that are not significantly different. Ranked together are "
        "only results of the same access, label budget, selection rule, data and version of the code; a strategy with "
        "several sets of options is ranked among these alone.",
    ),
    Column("baseline", "baseline", RUN, shown=FILES),
    Column("seed", "seed", RUN),
    Column("seeds", "seeds", RUN, shown=FILES | TERMINAL),
    Column("setting", "setting", RUN, shown=FILES),
    Column("source_mode", "source model", RUN),
    Column("weights", "weights from", RUN),
    Column("weights_sha256", "weights SHA-256", RUN),
    Column("weights_loaded", "weights loaded", RUN),
    Column("weights_expected", "weights in the encoder", RUN),
    Column("label_budget", "label budget", RUN, shown=FILES),
    Column("budget_unit", "unit of the budget", RUN, shown=FILES),
    Column("training_labels", "labels left to train on", RUN, shown=FILES),
    Column("budget_rule", "requested budget", RUN, shown=FILES),
    Column("augmentation", "augmentation", RUN),
    Column("task_options", "task options", RUN),
    Column("files", "user's files, hash", RUN),
    Column("backbone_options", "backbone options", RUN),
    Column("source_options", "source training", RUN),
    Column("strategy_options", "strategy options", RUN),
    Column("tuned_options", "chosen by tuning", RUN),
    Column("tuning", "tuning", RUN),
    Column("metric", "metric", TARGET, shown=FILES),
    Column(
        "score", "score", TARGET, shown=FILES | RESULTS | TERMINAL | BRIEF, latex=("Score", ""),
        legend="The exported ONNX file's score on the target test split, mean over seeds.",
    ),
    Column(
        "seed_sd", "seed sd", TARGET, shown=FILES | RESULTS | TERMINAL, latex=("Seed", "sd"),
        legend="Standard deviation of the score over seeds.",
    ),
    Column(
        "test_interval", "test 95 %", TARGET, shown=RESULTS | BRIEF, latex=("Test", r"95\,\%"),
        legend="95 % interval over test examples, its ends averaged over seeds: not the error over seeds. Wilson's for "
        "a proportion of examples, otherwise bootstrap (BCa). If the task has groups, such as speakers, whole groups "
        "are drawn.",
    ),
    Column("flags", "flags", TARGET, shown=FILES),
    Column("score_low", "95 % interval from", TARGET, shown=FILES),
    Column("score_high", "95 % interval to", TARGET, shown=FILES),
    Column("interval_method", "95 % interval made by", TARGET, shown=FILES),
    Column("test_size", "test split", TARGET, unit="examples", shown=FILES),
    Column("test_copies", "test examples that are copies of training examples", TARGET, shown=FILES),
    Column("test_near_copies", "test examples that are nearly copies of training examples", TARGET, shown=FILES),
    Column("most_common_share", "share of the most common decision", TARGET, shown=FILES),
    Column("most_common_target_share", "share of the most common target", TARGET, shown=FILES),
    Column("prediction_spread", "spread of predictions over that of targets", TARGET, shown=FILES),
    Column("groups", "groups in the test split", TARGET, shown=FILES),
    Column(
        "worst_group_score", "worst group", TARGET, shown=FILES | RESULTS,
        legend="The lowest score of a group with at least 20 test examples, mean over seeds, with the 95 % "
        "interval over its examples and its name. The interval does not allow for the choice: the worst of many groups "
        "has a low score by chance, too.",
    ),
    Column("worst_group", "worst group, name", TARGET, shown=FILES),
    Column("worst_group_low", "worst group, 95 % interval from", TARGET, shown=FILES),
    Column("worst_group_high", "worst group, 95 % interval to", TARGET, shown=FILES),
    Column("worst_group_size", "worst group, size", TARGET, unit="examples", shown=FILES),
    Column("eager_score", "score before export", TARGET),
    Column("scores", "all metrics", TARGET, shown=FILES | RESULTS),
    Column("estimates", "estimates before adaptation", TARGET, shown=FILES),
    Column("analyses", "analyses", TARGET, shown=FILES),
    Column("training_loss", "training loss", TARGET),
    Column("score_curve", "steps, seconds and score in training", TARGET),
    Column("training_scores", "scores on training labels in training", TARGET),
    Column("train_gap", "score on training labels minus test", TARGET, shown=FILES, form="+"),
    Column(
        "gain_over_source_only", "gain over source-only", TARGET, shown=FILES | RESULTS, form="+",
        latex=("Gain over", "source-only"),
        legend="Score minus that of the unadapted source model, paired by seed; in brackets how many seeds gain.",
    ),
    Column("gain_over_source_only_sd", "gain over source-only sd", TARGET, shown=FILES),
    Column("seeds_above_source_only", "seeds above source-only", TARGET, shown=FILES),
    Column(
        "transfer_gain", "transfer gain", TARGET, shown=FILES | RESULTS, latex=("Transfer", "gain"),
        form="+",
        legend="Score minus that of the same network trained from scratch on the same labels, for as many steps unless "
        "a flag says otherwise; ▼: negative transfer.",
    ),
    Column("negative_transfer", "negative transfer", TARGET),
    Column(
        "gap_closed", "gap closed", TARGET, shown=FILES | RESULTS, latex=("Gap", "closed"), digits=2,
        legend="(score - source-only) / (all-labels - source-only); - if the test interval of all-labels is not above "
        "that of source-only, and for scores above all-labels, which is no upper bound then.",
    ),
    Column("a_distance", "proxy A-distance", TARGET, unit="of 2", shown=FILES, digits=2),
    Column("source_metric", "source metric", SOURCE),
    Column("source_test_size", "source test split", SOURCE, unit="examples"),
    Column("source_test_copies", "source test examples that are copies of training examples", SOURCE, shown=FILES),
    Column("score_matrix", "[source, target] before, after", SOURCE),
    Column(
        "forgetting_head", "forgetting (source head)", SOURCE, shown=FILES | RESULTS | TERMINAL | BRIEF,
        latex=("Forgetting", "(head)"),
        legend="Source score before adaptation minus after it, with the source head: positive is loss; - if there is "
        "nothing to forget.",
    ),
    Column("forgetting_head_sd", "forgetting (source head) sd", SOURCE, shown=FILES),
    Column(
        "forgetting_probe", "forgetting (probe)", SOURCE, shown=FILES | RESULTS | TERMINAL | BRIEF,
        latex=("Forgetting", "(probe)"),
        legend="The same with a linear probe refitted on source features: what the encoder itself has lost.",
    ),
    Column("forgetting_probe_sd", "forgetting (probe) sd", SOURCE, shown=FILES),
    Column("probe_before", "probe before", SOURCE),
    Column("probe_after", "probe after", SOURCE),
    Column("forgetting_reason", "why forgetting is not measured", SOURCE),
    Column("remembered", "remembered task", SOURCE, shown=FILES),
    Column("remembered_options", "options of the remembered task", SOURCE),
    Column("remembered_files", "user's files of the remembered task, hash", SOURCE),
    Column(
        "adapt_cpu_s", "adaptation", COST, unit="CPU s", shown=FILES | RESULTS, latex=("Adapt.", "CPU s"), digits=2,
        legend="CPU seconds of adaptation.",
    ),
    Column(
        "selection", "selection", RUN, shown=FILES | RESULTS,
        legend="The rule that selected the model; no rule reads a test split.",
    ),
    Column("shapes", "inputs", SPEED, shown=LATENCY),
    Column(
        "p50_ms", "p50", SPEED, unit="ms", shown=FILES | LATENCY | TERMINAL | BRIEF,
        legend="Median single-stream latency of the ONNX graph at batch 1. Strategies with the same graph share one "
        "measurement; † marks a machine that was busy with something else.",
    ),
    Column("p90_ms", "p90", SPEED, unit="ms", shown=FILES | LATENCY, legend="90th percentile of the same queries."),
    Column("p99_ms", "p99", SPEED, unit="ms", shown=FILES | LATENCY, legend="99th percentile of the same queries."),
    Column("mean_ms", "mean", SPEED, unit="ms"),
    Column("queries", "timed", SPEED, unit="queries"),
    Column("round_spread", "spread of the rounds' p50", SPEED, unit="of their median"),
    Column("reference_p50_ms", "p50 of the reference model", SPEED, unit="ms"),
    Column(
        "p50_ratio", "relative latency", SPEED, shown=FILES | LATENCY, digits=2,
        legend="p50 divided by that of tlbench's small reference model, timed in turn: compares machines.",
    ),
    Column(
        "throughput_per_s", "throughput", SPEED, unit="examples/s", shown=FILES | LATENCY, digits=0, form=",",
        legend="Examples per second in a large batch.",
    ),
    Column("offline_shapes", "inputs of the large batch", SPEED),
    Column("optimisation", "graph optimisation", SPEED),
    Column("copies_inside_clock", "includes copies to the device", SPEED),
    Column("contended", "machine was busy: an upper bound", SPEED, shown=FILES),
    Column("latency", "all values in latency/", SPEED),
    Column("onnx_kb", "ONNX file", FILE, unit="kB", shown=LATENCY, digits=0),
    Column("onnx_bytes", "size", FILE, unit="bytes", shown=FILES),
    Column("onnx_sha256", "SHA-256", FILE),
    Column("predictions_sha256", "predictions SHA-256", FILE),
    Column("predictions_bytes", "predictions size", FILE, unit="bytes"),
    Column("graph", "graph", FILE),
    Column("parity", "relative difference from torch", FILE),
    Column("parity_flips", "predictions that differ", FILE),
    Column("parameters", "parameters", FILE, shown=FILES),
    Column("trained_parameters", "trained parameters", FILE, shown=FILES),
    Column("provider", "execution provider", SPEED, shown=FILES | LATENCY),
    Column("device", "device", COST, shown=FILES),
    Column("device_name", "device name", COST),
    Column("processor_class", "processor class", COST),
    Column("threads", "threads", COST, shown=FILES),
    Column("precision", "precision of training", COST, shown=FILES),
    Column("accumulation_steps", "parts of a training batch", COST, shown=FILES),
    Column("compiled", "training compiled", COST, shown=FILES),
    Column("seconds", "CPU seconds", COST),
    Column("device_seconds", "adaptation on the device", COST, unit="s", shown=FILES, digits=2),
    Column("peak_memory_bytes", "peak memory", COST, unit="bytes"),
    Column("machine", "machine", PROVENANCE, shown=FILES | RESULTS | LATENCY),
    Column("key", "key", PROVENANCE),
    Column("created", "created (UTC)", PROVENANCE),
    Column("plugins", "plugins", PROVENANCE),
    Column("strategy_code", "code of the strategy", PROVENANCE),
    Column("versions", "versions", PROVENANCE),
    Column("api_version", "plugin API edition", PROVENANCE),
    Column("commit", "commit", PROVENANCE),
    Column("dirty", "uncommitted changes", PROVENANCE),
    Column("test_sha256", "test split SHA-256", PROVENANCE),
    Column("data_sha256", "prepared data SHA-256", PROVENANCE),
    Column("fitted_on", "vocabulary and statistics from", PROVENANCE),
    Column("schema", "row schema", PROVENANCE),
    Column(
        "rows", "results", PROVENANCE, shown=FILES | RESULTS,
        legend="The record of each seed, with every option, version and duration.",
    ),
)  # fmt: skip


def columns(shown: Shown) -> list[Column]:
    """Return the columns that are shown in a place, in their order."""
    return [column for column in COLUMNS if shown in column.shown]


def legend() -> str:
    """Return a Markdown table of what the columns mean; `python -m tlbench.results.columns` prints it."""
    lines = [f"| {column.title} | {column.legend} |" for column in COLUMNS if column.legend]
    return "\n".join(["| column | meaning |", "| --- | --- |", *lines])


if __name__ == "__main__":
    print(legend())
