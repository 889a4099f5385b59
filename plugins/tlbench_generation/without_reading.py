"""What can be written without a language model: the typical answer, and the first words of the prompt.

Both are models as any other: what is computed of the inputs is the encoder, in which nothing is learnt; what the label
budget says is the head. So both are exported, and write by the same greedy decoding.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import ANSWER_TOKENS, Array
from tlbench.learning import AdaptRequest, Encoder, TransferModel

ABOVE = 0.01
"""By how much the logit of a typical token is above that of the most frequent one at its place."""


class Places(Encoder):
    """Ids + 1 and marks `(N, T)` -> which token of the answer is the next, one of 32, as one-hot `(N, T, 32)`."""

    feature_dim = ANSWER_TOKENS

    def forward(self, ids: Tensor, marks: Tensor) -> Tensor:
        return (_place(marks)[..., None] == torch.arange(self.feature_dim, device=marks.device)).float()

    def units(self, *inputs: Tensor) -> Tensor | None:
        return inputs[1] > 0


class Copied(Encoder):
    """Ids + 1 and marks `(N, T)` -> `(N, T, 2)`: the token of the prompt at the place of the answer's next token, -1
    behind the prompt; and this place.
    """

    feature_dim = 2

    def forward(self, ids: Tensor, marks: Tensor) -> Tensor:
        place = _place(marks)
        token = ids.long().gather(1, (place + 1).clamp(max=ids.shape[1] - 1)) - 1  # The first token is the start.
        before = ((marks > 0).long().cumsum(1) == 0).long().sum(1, keepdim=True)  # Start and prompt.
        return torch.stack([torch.where(place + 1 < before, token, -1), place], -1).float()

    def units(self, *inputs: Tensor) -> Tensor | None:
        return inputs[1] > 0


def _place(marks: Tensor) -> Tensor:
    return ((marks > 0).long().cumsum(1) - 1).clamp(min=0, max=ANSWER_TOKENS - 1)


class Copy(nn.Module):
    """A head `(..., 2)` -> `(..., C)` that says the copied token, and the end from a place on."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.out_features = outputs
        # A copied token has the probability 0.9, all others share the rest.
        self.scale = nn.Parameter(torch.tensor([math.log(9 * outputs)]), requires_grad=False)
        self.register_buffer("length", torch.tensor([1.0]))
        self.register_buffer("end", torch.tensor([0.0]))

    length: Tensor
    """`(1,)`: tokens that are copied."""
    end: Tensor
    """`(1,)`: the token that ends an answer."""

    def forward(self, features: Tensor) -> Tensor:
        token, place = features[..., :1], features[..., 1:]
        token = torch.where((place >= self.length) | (token < 0), self.end, token)
        return (token == torch.arange(self.out_features, device=features.device)).float() * self.scale


def extend_typical(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Replace the encoder by the places of an answer's tokens."""
    return _replaced(model, Places(), nn.Linear(Places.feature_dim, _outputs(model)))


def extend_lead(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Replace the encoder by the tokens of the prompt."""
    return _replaced(model, Copied(), Copy(_outputs(model)))


def _outputs(model: TransferModel) -> int:
    head = model.heads["target"]
    assert isinstance(head, nn.Linear)
    return head.out_features


def _replaced(model: TransferModel, encoder: Encoder, head: nn.Module) -> TransferModel:
    encoder.signature = model.encoder.signature
    model.encoder, model.heads["target"] = encoder, head
    return model


@torch.no_grad()
def typical_answer(request: AdaptRequest) -> TransferModel:
    """Set the head: at each place the tokens' frequencies there, above them the token of the most central answer."""
    targets, head = request.target.train.targets, request.model.heads["target"]
    assert isinstance(head, nn.Linear)
    counts = np.full((head.out_features, Places.feature_dim), 0.5)
    answers = targets.split()
    for answer in answers:
        counts[answer, np.arange(len(answer))] += 1
    logits = np.log(counts / counts.sum(0))
    chosen = most_central(answers)
    logits[chosen, np.arange(len(chosen))] = logits[:, : len(chosen)].max(0) + ABOVE
    head.weight.copy_(torch.from_numpy(logits.astype(np.float32)))
    head.bias.zero_()
    return request.model


def most_central(answers: Sequence[Array]) -> Array:
    """Return the answer with the highest mean F1 of common tokens with all others; of several, the first."""
    tallies = [Counter(answer.tolist()) for answer in answers]
    sums = [
        sum(2 * (one & other).total() / max(1, one.total() + other.total()) for other in tallies) for one in tallies
    ]
    return answers[int(np.argmax(sums))]


@torch.no_grad()
def lead(request: AdaptRequest) -> TransferModel:
    """Set how many tokens are copied: as many as an answer of the label budget has, at the median."""
    head, targets = request.model.heads["target"], request.target.train.targets
    assert isinstance(head, Copy)
    head.length.fill_(float(max(1, round(float(np.median(targets.counts))) - 1)))
    head.end.fill_(float(request.target.labels.index("")))
    return request.model
