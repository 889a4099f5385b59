"""Language modelling, causal or masked: what probability a model gives to the tokens of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from tlbench.contract.task_data import Array
from tlbench.errors import ContractError
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.kinds.postprocess import Tokens
from tlbench.learning.kinds.protocol import Postprocess
from tlbench.learning.metrics.language import log_likelihood, perplexity
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.probe import Linear
from tlbench.learning.targets import Targets


class LanguageModelling(Classification):
    """One token of the vocabulary for each position; scores are per token, and the budget counts texts."""

    postprocess: Postprocess = Tokens()
    """The log-probability of each target token."""
    has_classes = False

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a linear head; its bias is not trained, for checkpoints such as GPT-2's have no place for one."""
        head = nn.Linear(features, len(labels))
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias).requires_grad_(False)
        return head

    def classes(self, label: Any) -> Array:
        """Return none: a text is its own label."""
        return np.zeros(0, np.int64)

    def strata(self, targets: Targets) -> Array:
        return np.zeros(len(targets), np.int64)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        raise ContractError("A language model has too many outputs for a linear probe.")

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"log-likelihood": log_likelihood, "perplexity": perplexity}
