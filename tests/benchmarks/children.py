"""What a child of the server costs beside its stages: `children.py CACHE TASK ...` prints CPU seconds as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(cache: str, *tasks: str) -> None:
    """Run each pairing in a fork of this process, which has imported what the server imports."""
    from tlbench.engine.planned import PlanRequest, plan_in_child
    from tlbench.engine.server import MODULES, preload
    from tlbench.planning.selection import RunRequest
    from tlbench.planning.settings import Settings

    settings = Settings(cache=Path(cache), board=Path(cache, "board"))
    runs = [RunRequest(tasks=tasks, strategies=["finetune"], seeds=(0,), quick=True)]
    request = PlanRequest(runs=runs, settings=settings)
    jobs = [job for job in plan_in_child(request, print).jobs if not job.skip]
    before = sum(os.times()[:2])
    preload((*MODULES, *dict.fromkeys(name for job in jobs for name in job.requires)))
    server = sum(os.times()[:2]) - before
    print(json.dumps({"server": server, "children": [overhead(job, request) for job in jobs]}))


class Kept:
    """Takes messages in place of a channel."""

    def __init__(self) -> None:
        self.messages: list[dict] = []

    def send(self, message) -> bool:
        self.messages.append(message)
        return True


def overhead(job, request) -> float:
    """Return the CPU seconds of a child that no stage has."""
    from tlbench.engine import worker

    reads, writes = os.pipe()
    if not os.fork():
        said = Kept()
        common = {"request": request.packed(), "failed": {}, "memory": 0, "parts": 1, "shared": False}
        worker.run(said, {**common, "plugins": job.plugins, "code": job.code, "key": job.key})
        events = [event for message in said.messages for event in message.get("events", ())]
        stages = sum(event["seconds"] for event in events if event["name"] == "stage-finished" and not event["cached"])
        os.write(writes, json.dumps(sum(os.times()[:4]) - stages).encode())
        os._exit(0)
    os.wait()
    os.close(writes)
    with os.fdopen(reads) as stream:
        return float(stream.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
