"""Verification of speakers by embeddings, as a kind of problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import Array, BadInputError, ExampleSequence
from tlbench.learning import BatchTargets, Linear, Metric, Outputs, Postprocess, Targets
from tlbench_speech.verification.embeddings import Embeddings
from tlbench_speech.verification.scores import verification_metrics

TEMPERATURE = 0.1
"""What similarities are divided by in the loss (Khosla et al. 2020, section 4.4)."""


class Embedding(nn.Linear):
    """A linear map `(..., D) -> (..., D)` that changes nothing at the start, so that a new head keeps all cosines."""

    def __init__(self, features: int) -> None:
        super().__init__(features, features)
        nn.init.eye_(self.weight)
        nn.init.zeros_(self.bias)


class Verification:
    """Whether two clips are of one speaker: raw labels are numbers of speakers, each domain and split with its own."""

    postprocess: Postprocess = Embeddings()
    """An embedding of length 1 for each clip."""
    has_classes = False

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return Embedding(features)

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return the numbers of speakers `(N,)` int64. Raises `BadInputError` for an example with several."""
        made = Targets.of(labels)
        if (made.counts != 1).any() or made.values.min(initial=0) < 0:
            raise BadInputError("a clip has one speaker, a whole number from 0")
        return made

    def classes(self, label: Any) -> Array:
        """Return none: the speakers of a test split are others than those of training, and no model names them."""
        return np.zeros(0, np.int64)

    def strata(self, targets: Targets) -> Array:
        """Return the speakers: a label budget has clips of each, in proportion."""
        return targets.values

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        """Return the supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362, eq. 2) of a batch.

        Of each clip, the mean over other clips of its speaker of -log of the share that exp(cosine / 0.1) has in the
        sum over all other clips. Clips without another one of their speaker do not count; 0 if there are no others.
        """
        units = functional.normalize(outputs.units, dim=1)
        itself = torch.eye(len(units), dtype=torch.bool, device=units.device)
        logits = (units @ units.T / TEMPERATURE).masked_fill(itself, -torch.inf)
        alike = (targets.values[:, None] == targets.values) & ~itself
        log_shares = logits.log_softmax(1).masked_fill(~alike, 0.0)
        partners = alike.sum(1)
        losses = -log_shares.sum(1) / partners.clamp(min=1)
        return losses.sum() / (partners > 0).sum().clamp(min=1)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        """Return within-class covariance normalisation (Hatch et al. 2006, Interspeech): W^(-1/2) (f - mean).

        W is the covariance of features around the mean of their speaker, shrunk as Ledoit & Wolf 2004 say. Where no
        speaker varies, it is the identity.
        """
        from sklearn.covariance import LedoitWolf

        features = features.astype(np.float64)
        _, speaker = np.unique(targets, return_inverse=True)
        sums = np.zeros((speaker.max() + 1, features.shape[1]))
        np.add.at(sums, speaker, features)
        around = features - (sums / np.bincount(speaker)[:, None])[speaker]
        root = np.eye(features.shape[1])
        if around.any():
            root = np.linalg.cholesky(LedoitWolf(assume_centered=True).fit(around).precision_)
        return Linear(root.T.astype(np.float32), (-features.mean(0) @ root).astype(np.float32))

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return an embedding for all clips alike: every pair is equally similar."""
        return np.ones(outputs)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return verification_metrics()
