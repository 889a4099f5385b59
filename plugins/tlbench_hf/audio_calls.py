"""The functions that specs of speech carry; what they do is imported when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlbench import BuildRequest, FitRequest, PrepareRequest, SaveRequest

if TYPE_CHECKING:
    from tlbench.learning import Columns, Encoder


def fit(request: FitRequest) -> dict[str, Any]:
    """What `tlbench_hf.audio.fit` does."""
    from tlbench_hf.audio import fit

    return fit(request)


def fit_wav2vec2(request: FitRequest) -> dict[str, Any]:
    """Lay out a new wav2vec 2.0."""
    from tlbench_hf.audio import fit_new

    return fit_new(request)


def prepare(request: PrepareRequest) -> Columns:
    """What `tlbench_hf.audio.prepare` does."""
    from tlbench_hf.audio import prepare

    return prepare(request)


def build(request: BuildRequest) -> Encoder:
    """What `tlbench_hf.audio.build` does."""
    from tlbench_hf.audio import build

    return build(request)


def save(request: SaveRequest) -> None:
    """What `tlbench_hf.audio.save` does."""
    from tlbench_hf.audio import save

    save(request)
