"""Events -> a folder of TensorBoard files for each pairing; results from the cache are not written again."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import Event

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

SCORES = ("score", "eager_score", "transfer_gain", "gap_closed", "forgetting_head", "forgetting_probe", "p50_ms")
OPTIONS = ("task_options", "backbone_options", "source_options", "strategy_options")


@functools.cache
def tracker(folder: str) -> Tracker:
    """Return this process's tracker of a folder."""
    return Tracker(Path(folder).expanduser())


class Tracker:
    """Writes the losses of each pairing that is computed while it runs, and its scores once they are known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, str] = {}
        """Pairing that runs -> its folder's name."""
        self._writers: dict[str, SummaryWriter] = {}

    def note(self, event: Event) -> None:
        """Write what an event says, to the disk: a run may be killed at any time."""
        if event.name == "pairing-started":
            self._names[event.pairing] = _folder_name(event.pairing, event.values["key"])
        elif event.name == "step":
            writer = self._writer(event.pairing)
            writer.add_scalar(f"loss/{event.stage}", event.values["loss"], event.done)
            writer.flush()
        elif event.name == "stage-finished" and event.pairing in self._names and not event.cached:
            writer = self._writer(event.pairing)
            writer.add_scalar(f"cpu_seconds/{event.stage}", event.seconds)
            writer.flush()
        elif event.name == "pairing-finished":
            self._names.pop(event.pairing, None)
        elif event.name == "row-written":
            self._write_row(event.values["row"])

    def _writer(self, pairing: str) -> SummaryWriter:
        name = self._names[pairing]
        if name not in self._writers:
            from tensorboardX import SummaryWriter

            self._writers[name] = SummaryWriter(str(self._folder / name))
        return self._writers[name]

    def _write_row(self, row: Any) -> None:
        """Write a row's scores beside its options, and close its files."""
        writer = self._writers.pop(
            _folder_name(f"{row.task} {row.backbone} {row.strategy} seed {row.seed}", row.key), None
        )
        if writer is None:
            return
        if row.status == "ok":
            options = {
                f"{name.partition('_')[0]}.{option}": value
                for name in OPTIONS
                for option, value in getattr(row, name).items()
            }
            asked = {name: getattr(row, name) for name in ("task", "backbone", "strategy", "seed", "label_budget")}
            scores = {name: float(getattr(row, name)) for name in SCORES if getattr(row, name) is not None}
            writer.add_hparams({**asked, **options}, {**scores, "cpu_seconds": sum(row.seconds.values())}, name=".")
        writer.close()


def _folder_name(pairing: str, key: str) -> str:
    """Return a name that leads nowhere else: letters, digits, dots and dashes."""
    return re.sub(r"[^\w.-]+", "-", f"{pairing}-{key}").strip(".-")
