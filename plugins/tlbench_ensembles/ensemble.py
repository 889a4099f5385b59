"""A deep ensemble (Lakshminarayanan et al. 2017) of fine-tuned copies of the source model, served as one file."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from tlbench.learning import AdaptRequest, Encoder, TransferModel
from tlbench_ensembles.members import fine_tune


class Members(Encoder):
    """Several encoders over the same inputs; their features stand side by side, `(..., M * D)`."""

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        super().__init__()
        first = encoders[0]
        self.members = nn.ModuleList(encoders)
        self.feature_dim = sum(encoder.feature_dim for encoder in encoders)
        self.free_axes, self.token_texts, self.signature = first.free_axes, first.token_texts, first.signature

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat([member(*inputs) for member in self.members], -1)

    def units(self, *inputs: Tensor) -> Tensor | None:
        first = self.members[0]
        assert isinstance(first, Encoder)
        return first.units(*inputs)

    def blocks(self) -> list[nn.Module]:
        """Return the blocks of one member after the other."""
        return [block for member in self.members if isinstance(member, Encoder) for block in member.blocks()]


class Committee(nn.Module):
    """A head for each member: features `(..., M * D)` -> the mean of what the members say, `(..., C)`."""

    probabilities: Tensor
    """Whether the outputs are logits of exclusive labels. `extend` is not told the kind; so a buffer holds it."""

    def __init__(self, heads: Iterable[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.register_buffer("probabilities", torch.tensor(False))

    def forward(self, features: Tensor) -> Tensor:
        parts = features.chunk(len(self.heads), -1)
        outputs = torch.stack([head(part) for head, part in zip(self.heads, parts, strict=True)])
        # The softmax of this logarithm is the mean of the members' probabilities.
        log_mean = outputs.log_softmax(-1).logsumexp(0) - math.log(len(self.heads))
        return torch.where(self.probabilities, log_mean, outputs.mean(0))


def extend(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Return the model with copies of its encoder and heads in place of each."""

    def copies(module: nn.Module) -> list[Any]:
        return [module, *(copy.deepcopy(module) for _ in range(options["models"] - 1))]

    model.encoder = Members(copies(model.encoder))
    for name, head in model.heads.items():
        model.heads[name] = Committee(copies(head))
    return model


def ensemble(request: AdaptRequest) -> TransferModel:
    """Fine-tune each member; where the kind has class probabilities, these are averaged."""
    model, target = request.model, request.target
    encoder, head = cast(Members, model.encoder), cast(Committee, model.heads["target"])
    for domain in filter(None, (request.source, target)):
        cast(Committee, model.heads[domain.name]).probabilities.fill_("class-probabilities" in domain.traits)
    members = zip(encoder.members, head.heads, strict=True)
    fine_tune(request, [TransferModel(cast(Encoder, one), {"target": own}) for one, own in members])
    return model
