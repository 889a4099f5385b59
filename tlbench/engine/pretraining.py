"""Pre-training: trains a backbone on the source domain of a task and saves it as a checkpoint that runs start from."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tlbench import __version__
from tlbench.assets.checkpoints import models_folder
from tlbench.contract.events import Event
from tlbench.contract.kind_specs import LANGUAGE_MODELLING, MASKED_LANGUAGE_MODELLING
from tlbench.contract.options import OptionValue
from tlbench.contract.requests import LoadRequest, SaveRequest
from tlbench.contract.specs import KindSpec, TaskSpec
from tlbench.contract.task_data import Side, TaskData, TaskLabels
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.catalog import Catalog
from tlbench.planning.expand import Pretraining, plan_source
from tlbench.planning.guard import guarded
from tlbench.planning.plan import SourcePlan
from tlbench.planning.settings import Settings
from tlbench.results.files import slug, sync_folder, write_bytes

OBJECTIVES: Mapping[str, KindSpec | None] = {
    "supervised": None,
    "mlm": MASKED_LANGUAGE_MODELLING,
    "clm": LANGUAGE_MODELLING,
}
"""What is learnt: the task's own labels, masked tokens, or the next token."""


def plan_pretraining(wanted: Pretraining, catalog: Catalog, settings: Settings) -> SourcePlan:
    """Return the plan of the source model that is the result. Raises `UsageError` for an invalid request."""
    task, backbone = catalog.task(wanted.task), catalog.backbone(wanted.backbone)
    if wanted.objective not in OBJECTIVES:
        raise UnknownNameError("objective", wanted.objective, OBJECTIVES)
    if backbone.modality != task.modality:
        raise UsageError(
            f'"{backbone.name}" has the modality {backbone.modality}, but "{task.name}" has {task.modality}: use a '
            f"fitting backbone."
        )
    alone = source_alone(task, OBJECTIVES[wanted.objective])
    plan = plan_source(alone, backbone, wanted.seed, wanted.overrides, settings)
    if not plan.has_source:
        raise UsageError(
            f'"{task.name}" has no source domain, so that there is nothing to train on: pretraining reads source data. '
            f"Use a task with a source, or name its source data."
        )
    if backbone.save is None:
        raise UsageError(
            f'"{backbone.name}" cannot be saved as a checkpoint: its plugin does not support it. Use another backbone.'
        )
    if plan.source_mode in ("probe", "own-head"):
        raise UsageError(f"source.mode={plan.source_mode} does not train the encoder: use source.mode=finetune.")
    return plan


def source_alone(task: TaskSpec, kind: KindSpec | None) -> TaskSpec:
    """Return the task with its source as both domains, so that no target data is read, and with another kind."""
    return dataclasses.replace(
        task,
        kind=kind or task.kind_of_source,
        source_kind=None,
        metric=kind.metric if kind else task.metric_of_source,
        setting=task.setting if task.setting == "target-only" else "transductive",
        labels=functools.partial(_source_labels, task.labels) if task.labels else None,
        load=functools.partial(_load_source, task.load),
        evaluate=None,
    )


def _source_labels(labels: Callable[[LoadRequest], TaskLabels], request: LoadRequest) -> TaskLabels:
    """Return the labels of the source for both domains."""
    found = labels(request)
    return TaskLabels(source=found.source, target=found.source or ())


def _load_source(load: Callable[[LoadRequest], TaskData], request: LoadRequest) -> TaskData:
    data = load(request)
    if data.source is None:
        raise UsageError(f'"{request.task}" loads no source domain: there is nothing to train on.')
    held_out = Side(labels=data.source.labels, train=data.source.test, test=data.source.test)
    return dataclasses.replace(data, target=held_out)


def destination(name: str) -> Path:
    """Return where a model goes: a folder where the name has a slash, else below the cache. Raises `UsageError`."""
    is_folder = "/" in name or os.sep in name or name.startswith(("~", "."))
    if not is_folder and name != slug(name):
        raise UsageError(
            f'Invalid model name "{name}": use letters, digits, ".", "_" and "-", or a folder (with a slash).'
        )
    folder = Path(name).expanduser().resolve() if is_folder else models_folder() / name
    if folder.exists():
        raise UsageError(f'"{folder}" already exists: remove it, or choose another name.')
    return folder


def pretrain(plan: SourcePlan, settings: Settings, notify: Callable[[Event], None], folder: Path) -> float:
    """Train, save into a new folder, and return the score on the source's held-out part.

    The folder appears in one rename when it is whole. Raises `StageError`.
    """
    from tlbench.engine.models import read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.scoring import model_score
    from tlbench.learning.model import encode_split

    assert plan.backbone.save is not None
    stages = whole_stages(plan, settings, Store(root=settings.cache, notify=notify))
    prepared = Prepared.read(stages["prepare"].folder)
    model = read_source(plan, prepared, settings.device, stages["source"].folder)
    test, head = prepared.split("source-test"), model.heads["source"]
    score = model_score(plan.task, prepared, "source", model, "source", encode_split(model, test.inputs))
    with _whole(folder) as draft, guarded(f'"save" of the backbone "{plan.backbone.name}"'):
        plan.backbone.save(
            SaveRequest(
                encoder=model.encoder,
                head=head,
                fitted=prepared.fitted,
                layout=plan.task.kind.layout,
                options=plan.backbone_options,
                files=plan.files,
                folder=draft,
            )
        )
        write_bytes(draft / "README.md", card(folder.name, plan, score, len(test), prepared.sha256).encode())
    return score


def whole_stages(plan: SourcePlan, settings: Settings, store: Store) -> dict[str, StoredStage]:
    """Return the stages of the source model, all files of which were read. Raises `StageError`."""
    from tlbench.engine.pipeline import SCORED, run_stages

    stages = run_stages(plan, settings, store, SCORED[:2])
    # What was found by a remembered hash may be damaged all the same; then it is computed again.
    damaged = [stage for stage in stages.values() if not store.is_whole(stage)]
    return run_stages(plan, settings, store, SCORED[:2]) if damaged else stages


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes its name when the block ends well, and is gone when it does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    try:
        yield draft
        draft.chmod(0o755)
        for path in draft.iterdir():
            path.chmod(0o644)
        draft.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def card(name: str, plan: SourcePlan, score: float, size: int, data: str) -> str:
    """Return the model card: what the weights were made from, and how."""
    task = plan.task
    lines = {
        "architecture": f"{plan.backbone.name}: {_listed(plan.model_options())}",
        "weights at the start": plan.checkpoint.origin if plan.checkpoint and plan.checkpoint.pretrained else "random",
        "data": f"the source domain of {task.name}, {_listed(plan.data_options()) or 'as it comes'}: {task.source}",
        "licence of the data": task.licence or "not stated",
        "hash of the prepared data": data,
        "learnt": task.kind.summary,
        "training": f"{_listed(plan.source_options)}; seed {plan.seed}",
        f"{task.metric}, held-out source": f"{score:.4f} on {size} {task.kind.unit}",
    }
    rows = [f"| {what} | {text.replace('|', '/')} |" for what, text in lines.items()]
    title = f"# {name}\n\nMade by `tlbench pretrain`, version {__version__}. Nothing of the task's target was read.\n"
    return "\n".join([title, "| | |", "| --- | --- |", *rows, ""])


def _listed(options: Mapping[str, OptionValue]) -> str:
    return " ".join(", ".join(f"{name} {value}" for name, value in options.items() if value != "").split())
