"""Which of several models on the way is returned: an unlabelled rule, by predictions on target inputs."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tlbench.learning import AdaptRequest, Inputs, TransferModel, device_of

MOST = 2000
"""Examples of a domain that are predicted for each candidate."""


class Predicted(NamedTuple):
    """What a model says of the units of some inputs."""

    shares: Tensor
    """`(C,)`: the mean probability of each class."""
    entropy: float
    """The mean entropy of a prediction, in nats."""


class Candidates:
    """Keeps the best of `number` models on the way and the start; of none, the last is returned.

    The score of a model is -H - KL(q, q_source): H is the mean entropy of its predictions on target inputs, q their
    mean, and q_source what the source model predicts on source inputs. If these shares are equal, it is the mutual
    information of inputs and predictions (Bridle et al. 1991), less a constant. As adversarial training itself does, it
    takes for granted that class shares are alike in both domains.
    """

    def __init__(self, request: AdaptRequest, number: int) -> None:
        self.model, self.size = request.model, request.options["batch_size"]
        self.steps, self.number, self.step = request.options["steps"], min(number, request.options["steps"]), 0
        if self.number:
            self.inputs = _some(request.target.unlabelled)
            self.source = predicted(self.model, _some(request.source.train.inputs), self.size).shares
            self.highest, self.best = self._score(), copy.deepcopy(self.model.state_dict())

    def after_step(self, progress: float) -> None:
        """Compare the model with the best so far, `number` times in all, the last time behind the last step."""
        self.step += 1
        if self.step * self.number // self.steps == (self.step - 1) * self.number // self.steps:
            return
        score = self._score()
        self.model.train()
        if score > self.highest:
            self.highest, self.best = score, copy.deepcopy(self.model.state_dict())

    def put_best(self) -> None:
        """Put the best weights into the model."""
        if self.number:
            self.model.load_state_dict(self.best)

    def _score(self) -> float:
        return score(predicted(self.model, self.inputs, self.size), self.source)


def score(target: Predicted, source: Tensor) -> float:
    """Return -H - KL(q, q_source); `source` holds the shares q_source, `(C,)`."""
    # A share that has underflowed to 0 gives a large distance, not an infinite one.
    divergence = target.shares * (target.shares.clamp(min=1e-9) / source.clamp(min=1e-9)).log()
    return -target.entropy - divergence.sum().item()


@torch.no_grad()
def predicted(model: TransferModel, inputs: Inputs, size: int) -> Predicted:
    """Return what the head `source` predicts in evaluation mode, which the model is in afterwards."""
    model.eval()
    shares, entropy, units = torch.zeros(()), 0.0, 0
    for _, batch in inputs.by_length(size):
        log = model(*(part.to(device_of(model)) for part in batch), head="source").units.log_softmax(1)
        shares = shares + log.exp().sum(0).cpu()
        entropy -= (log.exp() * log).sum().item()
        units += len(log)
    return Predicted(shares / units, entropy / units)


def _some(inputs: Inputs) -> Inputs:
    """Return examples at equal distances: data often comes sorted by label."""
    return inputs.select(np.linspace(0, len(inputs) - 1, min(MOST, len(inputs))).astype(np.int64))
