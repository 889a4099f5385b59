"""Decision trees over rows: gradient boosting (Friedman 2001), and isolation forests (Liu et al. 2008)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array
from tlbench.learning import Encoder

TREES = 100
DEPTH, ISOLATION_DEPTH = 3, 8
RATE = 0.1
"""Weight of each tree of a boosted model."""
BOOSTING: Mapping[str, Any] = MappingProxyType(
    {"n_estimators": TREES, "max_depth": DEPTH, "learning_rate": RATE, "random_state": 0}
)
"""Arguments of scikit-learn's models: its defaults, on which the form of `Trees` depends."""
SAMPLES = 2**ISOLATION_DEPTH
"""Rows that each tree of an isolation forest sees at the most."""
EULER = 0.5772156649


class Rows(Encoder):
    """Rows `(N, F)` -> the same, as features."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.feature_dim = columns

    def forward(self, rows: Tensor) -> Tensor:
        return rows.float()


class Trees(nn.Module):
    """Rows `(N, F)` -> outputs `(N, C)`: sums of the leaves of decision trees, and a bias.

    Trees are complete: behind node i are 2 i + 1 and 2 i + 2. A leaf above the last level stands there as nodes from
    which every row goes left.
    """

    feature: Tensor
    threshold: Tensor

    def __init__(self, outputs: int, isolating: bool) -> None:
        super().__init__()
        self.isolating, self.depth = isolating, ISOLATION_DEPTH if isolating else DEPTH
        nodes = outputs, TREES, 2**self.depth - 1
        self.register_buffer("feature", torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.full(nodes, torch.inf))
        self.leaf = nn.Parameter(torch.zeros(outputs, TREES, 2**self.depth))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, rows: Tensor) -> Tensor:
        outputs, trees, nodes = self.feature.shape
        each = torch.arange(outputs * trees, device=rows.device)
        place = torch.zeros_like(rows[:, :1], dtype=torch.int64) + torch.zeros_like(each)
        for _ in range(self.depth):
            node = each * nodes + place
            right = rows.gather(1, self.feature.flatten()[node]) > self.threshold.flatten()[node]
            place = 2 * place + 1 + right.long()
        leaves = self.leaf.flatten()[each * (nodes + 1) + place - nodes]
        return leaves.view(-1, outputs, trees).sum(2) + self.bias


def fit_trees(head: nn.Module, rows: Array, targets: Array) -> None:
    """Fit trees to rows `(M, F)` and labels `(M,)`, `(M, L)` 0/1, or numbers `(M, C)`; or to normal rows alone."""
    assert isinstance(head, Trees)
    if head.isolating:
        isolate(head, rows)
    elif targets.dtype.kind == "f":
        boost_numbers(head, rows, targets)
    elif targets.ndim == 2:
        for output, column in enumerate(targets.T):
            boost_label(head, output, rows, column)
    else:
        boost_classes(head, rows, targets)


def boost_classes(head: Trees, rows: Array, targets: Array) -> None:
    """Fit labels that exclude each other: trees start from the frequencies; one without an example has 1 of M + C."""
    seen, counts = np.unique(targets, return_counts=True)
    bias = np.full(len(head.bias), -np.log(len(targets) + len(head.bias)))
    bias[seen] = np.log(counts / counts.sum())
    _set_bias(head, bias)
    if len(seen) == 1:
        return
    stages = _boosted_classifier().fit(rows, targets).estimators_
    for column, output in enumerate(seen if len(seen) > 2 else seen[1:]):  # Of two classes, the log-odds of the second.
        _write_stages(head, int(output), stages[:, column])


def boost_label(head: Trees, output: int, rows: Array, column: Array) -> None:
    """Fit the log-odds of one label, which an example has (1) or has not (0)."""
    share = (column.sum() + 1) / (len(column) + 2)
    if 0 < column.sum() < len(column):
        share = column.mean()
        stages = _boosted_classifier().fit(rows, column).estimators_
        _write_stages(head, output, stages[:, 0])
    with torch.no_grad():
        head.bias[output] = float(np.log(share / (1 - share)))


def boost_numbers(head: Trees, rows: Array, targets: Array) -> None:
    """Fit each number for itself, in units of its spread."""
    from sklearn.ensemble import GradientBoostingRegressor

    mean, spread = targets.mean(0, dtype=np.float64), targets.std(0, dtype=np.float64)
    _set_bias(head, mean)
    for output in np.flatnonzero(spread > 0):
        model = GradientBoostingRegressor(**BOOSTING)
        model.fit(rows, (targets[:, output] - mean[output]) / spread[output])
        _write_stages(head, int(output), model.estimators_[:, 0], float(spread[output]))


def isolate(head: Trees, rows: Array) -> None:
    """Fit an isolation forest: the second output is larger for rows that fewer splits keep apart from others."""
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(n_estimators=TREES, max_samples=min(SAMPLES, len(rows)), random_state=0).fit(rows)
    usual = float(mean_path(np.array([model.max_samples_]))[0]) or 1.0
    trees = [estimator.tree_ for estimator in model.estimators_]
    paths = [_depths(tree) + mean_path(tree.n_node_samples) for tree in trees]
    write(head, 1, trees, [-path / (TREES * usual) for path in paths])


def mean_path(counts: Array) -> Array:
    """Return the mean depth at which a random tree has each of so many rows alone (Liu et al. 2008, equation 1)."""
    many = np.maximum(counts, 3)
    path = 2 * (np.log(many - 1) + EULER) - 2 * (many - 1) / many
    return np.select([counts <= 1, counts == 2], [0.0, 1.0], path)


def write(head: Trees, output: int, trees: Sequence[Any], values: Sequence[Array]) -> None:
    """Write trees of scikit-learn as those of an output, with a value for each of their nodes."""
    parts = [complete(tree, of, head.depth) for tree, of in zip(trees, values, strict=True)]
    with torch.no_grad():
        for part, arrays in zip((head.feature, head.threshold, head.leaf), zip(*parts, strict=True), strict=True):
            part[output] = torch.from_numpy(np.stack(arrays))


def complete(tree: Any, values: Array, depth: int) -> tuple[Array, Array, Array]:
    """Return features and thresholds of the inner nodes, and values of the leaves, of a tree made complete."""
    inner = 2**depth - 1
    feature, threshold = np.zeros(inner, np.int64), np.full(inner, np.inf, np.float32)
    leaf = np.zeros(inner + 1, np.float32)
    waiting = [(0, 0)]  # (node of scikit-learn, place in the complete tree)
    while waiting:
        node, place = waiting.pop()
        if tree.children_left[node] < 0:
            while place < inner:
                place = 2 * place + 1
            leaf[place - inner] = values[node]
            continue
        feature[place], threshold[place] = tree.feature[node], _below(tree.threshold[node])
        waiting += [(tree.children_left[node], 2 * place + 1), (tree.children_right[node], 2 * place + 2)]
    return feature, threshold, leaf


def _write_stages(head: Trees, output: int, stages: Array, scale: float = 1.0) -> None:
    """Write a boosted model's trees `(TREES,)`, their leaves times the learning rate and a scale."""
    trees = [stage.tree_ for stage in stages]
    write(head, output, trees, [tree.value[:, 0, 0] * RATE * scale for tree in trees])


def _below(threshold: float) -> np.float32:
    """Return the largest float32 that is not above a threshold: float32 rows are on the same side of both."""
    near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))


def _depths(tree: Any) -> Array:
    """Return how many splits are above each node."""
    depths = np.zeros(tree.node_count)
    for node in range(tree.node_count):  # Parents come before their children.
        if tree.children_left[node] >= 0:
            depths[[tree.children_left[node], tree.children_right[node]]] = depths[node] + 1
    return depths


def _boosted_classifier() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(**BOOSTING)


def _set_bias(head: Trees, bias: Array) -> None:
    with torch.no_grad():
        head.bias.copy_(torch.from_numpy(np.asarray(bias, np.float32)))
