"""Which strategies can be tuned, the options of the host that ask for it, and the values that are tried."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from tlbench.contract.options import Option, OptionValue
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access
from tlbench.errors import UsageError
from tlbench.results.files import digest

FOLDS = 5
"""Parts of the label budget, each of which is left out once; fewer if a class has fewer examples."""
TRIALS = Option(
    name="trials",
    default=0,
    summary="settings that are tried on folds of the label budget; 0: the defaults alone",
    unit="trials",
    least=0,
)
FEW_LABELS = Option(
    name="few_labels",
    default=False,
    summary="tune also with fewer than 50 labels, or fewer than 5 of a class",
)
OF_HOST = (TRIALS.name, FEW_LABELS.name)
"""Options that a strategy that can be tuned has beside its own; it is not given them."""


def is_tunable(strategy: StrategySpec) -> bool:
    """Return whether a strategy has a label budget to be tuned on, and an option with a range."""
    names = {option.name for option in strategy.options}
    ranged = any(option.tune for option in strategy.options)
    return Access.TARGET_LABELS in strategy.access and ranged and names.isdisjoint(OF_HOST)


def options_of(strategy: StrategySpec, trials: int = 0) -> tuple[Option, ...]:
    """Return the options that can be set for a strategy: its own, and those of the host if it can be tuned.

    `trials` is the default of the option of that name.
    """
    if not is_tunable(strategy):
        return strategy.options
    return (*strategy.options, replace(TRIALS, default=trials), FEW_LABELS)


def check_optuna(planned: Iterable[tuple[StrategySpec, Mapping[str, OptionValue]]]) -> None:
    """Raise `UsageError` if a strategy with its options is to be tuned and optuna is not installed."""
    if any(trials_of(strategy, options) for strategy, options in planned) and find_spec("optuna") is None:
        raise UsageError('Tuning needs the package optuna: pip install "tlbench[tune]".')


def trials_of(strategy: StrategySpec, options: Mapping[str, OptionValue]) -> int:
    """Return how many settings are to be tried; 0 if nothing is tuned."""
    return int(options.get(TRIALS.name, 0)) if is_tunable(strategy) else 0


def settled(strategy: StrategySpec, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return options without those of the host where nothing is tuned: results keep the keys that they had."""
    return dict(options) if trials_of(strategy, options) else own_options(strategy, options)


def own_options(strategy: StrategySpec, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return the options that the strategy is given; one that cannot be tuned may have options of these names."""
    if not is_tunable(strategy):
        return dict(options)
    return {name: value for name, value in options.items() if name not in OF_HOST}


def propose(
    strategy: StrategySpec,
    defaults: Mapping[str, OptionValue],
    tried: Sequence[tuple[Mapping[str, OptionValue], float]],
    seed: int,
) -> dict[str, OptionValue]:
    """Return the options to try next, given those tried with their scores: the defaults first, then those of optuna.

    The proposal depends on the arguments alone, so that a run that is resumed tries the same ones.
    """
    if not tried:
        return dict(defaults)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # What is 0 has no range of a multiple.
    ranged = [option for option in strategy.options if option.tune and defaults[option.name]]
    spaces = {option.name: _space(option, defaults[option.name]) for option in ranged}
    sampler = optuna.samplers.TPESampler(seed=int(digest([seed, "tune", len(tried)])[:8], 16), n_startup_trials=8)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for options, score in tried:
        values = {name: options[name] for name in spaces}
        study.add_trial(optuna.trial.create_trial(params=values, distributions=spaces, value=score))
    chosen = study.ask(spaces).params
    return {**defaults, **{name: type(defaults[name])(value) for name, value in chosen.items()}}


def tried_range(option: Option, default: OptionValue) -> tuple[float, float]:
    """Return the least and the largest value that is tried: default / tune and default * tune, within the limits."""
    low, high = float(default) / option.tune, float(default) * option.tune
    low, high = max(low, option.least or low), min(high, option.most or high)
    if isinstance(default, int):
        return max(1, math.floor(low)), max(1, math.ceil(high))
    return low, high


def _space(option: Option, default: OptionValue) -> Any:
    import optuna

    low, high = tried_range(option, default)
    if isinstance(default, int):
        return optuna.distributions.IntDistribution(int(low), int(high), log=True)
    return optuna.distributions.FloatDistribution(low, high, log=True)
