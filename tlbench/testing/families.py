"""Checks of a family of backbones that are found by name."""

from __future__ import annotations

from tlbench.contract.backbone_specs import BackboneFamily
from tlbench.errors import ContractError, UsageError
from tlbench.testing.bench import Bench, Check, need
from tlbench.testing.specs import SPEC_CHECKS, label

NOBODY = "no model is called so"
"""With spaces, so that no hub has to be asked."""


def unknown_names_are_refused(spec: BackboneFamily, bench: Bench) -> None:
    """`find` raises an error whose message is meant for a person."""
    need(spec)
    try:
        spec.find(NOBODY, bench.catalog.backbone) if spec.joins else spec.find(NOBODY)
    except UsageError:
        return
    raise ContractError(
        f'{label(spec)}: find("{NOBODY}") returns a backbone for an unknown name: raise UnknownNameError or '
        f"MissingDataError."
    )


CHECKS: tuple[Check[BackboneFamily], ...] = (
    *SPEC_CHECKS,
    unknown_names_are_refused,
)
