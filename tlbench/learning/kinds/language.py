"""Language modelling, causal or masked: what probability a model gives to the tokens of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from tlbench.contract.task_data import Array
from tlbench.errors import ContractError
from tlbench.learning.data import Targets
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.metrics.language import log_likelihood, perplexity
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.probe import Linear


class LanguageModelling(Classification):
    """One token of the vocabulary for each position; scores are per token, and the budget counts texts."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a linear head; its bias is not trained, for checkpoints such as GPT-2's have no place for one."""
        head = nn.Linear(features, len(labels))
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias).requires_grad_(False)
        return head

    def strata(self, targets: Targets) -> Array:
        return np.zeros(len(targets), np.int64)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        raise ContractError("A language model has too many outputs for a linear probe.")

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return the log-probability of each target in nats, `(M,)` float32: the others are too many to be kept."""
        if targets is None:
            raise ContractError("A language model's predictions are kept beside their targets only.")
        logs = torch.log_softmax(torch.from_numpy(np.asarray(outputs, np.float32)), -1)
        kept: Array = logs.gather(1, torch.from_numpy(np.asarray(targets, np.int64))[:, None])[:, 0].numpy()
        return kept

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"log-likelihood": log_likelihood, "perplexity": perplexity}
