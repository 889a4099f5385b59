"""Model soups (Wortsman et al. 2022): the mean of the weights of several fine-tuned models."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch

from tlbench.learning import AdaptRequest, TransferModel
from tlbench_ensembles.members import fine_tuned


def uniform_soup(request: AdaptRequest) -> TransferModel:
    """Average all fine-tuned models."""
    return averaged(fine_tuned(request, request.options["models"]))


def greedy_soup(request: AdaptRequest) -> TransferModel:
    """Average the best model and those that do not lower the validation score of the soup (the paper's recipe 1)."""

    def held_out(model: TransferModel) -> float:
        return request.score(model, request.target.validation)

    ranked = sorted(fine_tuned(request, request.options["models"]), key=held_out, reverse=True)
    ingredients, best = ranked[:1], held_out(ranked[0])
    for model in ranked[1:]:
        score = held_out(averaged([*ingredients, model]))
        if score >= best:
            ingredients, best = [*ingredients, model], score
    return averaged(ingredients)


def averaged(models: Sequence[TransferModel]) -> TransferModel:
    """Return a model with the mean of all parameters and buffers; the given models do not change."""
    states = [model.state_dict() for model in models]
    mean = {name: torch.stack([state[name].double() for state in states]).mean(0) for name in states[0]}
    soup = copy.deepcopy(models[0])
    soup.load_state_dict({name: value.to(states[0][name].dtype) for name, value in mean.items()})
    return soup
