"""Checks of a domain."""

from __future__ import annotations

from tlbench.errors import ContractError
from tlbench.records import DomainSpec
from tlbench.testing.bench import Bench, Check
from tlbench.testing.specs import its_module_is_light, label, the_record_is_whole


def it_has_a_task(spec: DomainSpec, bench: Bench) -> None:
    """A domain without tasks is an empty board."""
    if not any(task.domain == spec.name for task in bench.catalog.tasks.values()):
        raise ContractError(f'{label(spec)} has no task: name one "{spec.name}/...".')


CHECKS: tuple[Check[DomainSpec], ...] = (the_record_is_whole, its_module_is_light, it_has_a_task)
