"""What the runs of a task with a backbone will take: from the seconds of earlier results, else from a survey. Light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tlbench.engine.job import Job
from tlbench.engine.surveyed import Survey
from tlbench.errors import StoreError
from tlbench.planning.tuned import FEW_LABELS, FOLDS, TRIALS
from tlbench.results.files import folder_name, slug
from tlbench.results.row import Row
from tlbench.results.row_files import read_row

READ = 60
"""Earlier results of a board that are read at most, the newest ones."""
SAME = ("task", "backbone", "setting", "task_options", "backbone_options", "device", "threads", "precision", "compiled")
"""Fields in which an earlier result must equal a run to say how long it takes; files may have changed meanwhile."""
SHARED = {
    "prepare": "data",
    "source": "group",
    "features": "group",
    "remember": "group",
    "teach": "group",
    "graph": "architecture",
    "latency": "architecture",
}
"""Stage -> the field of a job that names the runs which share it."""
GRAPH, EXPORT, LATENCY = 3.0, 0.3, 1.5
"""Seconds, beside those of the model itself, of stages that no survey times: what they took of small models."""
QUERIES = 500
LONGEST_LATENCY = 15.0
"""Seconds in which the queries of a slow model end early."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of runs."""

    seconds: float
    """Of the CPU; of the GPU, those that pass."""
    memory: int
    """Bytes of a process; 0 if that is not known."""
    disk: int
    """Bytes that the cache will grow by; 0 if that is not known."""
    basis: str
    """What it is made of."""


def earlier_rows(jobs: Sequence[Job], board: Path) -> list[Row]:
    """Return earlier results of a task with a backbone: those of the plan in the cache, and of the board."""
    rows = {job.draft.row.file_name: job.draft.row for job in jobs if job.draft is not None}
    fields = jobs[0].fields
    parts = (str(fields["task"]).partition("/")[2], str(fields["backbone"]))
    pattern = f"{'--'.join(map(slug, parts))}--*.json"
    paths = sorted((board / "rows" / folder_name(str(fields["domain"]))).glob(pattern), key=_changed)
    for path in paths[-READ:]:
        with suppress(StoreError):  # Whoever renders the board says so.
            row = read_row(path)
            rows[row.file_name] = row
    return [row for row in rows.values() if row.status == "ok" and all(_same(getattr(row, n), fields[n]) for n in SAME)]


def _same(one: Any, other: Any) -> bool:
    return dict(one) == dict(other) if isinstance(other, Mapping) else bool(one == other)


def _changed(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def from_rows(jobs: Sequence[Job], rows: Sequence[Row]) -> Forecast | None:
    """Return what runs of a task with a backbone will take by earlier results; None if a strategy has none."""
    by_strategy = {name: [row for row in rows if row.strategy == name] for name in {_strategy(job) for job in jobs}}
    if not all(by_strategy.values()):
        return None
    seconds = 0.0
    for job, stages in _missing(jobs):
        like = by_strategy[_strategy(job)]
        seconds += sum(median(_scaled(row, job, stage) for row in like) for stage in stages)
    used = [row for like in by_strategy.values() for row in like]
    return Forecast(
        seconds=seconds,
        memory=max(row.peak_memory_bytes or 0 for row in used),
        disk=sum(2 * max(row.onnx_bytes or 0 for row in by_strategy[_strategy(job)]) for job in jobs),
        basis="earlier results",
    )


def _strategy(job: Job) -> str:
    return str(job.fields["strategy"])


def _missing(jobs: Sequence[Job], done: Iterable[tuple[str, str]] = ()) -> Iterator[tuple[Job, list[str]]]:
    """Yield each job with the stages that it will compute: not those of the cache, nor what one before it computes.

    `done` are stages, each with what names the runs that share it.
    """
    seen = set(done)
    for job in jobs:
        wanted = (*STAGES, CURVE) if job.curves else STAGES
        stages = [stage for stage in wanted if stage not in dict(job.found)]
        shared = {stage: (stage, getattr(job, SHARED[stage])) for stage in stages if stage in SHARED}
        yield job, [stage for stage in stages if stage not in shared or shared[stage] not in seen]
        seen.update(shared.values())


CURVE, SNAPSHOTS = "curve", 11
"""The stage that trains a second time, and the models that it scores."""
STAGES = (
    "prepare",
    "source",
    "features",
    "remember",
    "teach",
    "adapt",
    "score",
    "recall",
    "graph",
    "export",
    "latency",
)


def _scaled(row: Row, job: Job, stage: str) -> float:
    """Return the seconds of a stage, by the training steps of both if it trains."""
    options = {"source": "source_options", "adapt": "strategy_options", CURVE: "strategy_options"}.get(stage)
    seconds = row.seconds.get(stage, row.seconds.get("adapt", 0.0) if stage == CURVE else 0.0)
    if options is None:
        return seconds
    # What tuning tried is not among the seconds of a stage, and a second training tries nothing.
    before, now = _steps(getattr(row, options), tried=False), _steps(job.fields[options], tried=stage != CURVE)
    return seconds * now / before if before and now else seconds


def from_survey(jobs: Sequence[Job], survey: Survey) -> Forecast | None:
    """Return what runs of a task with a backbone will take by timed steps; None if one of them could not be timed."""
    if survey.encode is None or any(job.training not in survey.costs for job in jobs if steps_of(job)):
        return None
    examples = {name: int(facts["examples"]) for name, facts in survey.facts["splits"].items()}
    # The survey has prepared the data of the first one.
    left = _missing(jobs, {("prepare", jobs[0].data)})
    seconds = sum(_surveyed(job, stage, survey, examples) for job, stages in left for stage in stages)
    groups = len({job.group for job in jobs if "source" not in dict(job.found)})
    return Forecast(
        seconds=seconds,
        memory=survey.memory,
        disk=4 * survey.parameters * (2 * len(jobs) + groups),
        basis="timed training steps" if survey.costs else "the timed model",
    )


def steps_of(job: Job) -> float:
    """Return the training steps of a strategy; 0 if it trains none."""
    return _steps(job.fields["strategy_options"])


def trials_of(job: Job) -> int:
    """Return how many settings of the strategy are tried on folds; 0 if it is not tuned."""
    return _trials(job.fields["strategy_options"])


def source_steps_of(job: Job) -> float:
    """Return the training steps of the source model; 0 if it is not trained."""
    return _steps(job.fields["source_options"]) if job.fields["source_mode"] in ("train", "finetune") else 0


def _steps(options: Mapping[str, Any], *, tried: bool = True) -> float:
    """Return the steps of a training, with those of the settings that tuning tries if they are asked for."""
    steps = options.get("steps")  # A plugin's own option of that name may be anything.
    if not isinstance(steps, int | float) or isinstance(steps, bool):
        return 0
    return steps * (1 + FOLDS * _trials(options)) if tried else steps


def _trials(options: Mapping[str, Any]) -> int:
    # The host's options stand together; a plugin may have one of these names.
    trials = options.get(TRIALS.name) if FEW_LABELS.name in options else 0
    return trials if isinstance(trials, int) else 0


def _surveyed(job: Job, stage: str, survey: Survey, examples: Mapping[str, int]) -> float:
    each, test = survey.encode or 0.0, examples["target-test"]
    once, step = survey.costs.get("source", (0.0, 0.0))
    labels = min(job.fields["label_budget"] or examples["target-train"], examples["target-train"])
    first, each_step = survey.costs.get(job.training, (each * labels, 0.0))
    has_source = "source-train" in examples
    return {
        "prepare": survey.prepare,
        "source": once + step * source_steps_of(job),
        "features": each * sum(examples.values()) if has_source else 0.0,
        "adapt": first + each_step * steps_of(job),
        CURVE: first + each_step * _steps(job.fields["strategy_options"], tried=False) + SNAPSHOTS * each * test,
        "score": each * (sum(examples.values()) - examples["target-train"] + labels if has_source else test + labels),
        "graph": GRAPH,
        "export": EXPORT + 2 * each * test,
        "latency": LATENCY + min(LONGEST_LATENCY, QUERIES * each),
    }.get(stage, 0.0)
