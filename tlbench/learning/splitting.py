"""Which labelled examples are drawn as the label budget, and which of them are set aside for validation."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array


def hold_out(strata: Array, groups: Array | None, share: float, generator: np.random.Generator) -> Array:
    """Return the positions of about `share` of the examples, in order: each stratum in proportion, each group whole.

    `strata` and `groups` have a value `(N,)` for each example; without groups, each example is one. The stratum of a
    group is its most frequent one. Of a stratum with several groups at least one is held out and one is not, of a
    stratum with a single group none. If that leaves nothing, the strata do not count. Empty for a single group.
    """
    names, place = np.unique(np.arange(len(strata)) if groups is None else groups, return_inverse=True)
    _, stratum = np.unique(strata, return_inverse=True)
    # `(groups, strata)`: how many examples of each.
    table = np.zeros((len(names), stratum.max(initial=-1) + 1), np.int64)
    np.add.at(table, (place, stratum), 1)
    sizes, of_group = table.sum(1), table.argmax(1)
    held = [_some(np.flatnonzero(of_group == one), sizes, share, generator) for one in range(table.shape[1])]
    chosen = np.concatenate([*held, np.zeros(0, np.int64)])
    if not len(chosen):
        chosen = _some(np.arange(len(names)), sizes, share, generator)
    return np.flatnonzero(np.isin(place, chosen))


def _some(groups: Array, sizes: Array, share: float, generator: np.random.Generator) -> Array:
    """Return groups of one stratum that hold about `share` of its examples: neither none of them nor all."""
    if len(groups) < 2:
        return groups[:0]
    wanted, taken, chosen = share * sizes[groups].sum(), 0, list[int]()
    for group in generator.permutation(groups).tolist():
        # A group that is much larger than the share would be nearly all that there is.
        nearer = abs(taken + sizes[group] - wanted) < abs(taken - wanted)
        if nearer and len(chosen) < len(groups) - 1:
            taken += sizes[group]
            chosen.append(group)
    return np.array(chosen or [groups[sizes[groups].argmin()]])


def draw_budget(strata: Array, budget: int, generator: np.random.Generator) -> Array:
    """Return the indices of `budget` examples in random order, each stratum in proportion and none left out.

    Quotas are rounded by largest remainder, after one example for each stratum; ties go to the smaller stratum.
    """
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    budget = min(budget, len(strata))
    # Fewer labels than classes: which classes are left out is left to chance.
    if budget < len(groups):
        return np.sort(generator.choice(len(strata), budget, replace=False))
    exact = np.array([len(group) * budget / len(strata) for group in groups])
    quotas = np.maximum(1, np.floor(exact)).astype(int)
    # Rounding, and one for each stratum, may come to more or to less than the budget.
    while quotas.sum() != budget:
        step = 1 if quotas.sum() < budget else -1
        room = quotas < [len(group) for group in groups] if step > 0 else quotas > 1
        gap = np.where(room, step * (exact - quotas), -np.inf)
        quotas[int(np.argmax(gap))] += step
    drawn = [generator.choice(group, quota, replace=False) for group, quota in zip(groups, quotas, strict=True)]
    return generator.permutation(np.concatenate(drawn))


def draw_per_class(strata: Array, size: int, generator: np.random.Generator) -> Array:
    """Return the indices of `size` examples of each stratum, or of all it has, in random order."""
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    drawn = [generator.choice(group, min(size, len(group)), replace=False) for group in groups]
    return generator.permutation(np.concatenate(drawn))
