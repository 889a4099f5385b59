"""Gradual unfreezing (Howard & Ruder 2018): the head first, then one more block of the encoder in each phase."""

from tlbench import Access, StrategySpec, hookimpl, training_options


def unfreeze_gradually(request):
    """Train head, head and last block, ... head and all blocks, each for an equal part of the steps."""
    model, batches = request.model, request.batches(request.target.train)
    blocks = list(request.model.encoder.blocks())

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    phases, steps = len(blocks) + 1, request.options["steps"]
    for phase in range(phases):
        trained = blocks[len(blocks) - phase :]
        part = steps * (phase + 1) // phases - steps * phase // phases
        request.train([*trained, model.heads["target"]], loss, steps=part)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="gradual",
            title="Gradual unfreezing",
            summary="Trains the head, then more and more blocks from the last to the first.",
            paper="Howard & Ruder 2018, Universal language model fine-tuning, arXiv:1801.06146",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            options=training_options(steps=60, learning_rate=1e-3),
            adapt=unfreeze_gradually,
        )
    ]
