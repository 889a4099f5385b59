"""Task-adaptive pre-training (Gururangan et al. 2020): masked words of target texts, then fine-tuning."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, TokenNumbers, TransferModel, device_of

MASK, OTHER = 0.8, 0.9
"""Of the tokens to be predicted 80 % become the mask and 10 % another token; the others stay (Devlin et al. 2019)."""


def tapt(request: AdaptRequest) -> TransferModel:
    """Train encoder and a new output layer on masked tokens of unlabelled target texts.

    Then fine-tune encoder and head on the label budget. The output layer is dropped.
    """
    model, target, options = request.model, request.target, request.options
    encoder, tokens = model.encoder, model.encoder.token_numbers
    if tokens is None:
        raise NotApplicable("The tokenizer of the backbone has no mask token.")
    output = output_layer(encoder.feature_dim, tokens.count).to(device_of(model))
    batches = request.batches(target.unlabelled)

    def loss(progress: float) -> Tensor:
        ids, *others = next(batches).inputs
        masked, chosen = mask_tokens(ids, tokens, options["masked"], request.generator)
        scores = output(encoder.token_states(masked, *others)[chosen])
        return functional.cross_entropy(scores, ids[chosen].long() - 1, reduction="sum") / max(1, len(scores))

    request.train([encoder, output], loss, steps=options["pretext_steps"])
    request.fit(model, target.train)
    return model


def output_layer(width: int, tokens: int) -> nn.Sequential:
    """Return the output layer of BERT: features `(M, width)` -> a score for each token, `(M, tokens)`."""
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, tokens))


def mask_tokens(ids: Tensor, tokens: TokenNumbers, rate: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return token numbers `(N, T)` with some masked, and which are to be predicted, bool.

    Each token that is no special one is chosen with probability `rate`.
    """
    chosen, rule = (torch.rand(ids.shape, generator=generator).to(ids.device) for _ in range(2))
    others = torch.randint(1, tokens.count + 1, ids.shape, generator=generator).to(ids)
    wanted = (chosen < rate) & ~torch.isin(ids, torch.tensor(tokens.special, device=ids.device))
    changed = torch.where(rule < MASK, tokens.mask, torch.where(rule < OTHER, others, ids))
    return torch.where(wanted, changed, ids), wanted
