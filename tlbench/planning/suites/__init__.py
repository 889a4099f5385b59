"""Suites: wishes written down as TOML, shipped by name or a user's own file."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning.expand import Pretraining, RunRequest

KEYS = ("tasks", "backbones", "strategies", "seeds", "label_budgets", "set")
"""What a run says; above the tables `[[runs]]` it holds for each of them."""
TABLES = ("pretrain", "runs")
PRETRAIN_KEYS = ("name", "backbone", "task", "objective", "seed", "set")
EMBEDDED = "embedded"
"""Every task that needs no data from outside, third-party ones too: no file lists them."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What a suite asks for."""

    name: str
    """A shipped suite's name, or the file's path."""
    runs: tuple[RunRequest, ...] = (RunRequest(),)
    pretrain: tuple[Pretraining, ...] = ()
    """Checkpoints that the runs start from: `tlbench pretrain --suite NAME` makes them."""

    def check_made(self, run_requests: Iterable[RunRequest], models: Path) -> None:
        """Raise `MissingDataError` where a wish starts from one of the suite's checkpoints that is not in `models`."""
        used = {name.partition("/")[2] for run_request in run_requests for name in run_request.backbones}
        if lacking := [made.name for made in self.pretrain if made.name in used and not (models / made.name).exists()]:
            names = " and ".join(f'"{name}"' for name in lacking)
            raise MissingDataError(f"{names} must be made first: tlbench pretrain --suite {self.name}")

    def of_tasks(self, names: Collection[str]) -> Suite:
        """Return the suite with these tasks alone; a run that names none takes all. Raises `UnknownNameError`."""
        if not names:
            return self
        runs = [replace(run, tasks=[n for n in names if n in run.tasks or not run.tasks]) for run in self.runs]
        for name in names:
            if not any(name in run.tasks for run in runs):
                known = {task for run in self.runs for task in run.tasks}
                raise UnknownNameError(f'task in the suite "{self.name}" called', name, known)
        return replace(self, runs=tuple(run for run in runs if run.tasks))


def suite_names() -> list[str]:
    """Return the names of the shipped suites."""
    return [EMBEDDED, *sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))]


def read_suite(name: str) -> Suite:
    """Return a suite by name or path. Raises `UsageError` with every mistake of a file at once."""
    if name == EMBEDDED:
        return Suite(name=EMBEDDED)
    shipped = Path(__file__).parent / f"{name}.toml"
    path = shipped if name in suite_names() else Path(name)
    if not path.is_file():
        raise UnknownNameError("suite", name, suite_names())
    try:
        return _validate(name, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f'The suite "{path}" is not TOML: {error}.') from error


def _validate(name: str, content: Mapping[str, Any]) -> Suite:
    from pydantic import TypeAdapter, ValidationError

    common = {key: value for key, value in content.items() if key not in TABLES}
    runs, pretrain = content.get("runs", [{}]), content.get("pretrain", [])
    if not all(
        isinstance(tables, list) and all(isinstance(one, dict) for one in tables) for tables in (runs, pretrain)
    ):
        raise UsageError(f'The suite "{name}" cannot be used: write [[runs]] and [[pretrain]] above their keys.')
    known = [(common, (*KEYS, *TABLES)), *((run, KEYS) for run in runs), *((one, PRETRAIN_KEYS) for one in pretrain)]
    for table, keys in known:
        for key in table.keys() - keys:
            raise UnknownNameError(f'key in the suite "{name}" called', key, keys)
        if not isinstance(table.get("set", {}), dict):
            raise UsageError(f'The suite "{name}" cannot be used: set: write a table, such as "finetune.steps" = 5.')
    wanted = {"name": name, "runs": [_run(common, run) for run in runs], "pretrain": [_fields(one) for one in pretrain]}
    try:
        return TypeAdapter(Suite).validate_python(wanted)
    except ValidationError as error:
        mistakes = "; ".join(f"{_place(fault['loc'], len(runs))}: {fault['msg']}" for fault in error.errors())
        raise UsageError(f'The suite "{name}" cannot be used: {mistakes}.') from error


def _run(common: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    options = {**common.get("set", {}), **run.get("set", {})}
    return _fields({**common, **run, "set": options})


def _fields(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"overrides" if key == "set" else key: value for key, value in table.items()}


def _place(location: tuple[int | str, ...], runs: int) -> str:
    """Return where a mistake stands, in the words of the file."""
    shown = ".".join("set" if part == "overrides" else str(part) for part in location)
    return shown.removeprefix("runs.0.") if runs == 1 else shown
