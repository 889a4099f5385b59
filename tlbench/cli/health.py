"""The state of the environment, and what would make a run fail in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.assets.folders import cache_folder
from tlbench.cli.probes import probe
from tlbench.cli.suite_health import SuiteHealth, data_fault, examine_suite
from tlbench.contract.specs import TaskSpec
from tlbench.errors import describe
from tlbench.planning import fingerprints
from tlbench.planning.catalog import Catalog, missing
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
    checked = examine_suite(suite, catalog)
    torch, runtime = probe("torch"), probe("onnxruntime")
    cache = cache_folder()
    facts = {
        "versions": dict(fingerprints.versions()),
        "devices": {"processor": fingerprints.processor(), "graphics": fingerprints.graphics() or "none"},
        "torch": torch,
        "onnxruntime": runtime,
        "cache": {"folder": str(cache), **_cache(cache), **_space(cache)},
        "board": {"folder": str(board.resolve()), **_space(board)},
        "suite": {"name": suite.name, "tasks": checked.tasks, "skipped": len(checked.skipped)},
        "published data": _published(catalog),
        "plugins": [str(origin) for origin in catalog.plugins],
    }
    return Health(
        facts=facts,
        fatal=[*_broken(torch, runtime), *checked.errors, *_locked(facts)],
        skipped=list(_skipped(checked, catalog)),
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
    fault = data_fault(task, {option.name: option.default for option in task.options})
    return FOUND if fault is None else describe(fault)


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


def _skipped(suite: SuiteHealth, catalog: Catalog) -> Iterator[str]:
    """Yield what a run of the suite skips, and why."""
    for name, reason in suite.skipped.items():
        yield f"Task {name} is skipped: {reason}"
    for strategy in catalog.strategies.values():
        if lacking := missing(strategy):
            yield f"Strategy {strategy.name} is skipped: {lacking}"


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
