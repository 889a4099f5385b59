"""Discriminative learning rates (Howard & Ruder 2018): each block learns slower than the one behind it."""

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def discriminative_rates(request):
    """Train block l of L with the rate times decay^(L - l), and the head with the rate itself."""
    model, batches = request.model, request.batches(request.target.train)
    blocks = list(model.encoder.blocks())
    decay = request.options["decay"]
    rated = [(block, decay ** (len(blocks) - place)) for place, block in enumerate(blocks)]

    def loss(progress):
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(model(*inputs), targets)

    request.train([*rated, model.heads["target"]], loss)
    return model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="discriminative",
            title="Discriminative learning rates",
            summary="Fine-tuning in which earlier blocks learn slower.",
            paper="Howard & Ruder 2018, Universal language model fine-tuning, arXiv:1801.06146",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            options=(
                *training_options(steps=60, learning_rate=1e-3),
                Option(name="decay", default=1 / 2.6, summary="rate of a block over that of the block behind it"),
            ),
            adapt=discriminative_rates,
        )
    ]
