"""The state of the environment, and what would make a run fail in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.assets.checkpoints import models_folder
from tlbench.assets.folders import cache_folder, data_folder
from tlbench.cli.probes import probe
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import TaskSpec
from tlbench.errors import MissingDataError, UsageError, describe
from tlbench.planning import fingerprints
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.guard import pass_signal
from tlbench.planning.suites import Suite
from tlbench.planning.versions import runtime_fault

FOUND = "found"
LITTLE_BYTES = 2**30
"""Less free space than this on a disk causes a warning."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Facts in groups, and problems as sentences."""

    facts: dict[str, Any]
    fatal: list[str] = field(default_factory=list)
    """Why the suite cannot run."""
    skipped: list[str] = field(default_factory=list)
    """What the suite skips, and why."""
    problems: list[str] = field(default_factory=list)
    """Why something else cannot run."""


def examine(catalog: Catalog, board: Path, suite: Suite) -> Health:
    """Check libraries, devices, folders, plugins, and what a suite needs. Raises `UnknownNameError` for its tasks."""
    tasks = tasks_of(suite, catalog)
    torch, runtime = probe("torch"), probe("onnxruntime")
    cache = cache_folder()
    facts = {
        "versions": dict(fingerprints.versions()),
        "devices": {"processor": fingerprints.processor(), "graphics": fingerprints.graphics() or "none"},
        "torch": torch,
        "onnxruntime": runtime,
        "cache": {"folder": str(cache), **_cache(cache), **_space(cache)},
        "board": {"folder": str(board.resolve()), **_space(board)},
        "suite": {"name": suite.name, "tasks": len(tasks), "skipped": sum(bool(_lack_of(t, catalog)) for t in tasks)},
        "published data": _published(catalog),
        "plugins": [str(origin) for origin in catalog.plugins],
    }
    return Health(
        facts=facts,
        fatal=[*_broken(torch, runtime), *_unusable(suite, tasks, catalog), *_locked(facts)],
        skipped=list(_skipped(tasks, catalog)),
        problems=[*_lacks(catalog), *map(str, catalog.problems), *_little_space(facts)],
    )


def _cache(folder: Path) -> dict[str, Any]:
    """Return the size of the cache and how many stages of each kind it holds."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    stages = {
        path.name: len(list(path.glob("*/*/stage.json")))
        for path in sorted(folder.glob("*"))
        if path.is_dir() and path.name != "files"
    }
    return {"size_bytes": sum(path.stat().st_size for path in files), "stages": stages}


def _space(folder: Path) -> dict[str, Any]:
    existing = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    return {"writable": os.access(existing, os.W_OK), "free_bytes": shutil.disk_usage(existing).free}


def _published(catalog: Catalog) -> dict[str, str]:
    """Return `found` or an error message for each task on published data."""
    return {task.name: _files(task) for task in catalog.tasks.values() if task.data_from == "data-root"}


def _files(task: TaskSpec) -> str:
    options = {option.name: option.default for option in task.options}
    try:
        root = data_folder()
        if root is None:
            return "TLBENCH_DATA is not set"
        task.files(LoadRequest(task=task.name, options=options, data_root=root))
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; the error is the answer
        pass_signal(error)
        return describe(error)
    return FOUND


def _broken(torch: dict[str, Any], runtime: dict[str, Any]) -> Iterator[str]:
    if fault := runtime_fault():
        yield f"{fault}."
        return
    for library, probed in (("torch", torch), ("onnxruntime", runtime)):
        if probed["error"]:
            yield f"{library} does not work ({probed['error']}): reinstall it."
    providers = runtime.get("providers", {})
    if reason := providers.get("CPUExecutionProvider"):
        yield f"ONNX Runtime does not work on the CPU ({reason}): reinstall onnxruntime."
    if not fingerprints.graphics():
        return
    if not torch["error"] and not torch["runs_on_graphics"]:
        yield f"torch does not work on {fingerprints.graphics()}: use --device cpu, or a torch build for its CUDA."
    if reason := providers.get("CUDAExecutionProvider"):
        yield f"ONNX Runtime does not work on {fingerprints.graphics()} ({reason}): use --device cpu."


def _unusable(suite: Suite, tasks: Sequence[TaskSpec], catalog: Catalog) -> Iterator[str]:
    """Yield why the suite cannot run."""
    try:
        data_folder()
        suite.check_checkpoints(suite.runs, models_folder())
    except (UsageError, MissingDataError) as error:
        yield str(error)
    able = [task for task in tasks if not _lack_of(task, catalog)]
    if not able:
        yield f'No task of the suite {suite.name} can run, because packages are missing: pip install "tlbench[all]".'
    lacks: dict[str, list[str]] = {}
    for task in able:
        if task.data_from == "data-root" and (found := _files(task)) != FOUND:
            lacks.setdefault(found, []).append(task.name)
    for reason, names in lacks.items():
        yield f"Data of {', '.join(names)}: {reason}. To download it: tlbench fetch --suite {suite.name}"


def tasks_of(suite: Suite, catalog: Catalog) -> list[TaskSpec]:
    """Return the tasks of a suite; a run that names none has all that need no other data."""
    embedded = [task.name for task in catalog.tasks.values() if task.data_from == "package"]
    return [catalog.task(name) for name in dict.fromkeys(name for run in suite.runs for name in run.tasks or embedded)]


def _skipped(tasks: Sequence[TaskSpec], catalog: Catalog) -> Iterator[str]:
    """Yield what a run of the suite skips because a package is missing."""
    for task in tasks:
        if lacking := _lack_of(task, catalog):
            yield f"Task {task.name} is skipped: {lacking}"
    for strategy in catalog.strategies.values():
        if lacking := missing(strategy):
            yield f"Strategy {strategy.name} is skipped: {lacking}"


def _lack_of(task: TaskSpec, catalog: Catalog) -> str:
    """Return which packages a task, its kinds and its backbone lack, or an empty string."""
    parts = (task, task.kind, task.kind_of_source, catalog.home(task.backbone))
    return next(filter(None, map(missing, parts)), "")


def _locked(facts: dict[str, Any]) -> Iterator[str]:
    advice = {"cache": "set TLBENCH_CACHE to another folder", "board": "choose another with --board"}
    for name, alternative in advice.items():
        if not facts[name]["writable"]:
            yield f'The {name} folder "{facts[name]["folder"]}" is not writable: {alternative}.'


def _lacks(catalog: Catalog) -> Iterator[str]:
    kinds = [kind for task in catalog.tasks.values() for kind in (task.kind, task.kind_of_source)]
    groups = (
        *(catalog.tasks, catalog.backbones, catalog.families),
        *(catalog.strategies, catalog.estimators, catalog.analyses),
    )
    specs = [spec for group in groups for spec in group.values()]
    yield from dict.fromkeys(filter(None, map(missing, [*specs, *kinds])))


def _little_space(facts: dict[str, Any]) -> Iterator[str]:
    for name in ("cache", "board"):
        if (free := facts[name]["free_bytes"]) < LITTLE_BYTES:
            yield f"Only {free // 2**20} MiB are free for the {name}: a run may fill the disk. Free some space."
