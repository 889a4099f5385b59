"""Pairings as tasks of a Ray cluster: an existing one by its address, or one on this machine.

Every node reads and writes the same cache folder. For one pairing a task starts what `local` starts for a plan: a
server, and a child with its limits. Ray runs a task again if its worker or node is lost; a child that ends without a
result is no lost worker.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.executors.base import Isolating, Limits, Notify, Numbered, failed
from tlbench.engine.job import Job
from tlbench.engine.journal import Journal
from tlbench.engine.planned import Planned, unpacked_request
from tlbench.errors import StoreError, UsageError

CONNECT = 10.0
"""Seconds to wait for a cluster to answer."""
LOST = 3
"""Workers or nodes that may be lost in one task before it counts as failed."""


@dataclass(kw_only=True)
class Ray(Isolating):
    """Runs jobs as tasks of a cluster."""

    address: str = ""
    """Of an existing cluster; empty for one on this machine."""
    gpus: float = 1.0
    """GPUs of a task on CUDA, which may be a part of one."""

    def close(self) -> None:
        """Leave the cluster."""
        import ray

        super().close()
        ray.shutdown()

    def compute(self, waiting: Sequence[Numbered], notify: Notify) -> Iterator[tuple[int, Draft]]:
        """Yield drafts as tasks end."""
        import ray

        self._connect()
        remote = self._remote()
        shared: dict[str, Any] = {}
        open_: dict[Any, Numbered | None] = {}
        titles: dict[Any, str] = {}
        for index, job in waiting:
            self.journal.note("started", job.key)
            # One task brings what the pairings of a group share into the cache; the others wait for it, not in it.
            if job.group not in shared:
                shared[job.group] = remote.remote(self._task(job, shared=True), None)
                open_[shared[job.group]] = None
                titles[shared[job.group]] = job.title
            reference = remote.remote(self._task(job, shared=False), shared[job.group])
            open_[reference], titles[reference] = (index, job), job.title
            notify(Event(name="pairing-started", pairing=job.title, values={"key": job.key}))
        while open_:
            for reference in ray.wait(list(open_), timeout=1.0)[0]:
                job_of, reply = open_.pop(reference), _reply(reference)
                for event in reply.get("events", ()):
                    notify(Event(**{**event, "pairing": titles[reference]}))
                for text in reply.get("printed", ()):
                    self.say(text)
                if job_of is not None:
                    yield job_of[0], self._draft(job_of[1], reply)

    def _task(self, job: Job, shared: bool) -> dict[str, Any]:
        """Return what a task needs, as data."""
        limits = {"jobs": 1, "timeout": self.limits.timeout, "memory": self.limits.memory}
        return {"request": self.packed, "job": job.to_json(), "limits": limits, "shared": shared}

    def _connect(self) -> None:
        """Join the cluster. Raises `UsageError` without one, or if it lacks what a task needs."""
        import ray

        settings = self.request.settings
        _check_answers(self.address)
        handler = signal.getsignal(signal.SIGTERM)
        try:
            # Its own messages would fill the terminal; they are in Ray's log files.
            ray.init(
                address=self.address or None,
                ignore_reinit_error=True,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False if not self.address else None,
                num_cpus=None if self.address else self.limits.jobs * settings.threads,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f'There is no Ray cluster at "{self.address or "this machine"}": {error}') from error
        finally:
            if handler is not None:  # Ray ends the process by its own, without a word.
                signal.signal(signal.SIGTERM, handler)
        there = dict(ray.cluster_resources())
        for name, needed in self._needs().items():
            if there.get(name, 0.0) < needed:
                raise UsageError(
                    f"The cluster has {there.get(name, 0.0):g} {name} in all, and a task needs {needed:g}: add a node, "
                    "or lower --threads or --gpus."
                )

    def _needs(self) -> dict[str, float]:
        settings = self.request.settings
        needs = {"CPU": float(settings.threads)}
        return needs if settings.device == "cpu" else {**needs, "GPU": self.gpus}

    def _remote(self) -> Any:
        import ray

        needs = self._needs()
        variables = {name: value for name, value in os.environ.items() if name.startswith(("TLBENCH_", "HF_"))}
        return ray.remote(
            max_retries=LOST,
            retry_exceptions=False,
            num_cpus=needs["CPU"],
            num_gpus=needs.get("GPU", 0.0),
            runtime_env={"env_vars": {**variables, "PYTHONSAFEPATH": "1"}},
        )(run_task)

    def _draft(self, job: Job, reply: dict[str, Any]) -> Draft:
        try:
            if "problem" in reply:
                raise StoreError(reply["problem"])
            draft = Draft.from_json(reply["draft"])
            self.journal.note("finished", job.key)
            return draft
        except StoreError as error:
            self.journal.note("died", job.key, str(error))
            return failed(job, str(error))


def _check_answers(address: str) -> None:
    """Raise `UsageError` if nobody answers at `HOST:PORT`: Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].partition(":")
    if not colon:  # `auto`, or none.
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT).close()
    except (OSError, ValueError) as error:
        raise UsageError(f'There is no Ray cluster at "{address}" ({error}): expected HOST:PORT, or auto.') from error


def _reply(reference: Any) -> dict[str, Any]:
    """Return what a task answered, or why it has no answer."""
    import ray

    try:
        return dict(ray.get(reference))
    except ray.exceptions.RayError as error:
        return {"problem": " ".join(str(error).split())[:500]}


def run_task(task: dict[str, Any], shared: dict[str, Any] | None) -> dict[str, Any]:
    """Run a pairing, or the stages that it shares with others, on a node of the cluster; return what came of it."""
    from tlbench.engine.executors.local import Local

    events: list[Event] = []
    printed: list[str] = []
    here = Local(
        request=unpacked_request(task["request"]),
        planned=Planned(jobs=()),
        limits=Limits(**task["limits"]),
        journal=Journal(Path(os.devnull)),  # The driver keeps the one of the run.
        display=events.append,
        say=printed.append,
        shared=task["shared"],
        failures=dict(shared["failed"]) if shared else {},
    )
    ((_, draft),) = here.compute([(0, Job.from_json(task["job"]))], events.append)
    told = [{**vars(event), "values": dict(event.values)} for event in events if event.name != "pairing-started"]
    found = {"draft": draft.to_json(), "failed": here.failures, "events": told, "printed": printed}
    # As JSON: data, never code, comes back.
    return dict(json.loads(json.dumps(found)))
