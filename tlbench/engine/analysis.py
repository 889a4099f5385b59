"""What the stage analyse computes: what adaptation changed inside a model, in numbers and a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

import numpy as np

from tlbench.contract.diagnostics import Analysis, AnalysisRequest, AnalysisSpec
from tlbench.engine.contents import PICTURE
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError
from tlbench.learning.data import Examples
from tlbench.learning.device import seed_everything
from tlbench.learning.model import TransferModel
from tlbench.planning.plan import Pairing
from tlbench.planning.plan_parts import Asked
from tlbench.results.files import PNG
from tlbench.results.parts import AnalysisPart

LARGEST = 5_000_000
"""Bytes of a picture: boards are published."""


def analyse(
    pairing: Pairing, prepared: Prepared, before: TransferModel, after: TransferModel, folder: Path
) -> AnalysisPart:
    """Return the numbers of the pairing's one analysis; write its picture into the folder.

    Raises `ContractError` if it returns anything but finite numbers and a PNG.
    """
    (asked,) = pairing.analyses
    found = asked.spec.analyse(analysis_request(pairing, prepared, before, after, asked))
    check_analysis(asked.spec, found)
    if found.picture is not None:
        (folder / PICTURE).write_bytes(found.picture)
    return AnalysisPart(analyses={asked.label: {name: float(value) for name, value in found.numbers.items()}})


def analysis_request(
    pairing: Pairing, prepared: Prepared, before: TransferModel, after: TransferModel, asked: Asked[AnalysisSpec]
) -> AnalysisRequest:
    """Seed torch and return what an analysis is given."""
    copied = _copied(prepared, "target-test")
    source = prepared.source_labels is not None
    return AnalysisRequest(
        before=before.eval(),
        after=after.eval(),
        inputs=copied.inputs,
        targets=copied.targets,
        source_inputs=_copied(prepared, "source-test").inputs if source else None,
        labels=tuple(prepared.target_labels),
        columns=prepared.columns,
        generator=seed_everything(pairing.seed, "analyse", asked.label),
        options=dict(asked.options),
    )


def _copied(prepared: Prepared, split: str) -> Examples:
    """Return a copy of a split: what is mapped from a file names its path."""
    examples = prepared.split(split)
    return examples.select(np.arange(len(examples)))


def check_analysis(spec: AnalysisSpec, found: object) -> None:
    """Raise `ContractError` if that is no `Analysis` of finite numbers and a PNG."""
    what = f'Analysis "{spec.name}"'
    if not isinstance(found, Analysis) or not isinstance(found.numbers, Mapping):
        raise ContractError(
            f"{what} returned a {type(found).__name__}: return tlbench.Analysis(numbers=..., picture=...)."
        )
    for name, value in found.numbers.items():
        if (
            not isinstance(name, str)
            or not name.isprintable()
            or not name
            or not isinstance(value, Real)
            or isinstance(value, bool)
        ):
            raise ContractError(f"{what} returned {name!r}: {value!r}: numbers are finite floats by names.")
        if not math.isfinite(value):
            raise ContractError(
                f'{what} returned {float(value)} for "{name}": return finite numbers, or raise why not.'
            )
    if found.picture is not None and len(found.picture) > LARGEST:
        raise ContractError(
            f"{what} returned a picture of {len(found.picture):,} bytes: return one of {LARGEST:,} at most."
        )
    if found.picture is not None and not (isinstance(found.picture, bytes) and found.picture.startswith(PNG)):
        raise ContractError(f"{what} returned a picture that is no PNG: return the bytes of a PNG file, or None.")
    if not found.numbers and found.picture is None:
        raise ContractError(f"{what} returned neither a number nor a picture: return at least one of them.")
