"""Segments of an input, and what stands in for a segment that is taken away."""

from __future__ import annotations

import torch
from torch import Tensor

from tlbench import NotApplicable
from tlbench.learning import Encoder

GRID = 7
"""Patches in a row and in a column of an image."""
WINDOWS = 20
"""Windows of a series or a recording."""


def segments(first: Tensor, encoder: Encoder) -> Tensor:
    """Return the number of the segment of each value of the first input `(1, ...)` of an example: its shape, int64.

    Patches of an image `(C, H, W)`, tokens of a text `(T,)`, columns of a row `(F,)`, windows of a recording `(T,)` or
    a series `(C, T)`.
    """
    shape, modality = first.shape[1:], _modality(encoder)
    if modality == "image" and len(shape) == 3:
        rows, columns = (_windows(size, GRID, first.device) for size in shape[1:])
        return (rows[:, None] * (int(columns.max()) + 1) + columns).expand(shape).contiguous()
    if len(shape) == 1 and modality in ("text", "tabular"):
        return torch.arange(shape[0], device=first.device)
    if modality in ("audio", "series") and len(shape) in (1, 2):
        return _windows(shape[-1], WINDOWS, first.device).expand(shape).contiguous()
    raise NotApplicable(f"Inputs of the modality {modality} and the shape {tuple(shape)} have no segments.")


def absent(first: Tensor, encoder: Encoder) -> Tensor:
    """Return what stands in for the first input `(1, ...)`: padding for tokens, silence, the mean of each channel."""
    modality = _modality(encoder)
    if modality in ("text", "audio", "tabular"):  # The columns of a row are standardised: 0 is the mean.
        return torch.zeros_like(first)
    axes = (2, 3) if modality == "image" else (first.dim() - 1,)
    mean = first.float().mean(axes, keepdim=True)
    return (mean.round() if first.dtype == torch.uint8 else mean).to(first.dtype).expand_as(first).contiguous()


def _windows(size: int, number: int, device: torch.device) -> Tensor:
    """Return the number of the window of each of `size` places; windows differ by one place at most."""
    return torch.arange(size, device=device) * min(number, size) // size


def _modality(encoder: Encoder) -> str:
    return encoder.signature.modality if encoder.signature else ""
