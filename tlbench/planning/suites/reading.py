"""Suites: run requests in a TOML file, shipped under a name or written by the user."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning.expand import Pretraining
from tlbench.planning.selection import RunRequest

KEYS = (
    "tasks",
    "backbones",
    "strategies",
    "references",
    "estimators",
    "analyses",
    "curves",
    "seeds",
    "label_budgets",
    "augment",
    "remember",
    "select",
    "tune",
    "set",
)
"""Keys of a run; above the tables `[[runs]]` they apply to all of them."""
TABLES = ("pretrain", "runs")
PRETRAIN_KEYS = ("name", "backbone", "task", "objective", "seed", "set")
EMBEDDED = "embedded"
"""All tasks that need no external data, including those of third-party plugins: no file lists them."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The content of a suite."""

    name: str
    """The name of a shipped suite, or the path of a file."""
    runs: tuple[RunRequest, ...] = (RunRequest(),)
    pretrain: tuple[Pretraining, ...] = ()
    """Checkpoints that the runs start from: `tlbench pretrain --suite NAME` trains them."""

    def check_checkpoints(self, run_requests: Iterable[RunRequest], models: Path) -> None:
        """Raise `MissingDataError` if a run request starts from a checkpoint of the suite that is not in `models`."""
        used = {name.partition("/")[2] for run_request in run_requests for name in run_request.backbones}
        if absent := [one.name for one in self.pretrain if one.name in used and not (models / one.name).exists()]:
            names = ", ".join(f'"{name}"' for name in absent)
            raise MissingDataError(
                f"Missing checkpoints: {names}. Train them first: tlbench pretrain --suite {self.name}"
            )

    def of_tasks(self, names: Collection[str]) -> Suite:
        """Return the suite with only these tasks; a run without tasks gets all of them. Raises `UnknownNameError`."""
        if not names:
            return self
        runs = [replace(run, tasks=[n for n in names if n in run.tasks or not run.tasks]) for run in self.runs]
        for name in names:
            if not any(name in run.tasks for run in runs):
                tasks = {task for run in self.runs for task in run.tasks}
                raise UnknownNameError("task", name, tasks, where=f'in the suite "{self.name}"')
        return replace(self, runs=tuple(run for run in runs if run.tasks))


def suite_names() -> list[str]:
    """Return the names of the shipped suites."""
    return [EMBEDDED, *sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))]


def read_suite(name: str) -> Suite:
    """Return a suite by name or path. Raises `UsageError` that lists every error of the file."""
    if name == EMBEDDED:
        return Suite(name=EMBEDDED)
    shipped = Path(__file__).parent / f"{name}.toml"
    path = shipped if name in suite_names() else Path(name)
    if not path.is_file():
        raise UnknownNameError("suite", name, suite_names())
    try:
        return _validate(name, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f'The suite "{path}" is not valid TOML: {error}.') from error


def _validate(name: str, content: Mapping[str, Any]) -> Suite:
    from pydantic import TypeAdapter, ValidationError

    common = {key: value for key, value in content.items() if key not in TABLES}
    runs, pretrain = content.get("runs", [{}]), content.get("pretrain", [])
    if not all(
        isinstance(tables, list) and all(isinstance(one, dict) for one in tables) for tables in (runs, pretrain)
    ):
        raise UsageError(f'Invalid suite "{name}": write runs and pretrain as tables, [[runs]] and [[pretrain]].')
    allowed = [(common, (*KEYS, *TABLES)), *((run, KEYS) for run in runs), *((one, PRETRAIN_KEYS) for one in pretrain)]
    for table, keys in allowed:
        for key in table.keys() - keys:
            raise UnknownNameError("key", key, keys, where=f'in the suite "{name}"')
        if not isinstance(table.get("set", {}), dict):
            raise UsageError(f'Invalid suite "{name}": set must be a table, such as {{"finetune.steps" = 5}}.')
    content_of_suite = {
        "name": name,
        "runs": [_run(common, run) for run in runs],
        "pretrain": [_fields(one) for one in pretrain],
    }
    try:
        return TypeAdapter(Suite).validate_python(content_of_suite)
    except ValidationError as error:
        mistakes = "; ".join(f"{_place(fault['loc'], len(runs))}: {fault['msg']}" for fault in error.errors())
        raise UsageError(f'Invalid suite "{name}": {mistakes}.') from error


def _run(common: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    options = {**common.get("set", {}), **run.get("set", {})}
    return _fields({**common, **run, "set": options})


def _fields(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"overrides" if key == "set" else key: value for key, value in table.items()}


def _place(location: tuple[int | str, ...], runs: int) -> str:
    """Return the location of an error as the file writes it."""
    shown = ".".join("set" if part == "overrides" else str(part) for part in location)
    return shown.removeprefix("runs.0.") if runs == 1 else shown
