"""A strategy against forgetting on a task of the toy, and fine-tuning in plain PyTorch to compare it with."""

from __future__ import annotations

import dataclasses

import torch
from support import silent
from torch import nn

from tlbench.engine.adaptation import adapt, adapt_request
from tlbench.engine.given import declared_parts
from tlbench.learning import one_cycle
from tlbench.learning.model import state_hash

STEPS, RATE, DECAY = 8, 1e-2, 1e-4
TASKS = {
    "toy/blobs": "toy/mlp-batchnorm",
    "toy/shapes": "toy/mlp",
    "toy/alone": "toy/mlp-batchnorm",
    "toy/names": "words/window",
}
"""Labels that agree, labels that differ, no source, and words; with BatchNorm and without."""


@dataclasses.dataclass
class Case:
    """A strategy on a task, behind a short training of the source model."""

    pairing: object
    prepared: object
    source: object

    def adapted(self, function=None):
        """Return the model that the strategy makes, or another function with its options."""
        strategy = self.pairing.strategy
        strategy = dataclasses.replace(strategy, adapt=function or strategy.adapt)
        return adapt(dataclasses.replace(self.pairing, strategy=strategy), self.prepared, self.source, silent).model

    def request(self):
        parts = declared_parts(self.pairing, self.prepared)
        return adapt_request(self.pairing, self.prepared, self.source, parts)


def finetune(request):
    request.fit(request.model, request.target.train)
    return request.model


def assert_same_bits(model, expected, parts=("encoder", "heads.target")):
    for part in parts:
        assert state_hash(model.get_submodule(part)) == state_hash(expected.get_submodule(part))


def assert_close(model, expected):
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[name], rtol=1e-4, atol=1e-6, msg=name)


def plain(gradients, modules=lambda model: [model.encoder, model.heads["target"]]):
    """A loop in plain PyTorch, around a function of the model and its batches that sets the gradients."""

    def train(request):
        model = request.model
        parameters = [one for module in modules(model) for one in module.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
        set_gradients = gradients(request)
        for module in modules(model):
            module.train()
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = RATE * one_cycle(step / STEPS)
            optimizer.zero_grad()
            set_gradients()
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
        return model.eval()

    return train


def cross_entropy(outputs, targets):
    """Written out: the mean of log sum exp z - z_y."""
    return (outputs.logsumexp(-1) - outputs.gather(-1, targets[:, None])[:, 0]).mean()
