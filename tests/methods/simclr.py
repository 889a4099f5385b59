"""SimCLR (Chen et al. 2020) on unlabelled target inputs, then a linear probe on the label budget."""

import torch
from torch import nn
from torch.nn import functional

from tlbench import Access, Option, StrategySpec, hookimpl, training_options
from tlbench.learning import device_of, encode


def contrast(first, second, temperature):
    """Return NT-Xent of two views `(N, P)` of the same examples: each has to find its twin among all others."""
    views = functional.normalize(torch.cat([first, second]), dim=1)
    likeness = views @ views.T / temperature
    likeness.fill_diagonal_(float("-inf"))
    twins = torch.arange(len(views), device=views.device).roll(len(first))
    return functional.cross_entropy(likeness, twins)


def simclr(request):
    """Train encoder and projector on two views of each input; units are pooled by example. Then fit the head."""
    model, target, options = request.model, request.target, request.options
    batches = request.batches(target.unlabelled, views=2, augment="strong")
    width = model.encoder.feature_dim
    projector = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, options["projection"]))
    projector.to(device_of(model))

    def loss(progress):
        (first, second), _, _ = next(batches)
        views = [projector(model.pooled(*view)) for view in (first, second)]
        return contrast(*views, options["temperature"])

    request.train([model.encoder, projector], loss)
    features = encode(model, target.train.inputs)
    target.kind.probe(features, target.train.targets.values, len(target.labels)).copy_into(model.heads["target"])
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="simclr",
            title="SimCLR, then a linear probe",
            summary="Self-supervision on unlabelled target inputs; then the head is fitted to the label budget.",
            paper="Chen et al. 2020, A simple framework for contrastive learning, arXiv:2002.05709",
            access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
            trains_encoder=True,
            needs=("two-views", "probe"),
            options=(
                *training_options(steps=60, learning_rate=1e-3),
                Option(name="projection", default=8, summary="width of the projected features"),
                Option(name="temperature", default=0.5, summary="softness of the comparison"),
            ),
            adapt=simclr,
        )
    ]
