"""`tlbench.run`, and what it shares with the command: settings, run requests, and a plan that is carried out."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.api.arguments import Place, option_values, place_options, seed_numbers, several
from tlbench.api.results import Results
from tlbench.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from tlbench.api.engines import Engine
    from tlbench.api.functions import Strategy
    from tlbench.contract.options import OptionValue
    from tlbench.planning.selection import RunRequest
    from tlbench.planning.settings import Settings

NO_OPTIONS: Mapping[str, OptionValue] = {}
DEVICES = ("auto", "cpu", "cuda")


def run(
    task: str | Sequence[str] = (),
    *,
    source: Place | None = None,
    target: Place | None = None,
    backbone: str | Sequence[str] = (),
    strategies: Strategy | Sequence[Strategy] = (),
    references: str | Sequence[str] = (),
    seeds: int | Sequence[int] = (),
    label_budgets: int | str | Sequence[int | str] = (),
    augment: str | Sequence[str] = (),
    options: Mapping[str, OptionValue] = NO_OPTIONS,
    remember: str = "",
    select: str = "",
    tune: int = 0,
    estimators: str | Sequence[str] = (),
    analyses: str | Sequence[str] = (),
    curves: bool = False,
    suite: str = "embedded",
    quick: bool = False,
    plugins: Sequence[Place] = (),
    device: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
    threads: int = 1,
    board: Place | None = None,
    engine: str | None = None,
    jobs: int = 0,
    timeout: float | None = None,
    memory_limit: float = 0.0,
    retry: bool = False,
    address: str = "",
    gpus: float = 1.0,
    shard: str = "",
) -> Results:
    """Run tasks with backbones and strategies, as `tlbench run` does; write results and leaderboards, and return them.

    Options of a `tlbench.toml` are those of the command alone: they are not read here.

    Args:
        task: Names of tasks. Default: all tasks of the suite.
        source: The user's own data of the source domain, the option `task.source`.
        target: The same of the target domain, the option `task.target`.
        backbone: Names of backbones. Default: the default backbone of each task.
        strategies: Names, functions that take an `AdaptRequest` and return the adapted model, and `StrategySpec`s.
            `all`: all strategies. Default: those that are not on request.
        references: Baselines that are run beside them: `all`, `none`, or names. Default: all, or those of the suite.
        seeds: How many (`3`: 0, 1, 2), or the seeds one by one. Default: 3, or those of the suite.
        label_budgets: Labelled target examples: `50`, `"5/class"`, `"all"`; several give a learning curve. Default: the
            label budget of the task.
        augment: How far training batches are varied: `none`, `weak`, `strong`; several are compared. Default: as the
            task says.
        options: `OWNER.NAME` -> value, such as `{"finetune.steps": 50}`.
        remember: Name of a task on which forgetting is measured, for tasks without a source.
        select: The rule by which the host chooses among the models of a training, such as `information-maximisation`,
            for strategies that leave it to the user.
        tune: Settings that are tried for each strategy on folds of its label budget; it adapts with the best one.
        estimators: Names of estimators, which say before adaptation how well it may go.
        analyses: Names of analyses, which say what adaptation changed inside a model.
        curves: Score the target at ten steps of training, too, for the time to the score of scratch; trains twice.
        suite: The name of a suite (`embedded`, `real`, `kinds`, `checkpoints`) or a TOML file.
        quick: Quick check: one seed and a quarter of the training steps.
        plugins: Files with plugins, beside the installed ones.
        device: `auto`, `cpu` or `cuda`.
        precision: Arithmetic of training: `fp32`, `tf32` (CUDA only) or `bf16`. Default: bf16 on CUDA, fp32 on a CPU.
        compiled: Compile encoder and linear head for training; the first steps take longer.
        threads: Threads of each numeric library.
        board: Folder of results and leaderboards. Default: `leaderboards/local`.
        engine: `local`: each result is computed in a process of its own; `inline`: all in this one, for a debugger;
            `ray`: on a Ray cluster. Default: the variable `TLBENCH_ENGINE`, or `local`.
        jobs: How many results are computed at a time. Default: as many as cores and memory allow.
        timeout: Seconds that one result may take. Default: six hours.
        memory_limit: GiB that one result may take. Default: its share of the memory that is free.
        retry: Try results again whose processes ended too often.
        address: Of a Ray cluster. Default: a cluster on this machine.
        gpus: GPUs of a result on a Ray cluster; 0.5 for two results on one.
        shard: `2/8` for the second of eight parts of the plan, without latencies.

    A function gets the target labels and may train everything; to declare something else, pass a `StrategySpec` with
    `adapt=function`. Its name on the board is its own, and its results belong to its source: a changed function has
    other results. If its source or a value that it uses cannot be read, results are computed in every run and are not
    written to the board.

    A run that fails leaves a row that says why. Raises `UsageError` for an invalid request.
    """
    from tlbench.results.files import BOARD

    if type(threads) is not int or threads < 1:
        raise UsageError(f"Invalid threads {threads!r}: use a whole number from 1.")
    chosen = [strategies] if isinstance(strategies, str) or not isinstance(strategies, Sequence) else list(strategies)
    overrides = {**option_values(options), **place_options(options, source=source, target=target)}
    arguments = {
        "backbones": several(backbone),
        "seeds": seed_numbers(seeds),
        "label_budgets": [str(budget) for budget in several(label_budgets)],
        "augment": several(augment),
        "remember": remember,
        "select": select,
        "tune": tune,
        "references": several(references),
        "estimators": several(estimators),
        "analyses": several(analyses),
        "curves": curves,
    }
    place = BOARD if board is None else Path(board).expanduser()
    settings = settings_for(device, threads, place, precision=precision, compiled=compiled)

    def requests(names: Sequence[str]) -> list[RunRequest]:
        return run_requests(suite, several(task), quick, {**arguments, "strategies": names}, overrides)

    how = engine_of(
        name=engine,
        jobs=jobs,
        timeout=timeout,
        memory=memory_limit,
        retry=retry,
        address=address,
        gpus=gpus,
        shard=shard,
    )
    return _run(requests, chosen, [Path(plugin) for plugin in plugins], settings, how)


def engine_of(*, name: str | None, timeout: float | None, **how: Any) -> Engine:
    """Return how pairings run. Raises `UsageError` for an unknown engine or an invalid number."""
    from tlbench.api.engines import TIMEOUT, Engine

    # Where processes cannot fork, all is computed in this one.
    usual = os.environ.get("TLBENCH_ENGINE") or ("local" if hasattr(os, "fork") else "inline")
    if not name and usual == "inline":
        return Engine(name=usual)  # Who sets the variable wants no other process, whatever a command says of them.
    return Engine(name=name or usual, timeout=TIMEOUT if timeout is None else timeout, **how)


def _run(
    requests: Callable[[Sequence[str]], list[RunRequest]],
    strategies: Sequence[Strategy],
    plugins: Sequence[Path],
    settings: Settings,
    engine: Engine,
) -> Results:
    """Run what is asked for with strategies of these names, some of them the user's own."""
    from tlbench.api.carry_out import carry_out, lost
    from tlbench.api.engines import opened
    from tlbench.api.functions import own_strategies
    from tlbench.api.progress import session_progress
    from tlbench.api.session import torch_as_it_was
    from tlbench.engine.planned import PlanRequest
    from tlbench.planning.own import unpublished

    own = own_strategies(strategies)
    passed = iter(own)
    names = [one if isinstance(one, str) else next(passed).spec.name for one in strategies]
    for sentence in (remarks := unpublished(own)):
        _warn(sentence)
    request = PlanRequest(runs=requests(names), settings=settings, plugins=plugins, own=own, path=_session_path())
    display = session_progress()
    with torch_as_it_was(), closing(display), opened(request, engine, display) as run:
        for problem in run.problems:
            _warn(f"Plugin error: {problem}")
        results = carry_out(run, settings)
    if results.missing:
        _warn(lost(results, settings))
    return dataclasses.replace(results, remarks=tuple(remarks))


def _session_path() -> list[str]:
    """Return the folders that a session imports from: functions of the user may need files there."""
    return [os.path.abspath(folder) for folder in sys.path]


def _warn(sentence: str) -> None:
    import warnings

    warnings.warn(sentence, stacklevel=4)


def settings_for(
    device: str, threads: int, board: Path, *, precision: str = "auto", compiled: bool = False, writes: bool = True
) -> Settings:
    """Return where and how a plan runs. Raises `UsageError` without that device, or if a folder is not writable."""
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.settings import Settings

    if device not in DEVICES:
        raise UnknownNameError("device", device, DEVICES)
    chosen = resolve_device(device)
    settings = Settings(device=chosen, threads=threads, precision=precision, compiled=compiled, board=board)
    settings.check_cache()
    if writes:
        settings.check_board()
    return settings


def run_requests(
    suite: str,
    tasks: Sequence[str],
    quick: bool,
    arguments: Mapping[str, Any],
    overrides: Mapping[str, OptionValue],
) -> list[RunRequest]:
    """Return the run requests of a suite. Arguments that are not empty replace those of the suite."""
    from tlbench.assets.checkpoints import models_folder
    from tlbench.planning.suites import read_suite

    chosen = read_suite(suite).of_tasks(tasks)
    replaced: dict[str, Any] = {name: value for name, value in arguments.items() if value}
    if quick:
        replaced = {"seeds": (0,), **replaced}
    if not tasks:
        replaced["skip_missing"] = True
    # Of a suite as it is written, a misspelt name is an error as any other.
    narrowed = bool(replaced.keys() & {"strategies", "references", "backbones", "estimators", "analyses"} or tasks)
    requests = [
        dataclasses.replace(
            run,
            quick=quick,
            **replaced,
            overrides={**run.overrides, **overrides},
            of_suite=sorted(run.overrides.keys() - overrides.keys()) if narrowed else (),
        )
        for run in chosen.runs
    ]
    chosen.check_checkpoints(requests, models_folder())
    return requests
