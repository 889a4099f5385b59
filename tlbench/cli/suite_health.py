"""What would make a run of a suite fail in this environment, or skip some of its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tlbench.assets.checkpoints import models_folder
from tlbench.assets.folders import data_folder
from tlbench.contract.options import OptionValue
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import TaskSpec
from tlbench.errors import MissingDataError, TlbenchError, UsageError, describe
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.guard import guarded, pass_signal
from tlbench.planning.overrides import Overrides
from tlbench.planning.selection import RunRequest
from tlbench.planning.suites import Suite


@dataclass(frozen=True, kw_only=True)
class SuiteHealth:
    """What becomes of a suite."""

    tasks: int
    errors: list[str] = field(default_factory=list)
    """Why it cannot run."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Task -> why a run skips it."""


def examine_suite(suite: Suite, catalog: Catalog) -> SuiteHealth:
    """Check packages, data and checkpoints of a suite. Raises `UnknownNameError` for its tasks."""
    tasks = tasks_of(suite, catalog)
    errors = [*_without_folders(suite), *_without_backbones(suite, catalog)]
    skipped = {task.name: lacking for task, _ in tasks if (lacking := lack_of(task, catalog))}
    absent: dict[str, list[str]] = {}
    for task, options in tasks:
        if task.name in skipped:
            continue
        if (fault := data_fault(task, options)) is None:
            continue
        if isinstance(fault, MissingDataError) and task.data_from == "data-root" and not task.origins:
            skipped[task.name] = _sentence(fault)
        else:
            absent.setdefault(_sentence(fault), []).append(task.name)
    fetched = f" To download it: tlbench fetch --suite {suite.name}"
    for reason, names in absent.items():
        advice = fetched if any(catalog.task(name).origins for name in names) else ""
        errors.append(f"Data of {', '.join(dict.fromkeys(names))}: {reason}{advice}")
    distinct = {task.name for task, _ in tasks}
    if distinct <= skipped.keys():
        errors.append(f"No task of the suite {suite.name} can run: {'; '.join(dict.fromkeys(skipped.values()))}")
    return SuiteHealth(tasks=len(distinct), errors=errors, skipped=skipped)


def tasks_of(suite: Suite, catalog: Catalog) -> list[tuple[TaskSpec, dict[str, OptionValue]]]:
    """Return the tasks of a suite with their options; a run that names none has all that need no other data."""
    embedded = [task.name for task in catalog.tasks.values() if task.data_from == "package"]
    tasks = [(run, catalog.task(name)) for run in suite.runs for name in run.tasks or embedded]
    return [(task, _options(run, task)) for run, task in tasks]


def _options(run: RunRequest, task: TaskSpec) -> dict[str, OptionValue]:
    return Overrides(run.overrides, quick=False).resolve(("task", task.name), task.options)


def lack_of(task: TaskSpec, catalog: Catalog) -> str:
    """Return which packages a task, its kinds and its backbone lack, or an empty string."""
    parts = (task, task.kind, task.kind_of_source, catalog.home(task.backbone))
    return next(filter(None, map(missing, parts)), "")


def data_fault(task: TaskSpec, options: Mapping[str, OptionValue]) -> BaseException | None:
    """Return what keeps the files of a task from being found, None if they are there or it has none."""
    if task.data_from == "package":
        return None
    try:
        root = data_folder()
        if root is None and task.data_from == "data-root":
            return MissingDataError("TLBENCH_DATA is not set")
        task.files(LoadRequest(task=task.name, options=options, data_root=root))
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; the error is the answer
        pass_signal(error)
        return error
    return None


def _sentence(error: BaseException) -> str:
    return f"{describe(error).rstrip('.')}."


def _without_folders(suite: Suite) -> Iterator[str]:
    try:
        data_folder()
        suite.check_checkpoints(suite.runs, models_folder())
    except (UsageError, MissingDataError) as error:
        yield str(error)


def _without_backbones(suite: Suite, catalog: Catalog) -> Iterator[str]:
    """Yield why backbones that the suite names cannot be used; those that it trains itself are checked by name."""
    own = {one.name for one in suite.pretrain}
    named = ((name, run) for run in suite.runs for name in run.backbones if name.partition("/")[2] not in own)
    yield from dict.fromkeys(filter(None, (_backbone_fault(name, run, catalog) for name, run in named)))


def _backbone_fault(name: str, run: RunRequest, catalog: Catalog) -> str:
    try:
        spec = catalog.backbone(name)
        if spec.checkpoint and not missing(spec):
            options = Overrides(run.overrides, quick=False).resolve(("backbone", name), spec.options)
            with guarded(f'"checkpoint" of the backbone "{name}"'):
                spec.checkpoint(options)
    except TlbenchError as error:
        return str(error)
    return missing(spec)
