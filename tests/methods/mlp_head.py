"""A head of two layers in place of the linear one."""

from torch import nn

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def extend(model, options):
    width, outputs = model.encoder.feature_dim, model.heads["target"].out_features
    hidden = options["hidden"]
    model.heads["target"] = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    return model


def train_head(request):
    """Train the head alone; the encoder stays in evaluation mode and does not change."""
    model, batches = request.model.eval(), request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    request.train([model.heads["target"]], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="mlp-head",
            title="Head of two layers",
            summary="Trains a head of two layers on the features of a fixed encoder.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            recipe="head",
            options=(
                *training_options(steps=60, learning_rate=3e-3),
                Option(name="hidden", default=8, summary="units of the hidden layer"),
            ),
            extend=extend,
            adapt=train_head,
        )
    ]
