"""Tuning: settings of a strategy are tried on folds of the label budget; the best one adapts with all of it.

Each trial is a stage, so that a run that was stopped goes on with the next one. What tries is light until a trial is
computed: a finished run is recognised without torch.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tlbench.contract.options import OptionValue
from tlbench.engine.pipeline import STARTS, TRIAL, run_stage, run_stages
from tlbench.engine.store import Store
from tlbench.errors import StageError, TlbenchError
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.planning.tuned import FEW_LABELS, own_options, propose, trials_of

WORST = -1e9
"""The score of a trial that diverged, for the search."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting, and what it came to on the folds."""

    options: Mapping[str, OptionValue]
    score: float | None
    """Mean score of the folds; None if training diverged."""
    folds: int
    labels: int
    seconds: float


def tuned(pairing: Pairing, settings: Settings, store: Store) -> tuple[Pairing, dict[str, Any]]:
    """Return the pairing with the options that the strategy is given, and what the row says of how they were chosen.

    Raises `StageError` if no setting could be trained.
    """
    asked = pairing.strategy_options
    own = dataclasses.replace(pairing, strategy_options=own_options(pairing.strategy, asked))
    number = trials_of(pairing.strategy, asked)
    if not number:
        return own, {}
    few = dataclasses.replace(own, few_labels=bool(asked[FEW_LABELS.name]))
    trials = run_trials(few, number, settings, store)
    scored = [(trial.score, trial) for trial in trials if trial.score is not None]
    if not scored:
        raise StageError(TRIAL.name, TlbenchError(f"Training diverged with each of {len(trials)} settings."))
    # The first of equals: the defaults stay unless something is better.
    score, best = max(scored, key=lambda one: one[0])
    ledger = {"trials": len(trials), "folds": best.folds, "labels": best.labels, "expected": score}
    if trials[0].score is not None:
        ledger["expected_default"] = trials[0].score
    ledger["seconds"] = sum(trial.seconds for trial in trials)
    changed = {name: value for name, value in best.options.items() if value != own.strategy_options[name]}
    return dataclasses.replace(own, strategy_options=best.options), {"tuning": ledger, "tuned_options": changed}


def run_trials(pairing: Pairing, number: int, settings: Settings, store: Store) -> list[Trial]:
    """Return so many trials, each found in the store or computed; settings are proposed by those before."""
    done = run_stages(pairing, settings, store, STARTS)
    trials: list[Trial] = []
    for _ in range(number):
        tried = [(trial.options, WORST if trial.score is None else trial.score) for trial in trials]
        options = propose(pairing.strategy, pairing.strategy_options, tried, pairing.seed)
        one = dataclasses.replace(pairing, strategy_options=options)
        stage = run_stage(TRIAL, one, settings, store, done)
        found = json.loads((stage.folder / "trial.json").read_text(encoding="utf-8"))
        trials.append(Trial(options=options, seconds=stage.seconds, **found))
    return trials
