"""Pictures of attributions: an image under a map, or a bar for each token, column or window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from tlbench.learning import Encoder, Inputs
from tlbench_analyses.drawing import png

if TYPE_CHECKING:
    from tlbench_analyses.attribution import Explained

MOST = 30
"""Bars of an example."""


def drawn(
    encoder: Encoder,
    inputs: Inputs,
    masks: Sequence[Tensor],
    classes: Sequence[str],
    found: Mapping[str, Sequence[Explained]],
) -> bytes:
    """Return a row for each example and a column for each model; red adds to the class, blue takes from it."""
    from matplotlib.figure import Figure

    width = 2.6 if masks[0].dim() == 3 else 4.5
    figure = Figure(figsize=(width * len(found), 2.6 * len(masks)), layout="constrained")
    grid = figure.subplots(len(masks), len(found), squeeze=False)
    for position, (mask, label) in enumerate(zip(masks, classes, strict=True)):
        first = inputs.batch(np.array([position]))[0][0]
        for axes, (name, one) in zip(grid[position], found.items(), strict=True):
            values = one[position].values
            axes.set_title(f"{name}: {label}", fontsize=9, parse_math=False)
            if mask.dim() == 3:
                _image(axes, first, values[mask[0].cpu().numpy()])
            else:
                _bars(axes, values, _names(encoder, first, len(values)))
    return png(figure)


def _image(axes: Any, image: Tensor, heat: Any) -> None:
    pixels = image.float().numpy().transpose(1, 2, 0)
    pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
    axes.imshow(pixels.mean(-1), cmap="gray", vmin=0, vmax=1)
    largest = max(float(np.abs(heat).max()), 1e-9)
    axes.imshow(heat, cmap="bwr", vmin=-largest, vmax=largest, alpha=0.45)
    axes.set_axis_off()


def _bars(axes: Any, values: Any, names: Sequence[str]) -> None:
    """Draw the numbers of largest size, in their order in the example."""
    kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:MOST])
    places = np.arange(len(kept))
    axes.barh(places, values[kept], color=np.where(values[kept] > 0, "tab:red", "tab:blue"))
    axes.set_yticks(places, [names[place] for place in kept], fontsize=7, parse_math=False)
    axes.invert_yaxis()


def _names(encoder: Encoder, first: Tensor, number: int) -> list[str]:
    """Return the texts of tokens, else numbers from 1."""
    texts = encoder.token_texts
    if texts is None or first.is_floating_point() or first.dim() != 1:
        return [str(place + 1) for place in range(number)]
    return [texts[token] if 0 <= token < len(texts) else str(token) for token in first.tolist()]
