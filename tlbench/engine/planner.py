"""The process that plans: it loads plugins, reads what they say of files and checkpoints, and answers with data.

    python -P -m tlbench.engine.planner

It imports no torch. What it cannot find finished in the cache is left to the processes that compute.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.job import Job, job_of, packed, with_distinct_titles
from tlbench.engine.pairing import run_pairing
from tlbench.engine.pipeline import NotComputed
from tlbench.engine.planned import PlanRequest, plan_here, problem_json, unpacked_request
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import TlbenchError, describe
from tlbench.planning import watch
from tlbench.planning.catalog import Catalog
from tlbench.planning.channel import Channel
from tlbench.planning.guard import Terminated, signals_raise
from tlbench.planning.plan import Pairing, Plan
from tlbench.planning.settings import Settings
from tlbench.planning.supervised import Message, inherited


def main() -> None:
    """Answer one request for a plan."""
    answer_one(lambda message: answer(unpacked_request(message["request"])))


def answer_one(reply_to: Callable[[Message], Message]) -> None:
    """Answer one request, and end without running what plugins left for the end."""
    channel, message = inherited()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    here = os.getpid()
    watch.begin(lambda plugin: channel.send({"loading": plugin}), message["broken"])
    warnings.showwarning = _warning(channel)
    try:
        with signals_raise():
            reply = reply_to(message)
    except Terminated:
        os._exit(128 + signal.SIGTERM)
    except TlbenchError as error:
        reply = {"error": {"kind": type(error).__name__, "message": str(error)}}
    except BaseException as error:  # noqa: BLE001 - code of plugins may raise anything
        reply = {"error": {"kind": "ContractError", "message": describe(error)}}
    if os.getpid() == here:  # A plugin may have forked.
        channel.send(reply)
    os._exit(0)


def _warning(channel: Channel) -> Any:
    def show(text: Warning | str, *place: Any, **more: Any) -> None:
        channel.send({"warning": str(text)})

    return show


def answer(request: PlanRequest) -> Message:
    """Return the plan of a request as JSON."""
    plan, catalog = plan_here(request)
    return {
        "jobs": [job.to_json() for job in jobs_of(plan, catalog, request.settings, find=request.find)],
        "problems": [problem_json(problem) for problem in catalog.problems],
        "listeners": list(catalog.listeners),
    }


def jobs_of(plan: Plan, catalog: Catalog, settings: Settings, find: bool) -> list[Job]:
    """Return the pairings of a plan as jobs, with the results of those that the cache has."""
    cached: list[Event] = []
    store = Store(root=settings.cache, notify=cached.append, computes=False)
    jobs = [_job(pairing, catalog, settings, store if find else None, cached) for pairing in plan.pairings]
    store.remember()
    return with_distinct_titles(jobs)


def _job(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store | None, cached: list[Event]) -> Job:
    job = replace(job_of(pairing, catalog, settings), code=packed(pairing))
    if pairing.skip or store is None:
        return job
    cached.clear()
    try:
        draft = run_pairing(pairing, catalog, settings, store)
    except NotComputed as lacking:
        return replace(job, found=_found(cached), prepared=_prepared(lacking.done))
    # What cannot be read here may be computed again there.
    if draft.row.status == "failed":
        return job
    return replace(job, draft=draft, found=_found(cached), prepared=_prepared(draft.stages))


def _found(cached: Sequence[Event]) -> tuple[tuple[str, float], ...]:
    return tuple((event.stage, event.seconds) for event in cached)


def _prepared(stages: Mapping[str, StoredStage]) -> str:
    return str(stages["prepare"].folder) if "prepare" in stages else ""


if __name__ == "__main__":
    main()
