"""Checks of a domain."""

from __future__ import annotations

from tlbench.contract.specs import DomainSpec
from tlbench.errors import ContractError
from tlbench.testing.bench import Bench, Check
from tlbench.testing.specs import SPEC_CHECKS, label


def domain_has_a_task(spec: DomainSpec, bench: Bench) -> None:
    """The leaderboard of a domain without tasks would be empty."""
    if not any(task.domain == spec.name for task in bench.catalog.tasks.values()):
        raise ContractError(f'{label(spec)} has no task: add one named "{spec.name}/...".')


CHECKS: tuple[Check[DomainSpec], ...] = (*SPEC_CHECKS, domain_has_a_task)
