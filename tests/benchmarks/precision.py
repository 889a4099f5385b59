"""Scores of training in bf16 beside fp32, five seeds for each modality, and what training costs.

    python tests/benchmarks/precision.py [--whole] [TASK ...]

Source model and fine-tuning are trained in the precision; scores are those of the fp32 model before export. With a
quarter of the steps, unless the training is to be `--whole`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from tlbench.contract.events import Event
from tlbench.engine.contents import row_part
from tlbench.engine.pipeline import SCORED, run_stages
from tlbench.engine.store import Store
from tlbench.planning.catalog import Catalog, load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.plan import Pairing
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings

TASKS = (
    "vision/digits",
    "nlp/reviews",
    "speech/commands-accents",
    "robotics/joint-load",
    "robotics/payload",
    "anomaly/flows",
)
SEEDS = range(5)
TRAINED = ("source", "adapt")
NEEDED = tuple(stage for stage in SCORED if stage.name in ("prepare", "source", "features", "adapt", "score"))


def measured(pairing: Pairing, settings: Settings) -> tuple[float, float]:
    """Return the score of a pairing, and the CPU seconds of its training."""
    seconds = []

    def note(event: Event) -> None:
        if event.name == "stage-finished" and event.stage in TRAINED:
            seconds.append(event.seconds)

    done = run_stages(pairing, settings, Store(root=settings.cache, notify=note), NEEDED)
    return float(row_part(done["score"].folder)["eager_score"]), sum(seconds)


def line(task: str, catalog: Catalog, folder: Path, quick: bool) -> dict[str, str]:
    """Return a line of the table."""
    found: dict[str, list[tuple[float, float]]] = {}
    for precision in ("fp32", "bf16"):
        settings = Settings(cache=folder / "cache", board=folder / "board", data_root=None, precision=precision)
        request = RunRequest(tasks=[task], strategies=["finetune"], seeds=tuple(SEEDS), quick=quick)
        pairings = [one for one in make_plan([request], catalog, settings).pairings if one.strategy.name == "finetune"]
        found[precision] = [measured(pairing, settings) for pairing in pairings]
    scores = {name: [score for score, _ in pairs] for name, pairs in found.items()}
    differences = [half - full for full, half in zip(scores["fp32"], scores["bf16"], strict=True)]
    cost = {name: sum(seconds for _, seconds in pairs) for name, pairs in found.items()}
    return {
        "task": task,
        "metric": catalog.tasks[task].metric,
        **{name: _spread(values) for name, values in scores.items()},
        "bf16 - fp32": _spread(differences, sign="+"),
        "CPU s": f"{cost['bf16']:.1f} / {cost['fp32']:.1f}",
    }


def _spread(values: Sequence[float], sign: str = "") -> str:
    return f"{statistics.fmean(values):{sign}.3f} ± {statistics.stdev(values):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK")
    parser.add_argument("--whole", action="store_true", help="train for all steps")
    words = parser.parse_args()
    catalog = load_catalog()
    with tempfile.TemporaryDirectory() as folder:
        lines = [line(task, catalog, Path(folder), quick=not words.whole) for task in words.tasks or TASKS]
    print(tabulate(lines, headers="keys", tablefmt="github"))


if __name__ == "__main__":
    main()
