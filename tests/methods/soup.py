"""A uniform model soup (Wortsman et al. 2022): the mean of the weights of several fine-tuned models."""

import copy

import torch

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def soup(request):
    """Fine-tune copies of the source model, each on batches of its own, and average their weights."""
    cooked = [copy.deepcopy(request.model) for _ in range(request.options["models"])]
    for model in cooked:
        request.fit(model, request.target.train)
    states = [model.state_dict() for model in cooked]
    mean = {name: torch.stack([state[name].double() for state in states]).mean(0) for name in states[0]}
    cooked[0].load_state_dict({name: value.to(states[0][name].dtype) for name, value in mean.items()})
    return cooked[0]


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="soup",
            title="Uniform model soup",
            summary="The mean of the weights of several fine-tuned models.",
            paper="Wortsman et al. 2022, Model soups, arXiv:2203.05482",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe="full",
            options=(
                *training_options(steps=40, learning_rate=1e-3),
                Option(name="models", default=3, summary="models in the soup"),
            ),
            adapt=soup,
        )
    ]
