"""A request -> jobs, and what runs them: a server's children, or this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tlbench.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from tlbench.api.display import Display
    from tlbench.engine.executors.base import Isolating
    from tlbench.engine.job import Job
    from tlbench.engine.planned import PlanRequest
    from tlbench.engine.runner import Executor
    from tlbench.planning.registration import PluginProblem

ENGINES = ("local", "inline", "ray")
LEAST_MEMORY = 1.0
"""GiB that a limit must leave to a result."""
TIMEOUT = 6 * 3600.0
"""Seconds that a pairing may take unless the user says."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How pairings run."""

    name: str = "local"
    jobs: int = 0
    """Pairings at a time; 0 for as many as make sense."""
    timeout: float = TIMEOUT
    """Seconds for each pairing."""
    memory: float = 0.0
    """GiB for each pairing; 0 for its share of what there is."""
    retry: bool = False
    """Whether pairings are tried again whose processes ended before."""
    address: str = ""
    """Of a Ray cluster; empty for one on this machine."""
    gpus: float = 1.0
    """GPUs of a task on a Ray cluster with CUDA; 0.5 for two tasks on one."""
    shard: str = ""
    """`I/N` for the part I of N of the plan; empty for all of it."""

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UnknownNameError("engine", self.name, ENGINES)
        for what, value in (("jobs", self.jobs), ("memory limit", self.memory), ("gpus", self.gpus)):
            if not 0 <= value < 2**20:
                raise UsageError(
                    f"Invalid {what} {value}: use a number from 0 to {2**20 - 1}; 0 leaves the choice to tlbench."
                )
        part_of(self.shard)
        self._check_fits()
        if 0 < self.memory < LEAST_MEMORY:
            raise UsageError(
                f"Invalid memory limit {self.memory:g} GiB: the libraries of a result alone take about "
                f"{LEAST_MEMORY:g}; 0 is its share of what is free."
            )
        if not self.timeout > 0:
            raise UsageError(f"Invalid timeout {self.timeout}: use a number of seconds above 0.")

    def _check_fits(self) -> None:
        """Raise `UsageError` for an option that another engine has."""
        limits = {"--jobs": self.jobs, "--memory-limit": self.memory, "--shard": self.shard, "--retry": self.retry}
        if self.timeout != TIMEOUT:
            limits["--timeout"] = self.timeout
        if self.name == "inline" and (given := [name for name, value in limits.items() if value]):
            raise UsageError(f"{given[0]} needs processes: with --engine inline everything runs in this one.")
        if self.name != "ray" and self.address:
            raise UsageError("--address is that of a Ray cluster: add --engine ray.")


def part_of(shard: str) -> tuple[int, int]:
    """Return (I, N) of `I/N`, and (1, 1) for an empty text. Raises `UsageError`."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", shard or "1/1")
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f'Invalid shard "{shard}": use I/N, such as 2/8 for the second of eight parts.')
    return int(found[1]), int(found[2])


def shard_of(jobs: Sequence[Job], shard: str) -> list[Job]:
    """Return the jobs of a part of a plan, always the same: source models are not split if there are enough."""
    number, parts = part_of(shard)
    groups = list(dict.fromkeys(job.group for job in jobs))
    if len(groups) < parts:
        return list(jobs[number - 1 :: parts])
    own = set(groups[number - 1 :: parts])
    return [job for job in jobs if job.group in own]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A plan that can be run."""

    jobs: Sequence[Job]
    executor: Executor
    problems: Sequence[PluginProblem]
    latency: bool = True
    """Whether latencies are measured."""


@contextmanager
def opened(request: PlanRequest, engine: Engine, display: Display) -> Iterator[Opened]:
    """Plan a request; the executor is closed at the end.

    The display receives events, and what is printed and warned of elsewhere. Raises `UsageError` for an invalid
    request.
    """
    plan = _inline if engine.name == "inline" else _local
    run = plan(request, engine, display)
    try:
        yield run
    finally:
        run.executor.close()


def _inline(request: PlanRequest, engine: Engine, display: Display) -> Opened:
    from tlbench.engine.executors.inline import Inline
    from tlbench.engine.planned import plan_here

    plan, catalog = plan_here(request, [display])
    here = Inline(plan, catalog, request.settings)
    return Opened(jobs=here.jobs, executor=here, problems=catalog.problems)


def _local(request: PlanRequest, engine: Engine, display: Display) -> Opened:
    from tlbench.engine.executors.base import Limits
    from tlbench.engine.journal import Journal, journal_folder
    from tlbench.engine.machine import usual_jobs, usual_memory
    from tlbench.engine.planned import plan_in_child

    settings = request.settings
    planned = plan_in_child(request, display.say)
    jobs = shard_of(planned.jobs, engine.shard)
    open_ = sum(job.draft is None and not job.skip for job in jobs)
    at_once = engine.jobs or usual_jobs(open_, settings.threads, settings.device)
    # What is free here says nothing of the nodes of a cluster.
    usual = usual_memory(at_once, settings.device) if engine.name == "local" else 0
    memory = int(engine.memory * 2**30) or usual
    if open_ and request.find:
        display.announce(_shared_out(open_, at_once, memory))
    executor = _executor(engine)(
        request=request,
        planned=planned,
        limits=Limits(jobs=at_once, timeout=engine.timeout, memory=memory),
        journal=Journal(journal_folder(settings.cache, settings.board, engine.shard), retry=engine.retry),
        display=display.tlbench_event,
        say=display.say,
    )
    return Opened(jobs=jobs, executor=executor, problems=planned.problems, latency=not engine.shard)


def _shared_out(pairings: int, at_once: int, memory: int) -> str:
    """Return how the machine is shared, in words."""
    each = f", each with {memory / 2**30:.1f} GiB of memory at most" if memory else ""
    return f"{pairings} result{'s' * (pairings != 1)} to compute, {at_once} at a time{each}"


def _executor(engine: Engine) -> Callable[..., Isolating]:
    if engine.name == "ray":
        if find_spec("ray") is None:
            raise UsageError('--engine ray needs Ray: pip install "tlbench[ray]"')
        from tlbench.engine.executors.ray import Ray

        return partial(Ray, address=engine.address, gpus=engine.gpus)
    from tlbench.engine.executors.local import Local

    return Local
