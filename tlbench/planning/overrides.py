"""The values of options: the user's `--set OWNER.NAME=VALUE`, a backbone's recipe, or the default."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tlbench.contract.options import Option, OptionValue
from tlbench.contract.specs import EMPTY
from tlbench.contract.training import AS_LONG_AS
from tlbench.errors import UnknownNameError


def default_value(
    option: Option, training: str, recipe: Mapping[str, OptionValue], traits: Collection[str] = ()
) -> OptionValue:
    """Return an option's value if the user sets none.

    That is what the backbone's recipe says for this kind of training, else what it says for all kinds of training, else
    the option's own default. An empty `training` is of no kind. The steps of training from scratch are those of full
    fine-tuning, unless the recipe says otherwise. An option that only has the name of a recipe's entry keeps its
    default: a strategy's own `weight` is not that of another.
    """
    if not option.in_recipes:
        return option.default_for(traits)
    kinds = [training, AS_LONG_AS.get(training, "")] if option.name == "steps" else [training]
    entries = [*(f"{kind}.{option.name}" for kind in kinds if kind), option.name]
    return next((recipe[entry] for entry in entries if entry in recipe), option.default_for(traits))


class Overrides:
    """What `--set` gives in one run request, and which of it was applied."""

    def __init__(self, values: Mapping[str, OptionValue], quick: bool, of_suite: Collection[str] = ()) -> None:
        self.quick = quick
        self.of_suite = of_suite
        self.values = {tuple(key.rsplit(".", 1)): value for key, value in values.items()}
        self.applied: set[tuple[str, ...]] = set()
        self.accepted: set[str] = set()
        """`OWNER.NAME` of every option that could be set."""

    def resolve(
        self,
        owners: tuple[str, ...],
        options: Iterable[Option],
        recipe: Mapping[str, OptionValue] = EMPTY,
        traits: Collection[str] = (),
        training: str = "",
    ) -> dict[str, OptionValue]:
        """Return the value of every option; of several `owners` that are set, the last counts.

        `training` is the kind of training, for which the `recipe` may have entries of its own.
        """
        resolved: dict[str, OptionValue] = {}
        for option in options:
            value = default_value(option, training, recipe, traits)
            for owner in owners:
                self.accepted.add(f"{owner}.{option.name}")
                if (owner, option.name) in self.values:
                    self.applied.add((owner, option.name))
                    value = self.values[owner, option.name]
            resolved[option.name] = option.parse(value)
            # What a user sets is meant as it is.
            own = any((owner, option.name) in self.values for owner in owners)
            trains = option.name == "steps" or (option.name.endswith("_steps") and option.unit == "steps")
            if self.quick and trains and not own:
                resolved[option.name] = max(1, int(resolved[option.name]) // 4)
        return resolved


def _selected(owner: str) -> str:
    """Return what the owner of an option names: tasks, backbones or strategies."""
    if owner in ("task", "remember"):
        return "tasks"
    if owner in ("backbone", "source"):
        return "backbones"
    return "tasks and backbones" if "/" in owner else "strategies"


def check_applied(overrides: Sequence[Overrides]) -> None:
    """Raise `UnknownNameError` for a setting that no task, backbone or strategy of any request has.

    What a suite set for others than those selected is no error.
    """
    applied = set().union(*(one.applied for one in overrides))
    accepted = set().union(*(one.accepted for one in overrides))
    for one in overrides:
        for key in one.values:
            name = ".".join(key)
            if key not in applied and name not in one.of_suite:
                raise UnknownNameError("option", name, accepted, where=f"for the selected {_selected(key[0])}")
