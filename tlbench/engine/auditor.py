"""The process of an audit that loads plugins: it prepares the data once, or adapts a model to changed data.

    python -P -m tlbench.engine.auditor

Each adaptation has a process of its own, which is given one folder of prepared data: it holds nothing of what was there
before the change.
"""

from __future__ import annotations

import copy
import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

from tlbench.assets.folders import cache_folder
from tlbench.engine.planner import answer_one
from tlbench.errors import StageError, UsageError
from tlbench.planning.plan import Pairing
from tlbench.planning.supervised import Message

PREPARED, SOURCE, BUDGET = "prepared", "source", "budget.npy"
MODEL = "model.safetensors"
CONDITIONS = ("as it is", "again", "permuted", "replaced", "hidden")
"""What is changed for an adaptation; `hidden`: nothing of the prepared data, but no data folder is named."""


def main() -> None:
    """Answer one request."""
    steps = {"begin": begin, "adapt": adapted}
    answer_one(lambda message: steps[message["step"]](message))


def begin(message: Message) -> Message:
    """Prepare the data and the source model of a pairing, and write the changed data of each condition."""
    import numpy as np

    from tlbench.contract.task_data import Access
    from tlbench.engine.given import labelled_positions
    from tlbench.engine.job import job_of, packed
    from tlbench.engine.pipeline import STARTS, run_stages
    from tlbench.engine.planned import catalog_of, unpacked_request
    from tlbench.engine.prepared import TAUGHT, Prepared
    from tlbench.engine.store import Store
    from tlbench.engine.withheld import copied, counted, sizes_of, withheld, write_changed

    request, folder = unpacked_request(message["request"]), Path(message["folder"])
    catalog = catalog_of(request)
    pairing = _pairing(request, catalog)
    store = Store(root=request.settings.cache, notify=lambda event: None)
    try:
        done = run_stages(pairing, request.settings, store, STARTS)
    except StageError as error:
        raise UsageError(f'"{pairing.title}" cannot be audited: {error}') from error
    taught = done["teach"].folder if "teach" in done else None
    prepared, access = Prepared.read(done["prepare"].folder, taught), pairing.strategy.access
    budget = np.zeros(0, np.int64)
    if Access.TARGET_LABELS in access:
        budget = labelled_positions(pairing, prepared.split("target-train"), Access.TARGET_LABELS)
    hidden = withheld(access, sizes_of(prepared), budget)
    np.save(folder / BUDGET, budget)
    copied(done["source"].folder, folder / SOURCE)
    for place, how in enumerate(("permuted", "replaced")):
        write_changed(prepared, hidden, how, folder / how, pairing.seed + place)
    copied(prepared.folder, folder / PREPARED)
    if taught:  # Beside the data, as in the changed ones.
        shutil.copyfile(taught / TAUGHT, folder / PREPARED / TAUGHT)
    job = job_of(pairing, catalog, request.settings)
    return {"code": packed(pairing), "row": dict(job.fields), "withheld": counted(hidden)}


def _pairing(request: Any, catalog: Any) -> Pairing:
    """Return the pairing that is audited: that of the named task, or of the first one that fits the strategy."""
    from tlbench.planning.expand import make_plan

    (run,) = request.runs
    names = run.tasks or [task.name for task in catalog.tasks.values() if task.data_from == "package"]
    reason = "no task is installed"
    for name in names:
        plan = make_plan([dataclasses.replace(run, tasks=(name,))], catalog, request.settings)
        pairing = plan.pairings[0]
        if not pairing.skip:
            return pairing
        reason = f"{pairing.title}: {pairing.skip}"
    raise UsageError(f"There is nothing to audit: {reason}. Name another task with --task.")


def adapted(message: Message) -> Message:
    """Adapt the model of a pairing to the data of one condition; write its weights, and say which data was opened."""
    import numpy as np

    from tlbench.engine.adaptation import adapt_request, call, check_promises
    from tlbench.engine.given import parts_of_budget
    from tlbench.engine.job import unpacked
    from tlbench.engine.models import arithmetic, read_source
    from tlbench.engine.planned import catalog_of, unpacked_request
    from tlbench.engine.prepared import TAUGHT, Prepared
    from tlbench.engine.rules import chooser
    from tlbench.learning.model import save_weights

    request, folder = unpacked_request(message["request"]), Path(message["folder"])
    pairing = unpacked(message["code"], catalog_of(request))
    own = {path.resolve() for path in pairing.files.values()}
    if message["hidden"]:
        pairing = dataclasses.replace(pairing, data_root=None)
    place, settings = folder / PREPARED, request.settings
    prepared = Prepared.read(place, place if (place / TAUGHT).is_file() else None)
    start = read_source(pairing, prepared, settings.device, folder / SOURCE)
    parts = parts_of_budget(pairing, prepared, np.load(folder / BUDGET, allow_pickle=False))
    asked = adapt_request(pairing, prepared, start, parts, arithmetic(settings))
    before = copy.deepcopy(asked.model)
    choosing = chooser(pairing, prepared, parts, asked.model)
    watched = _Watch([place for place in (request.settings.data_root, cache_folder() / "prepare") if place], own)
    with watched:
        model = call(pairing.strategy, asked, choosing)
    check_promises(pairing.strategy, before, model)
    save_weights(model.eval(), folder / MODEL)
    return {"opened": sorted(watched.opened)[:20]}


class _Watch:
    """Notes the files below some folders that Python opens while it is entered: data that nobody handed over."""

    def __init__(self, folders: list[Path], without: set[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._without, self._active = without, False
        self.opened: set[str] = set()
        sys.addaudithook(self._hook)

    def __enter__(self) -> None:
        self._active = True

    def __exit__(self, *_: object) -> None:
        self._active = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event != "open" or not isinstance(arguments[0], str | bytes):
            return
        self._active = False  # Resolving a path may open others.
        try:
            path = Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]).resolve()
            if path not in self._without and any(path.is_relative_to(folder) for folder in self._folders):
                self.opened.add(path.name)
        finally:
            self._active = True


if __name__ == "__main__":
    main()
