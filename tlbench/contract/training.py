"""Kinds of training, by which backbones name better defaults of training options."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.specs import StrategySpec

SOURCE = "source"
"""The kind of training of the source model, which the host trains."""
TRAININGS: Mapping[str, str] = MappingProxyType(
    {
        "full": "all weights of the source model on the label budget, such as fine-tuning",
        "head": "a head alone, on features of a frozen encoder",
        "adversarial": "all weights on source labels and target inputs: a discriminator, or a distance such as CORAL",
        "scratch": "random weights on the label budget",
        "all-labels": "all weights on all target training labels",
    }
)
"""What `StrategySpec.recipe` may name: kind of training -> what is trained. A strategy's name is never a key: two
strategies of one kind of training have the same defaults."""
AS_LONG_AS: Mapping[str, str] = MappingProxyType({"scratch": "full"})
"""Kinds of training that take as many steps as another, unless a recipe says otherwise: a transfer gain compares the
two, and is not one of more training."""
RECIPE_KINDS = (*TRAININGS, SOURCE)
"""What an entry `KIND.NAME` of `BackboneSpec.recipe` may begin with."""


def wrong_training(recipe: str) -> str:
    """Return what is wrong with the `recipe` of a strategy, or an empty string."""
    if not recipe or recipe in TRAININGS:
        return ""
    return f'Unknown kind of training recipe="{recipe}": use one of {", ".join(TRAININGS)}, or leave it empty.'


def wrong_entries(recipe: Mapping[str, object]) -> str:
    """Return what is wrong with the first invalid entry of a backbone's `recipe`, or an empty string."""
    for entry in recipe:
        kind, _, name = entry.rpartition(".")
        if kind and kind not in RECIPE_KINDS:
            return (
                f'The recipe entry "{entry}" begins with no kind of training: use one of {", ".join(RECIPE_KINDS)}, '
                f'such as "full.{name}". Names of strategies are not keys since the second edition of the plugin API.'
            )
    return ""


def wrong_recipe(spec: object) -> str:
    """Return what is wrong with the `recipe` of a strategy or a backbone; an empty string for all other specs."""
    if isinstance(spec, StrategySpec):
        return wrong_training(spec.recipe)
    return wrong_entries(spec.recipe) if isinstance(spec, BackboneSpec) else ""
