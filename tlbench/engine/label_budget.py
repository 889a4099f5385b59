"""The label budget: which target examples of a task a seed draws."""

from __future__ import annotations

import numpy as np

from tlbench.contract.budget import Budget
from tlbench.contract.specs import KindSpec
from tlbench.contract.task_data import Array
from tlbench.learning.device import derive_seed
from tlbench.learning.splitting import draw_budget, draw_per_class
from tlbench.learning.targets import Targets


def budget_positions(kind: KindSpec, targets: Targets, seed: int, budget: Budget) -> Array:
    """Return the positions in the target training split, which depend on the seed alone."""
    # A generator of its own: whatever else is drawn, all strategies of a seed see the same labels.
    random = np.random.default_rng(derive_seed(seed, "budget"))
    strata = kind.create().strata(targets)
    if budget.per_class and budget.size is not None:
        return draw_per_class(strata, budget.size, random)
    return draw_budget(strata, budget.size or len(targets), random)
