"""The functions that specs of texts carry; what they do is imported when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlbench import BuildRequest, FitRequest, OwnHead, PrepareRequest, RemaskRequest, SaveRequest

if TYPE_CHECKING:
    import torch

    from tlbench.learning import Columns, Encoder


def fit(request: FitRequest) -> dict[str, Any]:
    """What `tlbench_hf.tokens.fit` does."""
    from tlbench_hf.tokens import fit

    return fit(request)


def fit_bert(request: FitRequest) -> dict[str, Any]:
    """Learn the pieces of a new BERT."""
    from tlbench_hf.pieces import fit_new

    return fit_new(request, "bert")


def fit_gpt2(request: FitRequest) -> dict[str, Any]:
    """Learn the pieces of a new GPT-2."""
    from tlbench_hf.pieces import fit_new

    return fit_new(request, "gpt2")


def prepare(request: PrepareRequest) -> Columns:
    """What `tlbench_hf.tokens.prepare` does."""
    from tlbench_hf.tokens import prepare

    return prepare(request)


def build(request: BuildRequest) -> Encoder:
    """What `tlbench_hf.text.build` does."""
    from tlbench_hf.text import build

    return build(request)


def remask(request: RemaskRequest) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    """What `tlbench_hf.masks.remask` does."""
    from tlbench_hf.masks import remask

    return remask(request)


def own_head(request: BuildRequest) -> OwnHead:
    """What `tlbench_hf.text.own_head` does."""
    from tlbench_hf.text import own_head

    return own_head(request)


def save(request: SaveRequest) -> None:
    """What `tlbench_hf.text.save` does."""
    from tlbench_hf.text import save

    save(request)
