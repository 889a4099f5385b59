"""Checks of a domain."""

from __future__ import annotations

from tlbench.contract.specs import DomainSpec
from tlbench.errors import ContractError
from tlbench.testing.bench import Bench, Check
from tlbench.testing.specs import label, module_is_light, spec_fields_are_valid


def it_has_a_task(spec: DomainSpec, bench: Bench) -> None:
    """A domain without tasks is an empty board."""
    if not any(task.domain == spec.name for task in bench.catalog.tasks.values()):
        raise ContractError(f'{label(spec)} has no task: name one "{spec.name}/...".')


CHECKS: tuple[Check[DomainSpec], ...] = (spec_fields_are_valid, module_is_light, it_has_a_task)
