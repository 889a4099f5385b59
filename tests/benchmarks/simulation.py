"""What intervals and differences are worth: simulated models whose errors are correlated over the test examples.

    python tests/benchmarks/simulation.py [--repetitions 200] [--examples 400] [--only differences|intervals]

Prints how often two strategies with five seeds are found to differ, and how often intervals hold the true score: as
boards say it, and as they said it when test intervals were percentiles of 200 draws, added as if independent.
docs/statistics.md has both tables.
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tabulate import tabulate

from tlbench.leaderboard.ranks import Difference, deviation
from tlbench.learning import metrics
from tlbench.learning.metrics.intervals import Resampled, score_interval
from tlbench.learning.metrics.metric import Metric, Weighted, scores_of
from tlbench.learning.targets import Predictions, Targets
from tlbench.results.draws import half_width_of_difference

SHARED, OWN = 0.6, 0.2
"""Parts of the variance of what makes an example hard: for all models; for all seeds of a strategy. The rest is of a
single model."""
SEED_SD = 0.05
"""How far the quality of single seeds lies apart, in standard deviations of that."""
SEEDS, BASE, GAP = 5, 0.75, 0.05
EARLIER = 200
"""Draws of which intervals were made before."""
MANY = 50_000
"""Examples that stand for all there are."""
Test = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A score, examples at random, and what a model of some quality makes of them."""

    metric: Metric
    examples: Callable[[np.random.Generator, int], Test]
    predict: Callable[[Test, float, np.ndarray], Predictions]
    grouped: bool = False

    def weighted(self, test: Test, quality: float, noise: np.ndarray) -> Weighted:
        return self.metric(self.predict(test, quality, noise), test["targets"])

    @functools.cache  # noqa: B019 - cases live as long as the script
    def quality(self, score: float) -> float:
        """Return the quality of models whose score over all there are is this one."""
        random = np.random.default_rng(1)
        test, noise, low, high = self.examples(random, MANY), random.normal(size=MANY), -8.0, 12.0
        for _ in range(25):
            middle = (low + high) / 2
            found = self.weighted(test, middle, noise)(np.ones(MANY))
            low, high = (middle, high) if found < score else (low, middle)
        return middle


def labelled(random, size):
    labels = random.choice(4, size, p=[0.4, 0.3, 0.2, 0.1])
    return {"targets": Targets.of(labels), "wrong": (labels + random.integers(1, 4, size)) % 4}


def decide(test, quality, noise):
    labels = np.where(quality + noise > 0, test["targets"].values, test["wrong"])
    return Predictions.of(np.eye(4)[labels], test["targets"].counts)


def rare(random, size):
    return {"targets": Targets.of((random.random(size) < 0.2).astype(int))}


def rank(test, quality, noise):
    high = 1 / (1 + np.exp(-quality * test["targets"].values - noise))
    return Predictions.of(np.stack([1 - high, high], 1), test["targets"].counts)


def numbers(random, size):
    return {"targets": Targets(random.normal(size=(size, 1)), np.ones(size, np.int64))}


def estimate(test, quality, noise):
    return Predictions.of(test["targets"].values + math.exp(-quality) * noise[:, None], test["targets"].counts)


def masks(random, size, pixels=64):
    covered = random.integers(5, 25, size)
    maps = (np.arange(pixels) < covered[:, None]).astype(np.int64)
    return {"targets": Targets(maps.ravel(), np.full(size, pixels)), "covered": covered[:, None]}


def cover(test, quality, noise):
    """As many pixels are taken for the object as it has: often most of them right, seldom most of them beside it."""
    covered, counts = test["covered"], test["targets"].counts
    missed = covered - np.rint(covered / (1 + np.exp(-3 * (quality + noise[:, None]))))
    place = np.arange(counts[0])
    return Predictions.of(((place >= missed) & (place < covered + missed)).astype(np.int64).ravel(), counts)


CASES = {
    "accuracy": Case(metrics.accuracy, labelled, decide),
    "macro-F1": Case(metrics.macro_f1, labelled, decide),
    "average precision": Case(metrics.average_precision, rare, rank),
    "R2": Case(metrics.r2, numbers, estimate),
    "Dice": Case(metrics.pixel_metrics(2)["dice"], masks, cover),
    "accuracy, groups of 5": Case(metrics.accuracy, labelled, decide, grouped=True),
}


@functools.cache
def weights_of(size: int, groups: int | None = None) -> tuple[Resampled, list[np.ndarray]]:
    """Return units and the weights of their draws, which are those of every test set of that size."""
    units = Resampled.examples(size) if groups is None else Resampled.groups(np.arange(size) * groups // size)
    return units, list(units.draws())


def draws_of(weighted: Weighted, size: int, groups: int | None = None) -> np.ndarray:
    return np.concatenate([scores_of(weighted, weights) for weights in weights_of(size, groups)[1]])


def found(case: Case, size: int, gap: float, random: np.random.Generator) -> tuple[bool, bool]:
    """Return whether two strategies are found to differ: before, and now."""
    test, shared = case.examples(random, size), math.sqrt(SHARED) * random.normal(size=size)
    scores, draws = [], []
    for score in (BASE + gap, BASE):
        own = shared + math.sqrt(OWN) * random.normal(size=size)
        models = [
            case.weighted(
                test,
                case.quality(score) + SEED_SD * random.normal(),
                own + math.sqrt(1 - SHARED - OWN) * random.normal(size=size),
            )
            for _ in range(SEEDS)
        ]
        scores.append([model(np.ones(size)) for model in models])
        draws.append([draws_of(model, size) for model in models])
    gaps = np.subtract(*scores).tolist()
    mean = math.fsum(gaps) / SEEDS
    ends = np.nanquantile(np.array(draws)[:, :, :EARLIER], [0.025, 0.975], axis=2).mean(2)
    errors = math.hypot(*(ends[1] - ends[0]) / 2), half_width_of_difference(list(zip(*draws, strict=True)))
    before, now = (Difference(mean, deviation(gaps, mean), error or math.inf, SEEDS).decided for error in errors)
    return before, now


def differences(repetitions: int, size: int) -> Iterator[dict[str, Any]]:
    """Yield for each score how often two strategies are found to differ."""
    for name, case in CASES.items():
        if not case.grouped:
            line: dict[str, Any] = {"score": name}
            for what, gap in (("false", 0.0), ("true", GAP)):
                random = np.random.default_rng(2)
                shares = np.mean([found(case, size, gap, random) for _ in range(repetitions)], axis=0)
                line |= {f"{what}, before": shares[0], f"{what}, now": shares[1]}
            yield line


def coverage(case: Case, size: int, score: float, repetitions: int) -> tuple[float, float, float]:
    """Return how often the true score is in its interval: before, and now; and how often it had no width before."""
    random, hits, points = np.random.default_rng(3), np.zeros(2), 0
    groups = size // 5 if case.grouped else None
    units, _ = weights_of(size, groups)
    for _ in range(repetitions):
        noise = random.normal(size=size)
        if case.grouped:
            noise = math.sqrt(0.5) * (noise + random.normal(size=units.size)[units.place])
        weighted = case.weighted(case.examples(random, size), case.quality(score), noise)
        value, draws = weighted(np.ones(size)), draws_of(weighted, size, groups)
        known = draws[:EARLIER][~np.isnan(draws[:EARLIER])]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (value, value)
        low, high = min(low, value), max(high, value)
        interval = score_interval(weighted, units, value, draws)
        hits += [low <= score <= high, interval.low <= score <= interval.high]
        points += low == high
    return *(hits / repetitions).tolist(), points / repetitions


def intervals(repetitions: int) -> Iterator[dict[str, Any]]:
    """Yield the coverage of the interval of each score."""
    for name, case in CASES.items():
        for size in (20, 50, 112, 400):
            line: dict[str, Any] = {"score": name, "examples": size}
            for score in (0.5, 0.9, 0.99):
                before, now, points = coverage(case, size, score, repetitions)
                line |= {f"{score}, before": before, f"{score}, point": points, f"{score}, now": now}
            yield line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--only", choices=("differences", "intervals"))
    options = parser.parse_args()
    if options.only != "intervals":
        print(f"Differences found, true ones of {GAP}; {options.examples} examples, {SEEDS} seeds.")
        lines = list(differences(options.repetitions, options.examples))
        print(tabulate(lines, headers="keys", tablefmt="github", floatfmt=".3f"))
    if options.only != "differences":
        print("Coverage of 95 % intervals, by true score.")
        print(tabulate(list(intervals(options.repetitions)), headers="keys", tablefmt="github", floatfmt=".3f"))


if __name__ == "__main__":
    main()
