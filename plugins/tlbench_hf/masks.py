"""Texts that are varied in each batch of training, and masks that are drawn anew (Liu et al. 2019, RoBERTa)."""

from __future__ import annotations

import torch
from torch import Tensor

from tlbench import AugmentRequest, NotApplicable, RemaskRequest
from tlbench.learning import Tensors, vary_texts
from tlbench_hf.encoding import MASK, OTHER


def augment(request: AugmentRequest) -> Tensors:
    """Return token ids + 1 and segments with the transformations that the task names."""
    tokens = request.fitted.get("tokens")
    if tokens is None:
        raise NotApplicable("Texts cannot be varied: the tokenizer of the backbone has no mask token.")
    return vary_texts(request, tokens["special"])


def remask(request: RemaskRequest) -> tuple[tuple[Tensor, ...], Tensor]:
    """Mask as many tokens of each text as before, in other places; return the inputs and what stood there.

    Columns are ids + 1 `(N, T)` and, last, places + 1 `(N, U)`; 0 is padding.
    """
    ids, places = request.inputs[0].clone(), request.inputs[-1]
    count = (places > 0).sum(1, keepdim=True)
    texts, at = _where(places)
    ids[texts, at] = (request.targets + 1).to(ids.dtype)
    drawn = torch.rand(ids.shape, generator=request.generator)
    drawn[(ids == 0) | torch.isin(ids, torch.tensor(request.fitted["special"]) + 1)] = -1.0
    order = drawn.argsort(dim=1, descending=True, stable=True)[:, : places.shape[1]]
    chosen = torch.where(torch.arange(order.shape[1]) < count, order + 1, 0).to(places.dtype)
    texts, at = _where(chosen)
    targets = ids[texts, at].long() - 1
    rule = torch.rand(len(targets), generator=request.generator)
    others = torch.randint(len(request.fitted["vocabulary"]), (len(targets),), generator=request.generator)
    new = torch.where(rule < MASK, request.fitted["mask"], torch.where(rule < OTHER, others, targets))
    ids[texts, at] = (new + 1).to(ids.dtype)
    return (ids, *request.inputs[1:-1], chosen), targets


def _where(places: Tensor) -> tuple[Tensor, Tensor]:
    """Return text and position of each place, in the order of the units."""
    texts, columns = torch.nonzero(places, as_tuple=True)
    return texts, places[texts, columns].long() - 1
