"""Run a plan in a process of its own and print what came of it as JSON. With --kill-in, die as by `kill -9` there."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from support import plan_only

from tlbench import Event, hookimpl
from tlbench.engine.runner import run
from tlbench.planning.catalog import load_catalog
from tlbench.planning.settings import Settings


class Killer:
    """Ends the process at the first training step of a stage, while its result is half-written."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        if event.name == "step" and event.stage == self.stage:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--board", type=Path, required=True)
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--strategy", action="append", default=[])
    parser.add_argument("--kill-in", default="")
    given = parser.parse_args()
    catalog = load_catalog([Killer(given.kill_in)] if given.kill_in else [])
    settings = Settings(board=given.board)
    plan = plan_only(catalog, settings, tasks=given.task, strategies=given.strategy)
    outcome = run(plan, catalog, settings)
    report = {
        "rows": [row.to_json() for row in outcome.rows],
        "computed": outcome.computed,
        "seconds": outcome.seconds,
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
