"""Fine-tuning that returns the best of several checkpoints, chosen on validation examples."""

import copy

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def best_checkpoint(request):
    """Train in phases, score the model behind each on the validation part of the budget, and return the best."""
    model, phases, steps = request.model, request.options["checkpoints"], request.options["steps"]
    best, highest, batches = copy.deepcopy(model), float("-inf"), request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    for phase in range(phases):
        part = steps * (phase + 1) // phases - steps * phase // phases
        request.train([model.encoder, model.heads["target"]], loss, steps=part)
        score = request.score(model, request.target.validation)
        if score > highest:
            best, highest = copy.deepcopy(model), score
    return best


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="best-checkpoint",
            title="Best checkpoint",
            summary="Fine-tuning; of several checkpoints the best on a fifth of the labels is returned.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            selection="target-validation",
            options=(
                *training_options(steps=60, learning_rate=1e-3),
                Option(name="checkpoints", default=4, summary="checkpoints that are compared"),
            ),
            adapt=best_checkpoint,
        )
    ]
