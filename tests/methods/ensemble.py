"""Two encoders side by side, served as one file: their features are joined."""

import copy

import torch
from torch import nn

from tlbench import Access, StrategySpec, hookimpl, training_options
from tlbench.learning import Encoder


class Pair(Encoder):
    """Two encoders over the same inputs."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second
        self.feature_dim, self.free_axes = first.feature_dim + second.feature_dim, first.free_axes

    def forward(self, *inputs):
        return torch.cat([self.first(*inputs), self.second(*inputs)], -1)

    def units(self, *inputs):
        return self.first.units(*inputs)


def extend(model, options):
    outputs = model.heads["target"].out_features
    model.encoder = Pair(model.encoder, copy.deepcopy(model.encoder))
    model.heads["target"] = nn.Linear(model.encoder.feature_dim, outputs)
    return model


def train_pair(request):
    """Keep the source encoder, fine-tune its twin, and train the head over both."""
    model, batches = request.model.eval(), request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    request.train([model.encoder.second, model.heads["target"]], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="pair",
            title="A pair of encoders",
            summary="The source encoder beside a fine-tuned twin, with a head over both.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            options=training_options(steps=60, learning_rate=1e-3),
            extend=extend,
            adapt=train_pair,
        )
    ]
