"""LoRA (Hu et al. 2021): low-rank updates of the linear layers, merged into them before the model is served."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from tlbench import Access, NotApplicable, Option, StrategySpec, hookimpl, training_options


class LowRank(nn.Module):
    """Adds B A to a weight; B is 0 at the start."""

    def __init__(self, weight, rank):
        super().__init__()
        self.a = nn.Parameter(torch.randn(rank, weight.shape[1]) / weight.shape[1] ** 0.5)
        self.b = nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, weight):
        return weight + self.b @ self.a


def lora(request):
    """Train the low-rank matrices and the head, then merge."""
    model, batches = request.model, request.batches(request.target.train)
    layers = [layer for layer in model.encoder.modules() if type(layer) is nn.Linear]
    if not layers:
        raise NotApplicable("The encoder has no linear layers.")
    updates = [LowRank(layer.weight, request.options["rank"]) for layer in layers]
    for layer, update in zip(layers, updates, strict=True):
        parametrize.register_parametrization(layer, "weight", update)

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    request.train([*updates, model.heads["target"]], loss)
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight")
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="lora",
            title="LoRA",
            summary="Trains low-rank updates of the linear layers, and the head.",
            paper="Hu et al. 2021, LoRA: low-rank adaptation of large language models, arXiv:2106.09685",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            options=(
                *training_options(steps=60, learning_rate=3e-3),
                Option(name="rank", default=2, summary="rank of an update"),
            ),
            adapt=lora,
        )
    ]
