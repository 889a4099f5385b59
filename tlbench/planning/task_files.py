"""What the files of a task say before a run: the hash of their contents, the setting, the task to remember. Light."""

from __future__ import annotations

from pathlib import Path

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.options import OptionValue
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import HUB, Setting, TaskSpec
from tlbench.errors import MissingDataError, UsageError
from tlbench.planning import fingerprints
from tlbench.planning.catalog import missing
from tlbench.planning.compatibility import unfit_to_remember
from tlbench.planning.guard import guarded
from tlbench.planning.overrides import Overrides
from tlbench.planning.plan_parts import PLACES, Remembered
from tlbench.planning.settings import Settings


def setting_of(task: TaskSpec, request: LoadRequest) -> Setting:
    """Return how the labels of both domains relate, as the task's files say, else as the task does."""
    if task.labels is None:
        return task.setting
    with guarded(f'"labels" of the task "{task.name}"'):
        labels = task.labels(request)
    if labels.source is None:
        return "target-only"
    same = labels.source == labels.target and task.source_kind is None
    return "transductive" if same else "inductive"


def remember(
    kept: TaskSpec, task: TaskSpec, setting: Setting, backbone: BackboneSpec, overrides: Overrides, settings: Settings
) -> Remembered:
    """Return the task on which forgetting of a pairing is measured. Raises `UsageError` if it does not fit."""
    if setting != "target-only":
        raise UsageError(
            f'"{task.name}" has a source domain, on which forgetting is measured: omit --remember, which is for tasks '
            f"without one."
        )
    if kept.name == task.name:
        raise UsageError(f'"{kept.name}" is the task that is learnt: remember another one.')
    if unusable := missing(kept) or missing(kept.kind) or missing(kept.kind_of_source):
        raise UsageError(f'"{kept.name}" cannot be remembered: {unusable}')
    options = overrides.resolve(("remember",), kept.options, traits=backbone.traits)
    options = {name: pinned(value) if name in PLACES else value for name, value in options.items()}
    request = LoadRequest(task=kept.name, options=options, data_root=settings.data_root)
    found = Remembered(
        task=kept,
        task_options=options,
        fingerprint=fingerprint_of(kept, request, settings.cache),
        side="target" if setting_of(kept, request) == "target-only" else "source",
        data_root=settings.data_root,
    )
    if problem := unfit_to_remember(found, task):
        raise UsageError(f'"{kept.name}" cannot be remembered by models of "{task.name}": {problem}')
    return found


def pinned(place: OptionValue) -> OptionValue:
    """Return a data set of the hub with its commit, because its name may refer to other files later."""
    if not str(place).startswith(HUB):
        return place
    from tlbench.assets.readers import hub

    return hub.pinned(str(place))


def fingerprint_of(task: TaskSpec, request: LoadRequest, cache: Path) -> str:
    """Return the hash of a task's files. Raises `MissingDataError`, which says how to download them."""
    named = [str(request.options[name]) for name in PLACES if task.data_from == "user" and request.options.get(name)]
    try:
        with guarded(f'"files" of the task "{task.name}"'):
            return fingerprints.fingerprint(task.files(request), cache, [Path(name).expanduser() for name in named])
    except MissingDataError as error:
        if not task.origins:
            raise
        raise MissingDataError(f"{error} To download the data: tlbench fetch {task.name}") from error
