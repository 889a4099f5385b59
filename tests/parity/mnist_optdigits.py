"""tlbench beside a plain re-implementation: MNIST -> optdigits, the strategies that the two have in common.

    python tests/parity/mnist_optdigits.py [--seeds 20] [--quick] [--board FOLDER]

tlbench runs as `tlbench.run` does for anybody, with the defaults of the task. The other side is `plain.py`: plain
PyTorch that shares no code with tlbench, and takes of its results nothing but the options of each training. Seeds draw
their own label budget, weights and batches on each side, so that the two samples are independent: their difference has
Welch's interval. The files are read from TLBENCH_DATA/digits. Twenty seeds take a quarter of an hour on one idle core.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plain
import plain_data
import torch
from plain import Recipe
from scipy import stats
from tabulate import tabulate

TASK = "vision/mnist-optdigits"
STRATEGIES = ("frozen", "finetune", "scratch", "dann", "cdan", "adabn", "all-labels", "source-only")
LEVEL = 0.05


def name_of(row: Any) -> str:
    """Return the name that a strategy has here: tlbench has one for both forms of adversarial adaptation."""
    if row.strategy != "adversarial":
        return row.strategy
    return "cdan" if row.strategy_options["conditional"] else "dann"


def run_tlbench(seeds: int, quick: bool, board: Path) -> Sequence[Any]:
    """Return the rows of tlbench, each strategy with its defaults; `adversarial` in both its forms, the last model."""
    import tlbench

    common = {"seeds": list(range(seeds)), "quick": quick, "board": board, "engine": "inline", "device": "cpu"}
    named = tlbench.run(
        TASK,
        strategies=["frozen", "finetune", "adabn", "adversarial"],
        references=["source-only", "scratch", "all-labels"],
        select="last",  # What the plain side returns; which of several models is taken has tests of its own.
        **common,
    )
    other = next(not row.strategy_options["conditional"] for row in named if row.strategy == "adversarial")
    form = {"adversarial.conditional": other}
    rows = [
        *named,
        *tlbench.run(TASK, strategies="adversarial", references="none", select="last", options=form, **common),
    ]
    if wrong := [f"{row.strategy}, seed {row.seed}: {row.reason}" for row in rows if row.status != "ok"]:
        raise SystemExit("Runs without a score:\n" + "\n".join(wrong))
    return rows


def recipes_of(rows: Sequence[Any]) -> dict[str, Recipe]:
    """Return the options that tlbench trained with, by strategy, and those of the source model."""
    wanted = Recipe.__dataclass_fields__
    options = {"source": rows[0].source_options, **{name_of(row): row.strategy_options for row in rows}}
    return {
        name: Recipe(**{key: value for key, value in of.items() if key in wanted})
        for name, of in options.items()
        if "steps" in of
    }


def run_plain(seeds: int, label_budget: int, recipes: Mapping[str, Recipe]) -> dict[str, list[float]]:
    data = plain_data.read(Path(os.environ["TLBENCH_DATA"]) / "digits")
    found = defaultdict(list)
    for seed in range(seeds):
        for name, score in plain.scores(data, seed, label_budget, recipes).items():
            found[name].append(score)
    return found


def compared(name: str, ours: Sequence[float], theirs: Sequence[float], comparisons: int) -> dict[str, Any]:
    """Return a line of the table: Welch's interval of the difference, and what it says.

    One of twenty intervals misses 0 by chance. So a difference is one only if it is significant at the level over all
    comparisons together (Bonferroni); an interval that misses 0 otherwise is called borderline.
    """
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    low, high = test.confidence_interval(1 - LEVEL)
    verdict = "no" if test.pvalue < LEVEL / comparisons else "borderline" if not low <= 0 <= high else "yes"
    return {
        "strategy": name,
        **{
            side: f"{np.mean(of):.4f} ± {np.std(of, ddof=1):.4f}" for side, of in (("tlbench", ours), ("plain", theirs))
        },
        "difference": f"{np.mean(ours) - np.mean(theirs):+.4f}",
        "95 % interval": f"{low:+.4f} to {high:+.4f}",
        "p": f"{test.pvalue:.2f}",
        "within noise": verdict,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="a quarter of the training steps, on both sides")
    parser.add_argument("--board", type=Path, help="where results of tlbench are kept (default: nowhere)")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error(f"--seeds {arguments.seeds}: a spread takes at least 2")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        rows = run_tlbench(arguments.seeds, arguments.quick, arguments.board or Path(folder))
        took = time.process_time() - started
    ours = defaultdict(list)
    for row in rows:
        ours[name_of(row)].append(row.score)
    recipes = recipes_of(rows)
    started = time.process_time()
    theirs = run_plain(arguments.seeds, rows[0].label_budget, recipes)
    lines = [compared(name, ours[name], theirs[name], len(STRATEGIES)) for name in STRATEGIES]
    print(tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True))
    steps = ", ".join(f"{name} {recipe.steps}" for name, recipe in recipes.items())
    print(f"\n{arguments.seeds} seeds; label budget {rows[0].label_budget}; steps: {steps}")
    print(f"CPU seconds: tlbench {took:.0f}, plain {time.process_time() - started:.0f}")
    # Where the spread is largest.
    worst = max(np.std(side[name], ddof=1) for side in (ours, theirs) for name in STRATEGIES)
    print(f"Smallest difference that this many seeds find in 80 of 100 cases: {detectable(worst, arguments.seeds):.3f}")


def detectable(deviation: float, seeds: int) -> float:
    """Return the difference of two means of `seeds` values that a test finds with a power of 80 %, at most."""
    return (stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(0.8)) * deviation * math.sqrt(2 / seeds)


if __name__ == "__main__":
    main()
