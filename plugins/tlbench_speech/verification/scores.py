"""Error rates of pairs of clips: false acceptances and false rejections at every threshold.

A pair of different speakers is falsely accepted if its similarity is the threshold or above, one of the same speaker is
falsely rejected below it. The equal error rate is where both rates are equal, on the straight line between the two
neighbouring thresholds: the point of the ROC curve at which its height is 1 - its distance from the left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tlbench import Array
from tlbench.learning import Metric, PartlyDefined, Predictions, Targets, Weighted

MOST_PAIRS = 100_000
"""Pairs that are compared at the most, if no list names them; if there are more, up to half as many of each sort."""
BLOCK = 2**12
"""Pairs whose similarity is computed at once."""


class Pairs(NamedTuple):
    """Pairs of examples, each once; no clip is compared with itself."""

    first: Array
    """`(P,)` int64: positions of examples."""
    second: Array
    """`(P,)` int64: those that they are compared with."""
    same: Array
    """`(P,)` bool: whether both are of one speaker."""


def verification_metrics() -> Mapping[str, Metric]:
    """Return the scores of embeddings by the similarities of pairs.

    `equal-accuracy` is 1 - `eer`, so that more is better. Without pairs of both sorts all are undefined: one half.
    """
    return {
        "equal-accuracy": _metric(lambda wrong, right: 1 - equal_error_rate(wrong, right)),
        "eer": _metric(equal_error_rate),
        "auroc": _metric(lambda wrong, right: float(np.trapezoid(right, wrong))),
    }


def equal_error_rate(accepted: Array, found: Array) -> float:
    """Return the rate of errors at which false acceptances and false rejections are equal.

    `accepted` and `found` `(T,)` are the shares of pairs of different speakers and of pairs of the same that a
    threshold accepts, from 0, which accepts none, to 1, which accepts all: a ROC curve.
    """
    total = accepted + found  # 1 where 1 - found = accepted
    after = int(np.searchsorted(total, 1.0, side="left"))
    low, high = total[after - 1], total[after]
    part = (1.0 - low) / (high - low)
    return float(accepted[after - 1] + part * (accepted[after] - accepted[after - 1]))


def _metric(score: Callable[[Array, Array], float]) -> Metric:
    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        pairs = pairs_of(targets)
        values = similarities(predictions.values, pairs)
        order = np.argsort(-values, kind="stable")
        first, second, same = pairs.first[order], pairs.second[order], pairs.same[order]
        # Pairs of one similarity have no order among each other: a threshold takes all of them or none.
        last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1) if len(values) else first

        def shares(weights: Array) -> tuple[Array, Array]:
            of_pairs = weights[first] * weights[second]
            sums = [np.cumsum(np.where(chosen, of_pairs, 0.0)) for chosen in (~same, same)]
            wrong, right = (np.concatenate([[0.0], one[last]]) for one in sums)
            return wrong, right

        def defined(weights: Array) -> bool:
            wrong, right = shares(weights)
            return bool(wrong[-1] > 0 and right[-1] > 0)

        def weighted(weights: Array) -> float:
            wrong, right = shares(weights)
            if not (wrong[-1] > 0 and right[-1] > 0):
                return 0.5
            return score(wrong / wrong[-1], right / right[-1])

        return PartlyDefined(weighted, defined, by_targets=True)

    return metric


def similarities(embeddings: Array, pairs: Pairs) -> Array:
    """Return the cosine `(P,)` of the embeddings `(N, D)`, of length 1, of each pair, float64.

    Sums are rounded to 12 digits, so that pairs of equal embeddings are equally similar in any order of the sum.
    """
    parts = [
        np.einsum("ij,ij->i", *(embeddings[side[start : start + BLOCK]].astype(np.float64) for side in pairs[:2]))
        for start in range(0, len(pairs.first), BLOCK)
    ]
    return np.concatenate([np.zeros(0), *parts]).round(12)


def pairs_of(targets: Targets) -> Pairs:
    """Return the pairs that references list, else all pairs of examples.

    If these are more than about `MOST_PAIRS`, up to 50,000 pairs of each sort are compared: of one speaker, evenly
    thinned, and of different ones, drawn so that each clip is in as many.

    A reference is `[NAME, null]`, or `[NAME, OTHERS]` with the names of the clips that this one is compared with.
    Targets `(N,)` are the numbers of speakers. Without references each example has a name of its own.
    """
    speakers = targets.values
    names = [str(reference[0]) for reference in targets.references] or [str(place) for place in range(len(speakers))]
    listed = [reference[1] for reference in targets.references]
    if any(others is not None for others in listed):
        first, second = _listed(names, listed)
    else:
        first, second = _all_pairs(speakers) if len(speakers) ** 2 < 2 * MOST_PAIRS else _some_pairs(speakers)
        _, clip = np.unique(names, return_inverse=True)
        # A clip that is there twice, as in a repeated test set, is no pair with itself.
        kept = clip[first] != clip[second]
        first, second = first[kept], second[kept]
    return Pairs(first, second, speakers[first] == speakers[second])


def _listed(names: Sequence[str], listed: Sequence[Sequence[str] | None]) -> tuple[Array, Array]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    found = [
        (place, partner)
        for place, others in enumerate(listed)
        for other in others or ()
        for partner in places.get(other, ())
    ]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _all_pairs(speakers: Array) -> tuple[Array, Array]:
    first, second = np.triu_indices(len(speakers), 1)
    return first, second


def _some_pairs(speakers: Array) -> tuple[Array, Array]:
    """Return pairs of many clips: those of the same speaker, thinned evenly, and as many drawn of different ones."""
    order = np.argsort(speakers, kind="stable")
    clips = np.unique(speakers, return_counts=True)[1].astype(np.int64)
    pairs = clips * (clips - 1) // 2
    ends = np.cumsum(pairs)
    chosen = np.linspace(0, ends[-1] - 1, min(ends[-1], MOST_PAIRS // 2)).astype(np.int64)
    speaker = np.searchsorted(ends, chosen, side="right")
    alike = order[
        (np.cumsum(clips) - clips)[speaker] + numbered_pairs(chosen - (ends - pairs)[speaker], clips[speaker])
    ]
    # Neighbours in a mixed circle: each clip is compared with as many others.
    circle = np.random.default_rng(0).permutation(len(speakers))
    steps = range(1, max(2, MOST_PAIRS // 2 // len(speakers) + 1))
    other = np.concatenate([np.stack([circle, np.roll(circle, -step)]) for step in steps], axis=1)
    other = other[:, speakers[other[0]] != speakers[other[1]]][:, : MOST_PAIRS // 2]
    return np.concatenate([alike[0], other[0]]), np.concatenate([alike[1], other[1]])


def numbered_pairs(numbers: Array, sizes: Array) -> Array:
    """Return `(2, P)` int64: of each number `(P,)` the pair that it has among all pairs of `sizes` `(P,)` things.

    Pairs are in the order of `np.triu_indices(size, 1)`, but no array of all of them is made.
    """
    behind = sizes * (sizes - 1) // 2 - 1 - numbers  # pairs that follow; the last row has 1 pair, the one above 2, ...
    rows = ((np.sqrt(8 * behind + 1) - 1) // 2).astype(np.int64)
    first = sizes - 2 - rows
    second = sizes - 1 - (behind - rows * (rows + 1) // 2)
    return np.stack([first, second])
