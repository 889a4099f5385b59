"""Learning without Forgetting (Li & Hoiem 2016): the old head's answers to target inputs are kept, and it trains."""

import copy

import torch
from torch.nn import functional

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def learn_without_forgetting(request):
    """Minimise the target loss, and the distillation of the source model's softened answers to the same inputs."""
    model, options = request.model, request.options
    teacher, temperature = copy.deepcopy(model).eval(), options["temperature"]
    batches = request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        with torch.no_grad():
            old = teacher(*inputs, head="source").units / temperature
        kept = model(*inputs, head="source").units / temperature
        distilled = functional.kl_div(kept.log_softmax(-1), old.softmax(-1), reduction="batchmean") * temperature**2
        return request.target.kind.loss(model(*inputs), targets) + options["weight"] * distilled

    request.train([model], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="lwf",
            title="Learning without Forgetting",
            summary="Fine-tuning that keeps the old head's answers to the target's inputs.",
            paper="Li & Hoiem 2016, Learning without forgetting, arXiv:1606.09282",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            settings=("transductive", "inductive"),
            needs=("class-probabilities",),
            options=(
                *training_options(steps=60, learning_rate=1e-3),
                Option(name="temperature", default=2.0, summary="softness of the old answers"),
                Option(name="weight", default=1.0, summary="weight of the old answers"),
            ),
            adapt=learn_without_forgetting,
        )
    ]
