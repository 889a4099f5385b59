"""Checks of a family of backbones that are found by name."""

from __future__ import annotations

from tlbench.contract.specs import BackboneFamily
from tlbench.errors import ContractError, UsageError
from tlbench.testing.bench import Bench, Check, need
from tlbench.testing.specs import label, module_is_light, spec_fields_are_valid

NOBODY = "no model is called so"
"""With spaces, so that no hub has to be asked."""


def a_name_that_nothing_has_is_refused(spec: BackboneFamily, bench: Bench) -> None:
    """`find` raises an error whose message is meant for a person."""
    need(spec)
    try:
        spec.find(NOBODY)
    except UsageError:
        return
    raise ContractError(
        f'{label(spec)}: find("{NOBODY}") gives a backbone: raise UnknownNameError or MissingDataError where there is '
        f"none."
    )


CHECKS: tuple[Check[BackboneFamily], ...] = (
    spec_fields_are_valid,
    module_is_light,
    a_name_that_nothing_has_is_refused,
)
