"""Bottleneck adapters (Houlsby et al. 2019) behind the encoder's features; everything else stays as it is."""

from torch import nn

from tlbench import Access, Option, StrategySpec, hookimpl, training_options
from tlbench.learning import Encoder


class Adapted(Encoder):
    """An encoder with a residual bottleneck behind it, which is the identity at the start."""

    def __init__(self, encoder, width):
        super().__init__()
        self.encoder, self.feature_dim, self.free_axes = encoder, encoder.feature_dim, encoder.free_axes
        self.down, self.up = nn.Linear(self.feature_dim, width), nn.Linear(width, self.feature_dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, *inputs):
        features = self.encoder(*inputs)
        return features + self.up(self.down(features).relu())

    def units(self, *inputs):
        return self.encoder.units(*inputs)


def extend(model, options):
    model.encoder = Adapted(model.encoder, options["width"])
    return model


def train_adapters(request):
    """Train adapters and head."""
    model, batches = request.model, request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    request.train([model.encoder.down, model.encoder.up, model.heads["target"]], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="adapters",
            title="Bottleneck adapters",
            summary="Trains a small residual bottleneck behind a fixed encoder, and the head.",
            paper="Houlsby et al. 2019, Parameter-efficient transfer learning for NLP, arXiv:1902.00751",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="head",
            options=(
                *training_options(steps=60, learning_rate=3e-3),
                Option(name="width", default=4, summary="units of the bottleneck"),
            ),
            extend=extend,
            adapt=train_adapters,
        )
    ]
