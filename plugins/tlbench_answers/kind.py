"""The kind `span`: the words of a context that answer a question (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, BadInputError, ExampleSequence
from tlbench.learning import BatchTargets, Linear, Metric, Outputs, Postprocess, Targets, fit_probes
from tlbench_answers.scores import exact_match, token_f1
from tlbench_answers.spans import Spans


class Span:
    """A start and an end for each question, as a cross-entropy over the words of its context (Devlin et al. 2019).

    A raw label is `(W,)`, a number for each word of the context: 1 for the first word of the answer, 2 for the last, 3
    for both in one, else 0. Of a question without an answer all are 0.
    """

    postprocess: Postprocess = Spans()
    """The first and the last word of the best answer."""
    has_classes = False

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a linear head: a start, an end, and with the label `no answer` a third output."""
        return nn.Linear(features, 2 + len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return for each word whether the answer starts and ends there, and with the label `no answer` whether the
        question has none, `(M, 2)` or `(M, 3)` 0/1 int64. Raises `BadInputError` for another number of starts or ends.
        """
        parts = [np.asarray(label, np.int64) for label in labels]
        marks = [np.stack([part & 1, part >> 1 & 1], 1) for part in parts]
        for marked in marks:
            if (sums := marked.sum(0).tolist()) not in ([1, 1], [0, 0] if names else [1, 1]):
                raise BadInputError(
                    f"a question has {sums[0]} starts and {sums[1]} ends of its answer; expected 1 each"
                )
        if names:
            marks = [np.concatenate([one, np.full((len(one), 1), not one.any())], 1) for one in marks]
        return Targets(np.concatenate(marks), np.array([len(part) for part in parts], np.int64))

    def classes(self, label: Any) -> Array:
        """Return none: an answer is no class."""
        return np.zeros(0, np.int64)

    def strata(self, targets: Targets) -> Array:
        """Return 1 for a question with an answer, 0 for one without."""
        return np.array([int(part[:, :2].any()) for part in targets.split()])

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        """Return the mean of the cross-entropies of start and end; no answer is one more class of both."""
        mask, values = outputs.mask, outputs.values
        marked = torch.zeros((*mask.shape, 2), dtype=values.dtype, device=values.device)
        marked[mask] = targets.values[:, :2].to(values.dtype)
        scores = values[..., :2].masked_fill(~mask[..., None], -torch.inf)
        if values.shape[-1] > 2:
            none = values[..., 2].sum(1) / mask.sum(1).clamp(min=1)
            scores = torch.cat([scores, none[:, None, None].expand(-1, 1, 2)], 1)
            marked = torch.cat([marked, 1 - marked.sum(1, keepdim=True)], 1)
        likelihood: Tensor = scores.log_softmax(1).masked_fill(marked == 0, 0.0)
        return -(likelihood * marked).sum() / (2 * len(mask))

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        """Return a logistic regression for each output, by itself, on features `(M, D)` and targets `(M, C)`.

        A start and an end have the log-odds of one word among all, no answer those of a whole question: its bias is
        moved so that all three can be compared.
        """
        fitted = fit_probes(features, targets)
        if targets.shape[1] < 3 or targets[:, 2].all() or not targets.any(0).all():
            return fitted
        move = threshold_of_none(fitted.outputs(features), targets)
        return replace(fitted, bias=fitted.bias - np.array([0, 0, move], np.float32))

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return outputs for which the answer is the first word, or none if most words are of questions without one."""
        constant = np.zeros(outputs)
        constant[2:] = 1 if outputs > 2 and targets[:, 2].mean() > 0.5 else -1
        return constant

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"token-f1": token_f1, "exact-match": exact_match}


def threshold_of_none(scores: Array, targets: Array) -> float:
    """Return what to take from the scores of no answer `scores[:, 2]`, so that most questions are answered right.

    `scores` and `targets` are `(M, 3)`, of words in order, of questions with and without an answer. Where a question
    ends is not known: runs of words, as long as a context is on average, stand for those of one sort.
    """
    none = targets[:, 2] == 1
    words = (~none).sum() / targets[:, 0].sum()
    margins, gains = [], []
    for part, gain in ((none, -1), (~none, 1)):
        count = max(1, round(part.sum() / words))
        for run, marked in zip(np.array_split(scores[part], count), np.array_split(targets[part], count), strict=True):
            start, end = run[:, :2].argmax(0)
            margins.append(float(run[:, 2].mean() - (run[start, 0] + run[end, 1]) / 2))
            gains.append(gain if gain < 0 or marked[start, 0] & marked[end, 1] else 0)
    # No answer is taken above the threshold: each run that is below it is given its best range.
    order = np.argsort(margins, kind="stable")
    best = int(np.append(0, np.cumsum(np.array(gains)[order])).argmax())
    ascending = np.array(margins)[order]
    between = (ascending[1:] + ascending[:-1]) / 2
    return float([ascending[0] - 1, *between, ascending[-1] + 1][best])
