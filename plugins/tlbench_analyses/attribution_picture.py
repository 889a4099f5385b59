"""Pictures of attributions: an image under a map, or a bar for each token, column or window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tlbench.learning import Encoder
from tlbench_analyses.drawing import png

MOST = 30
"""Bars of an example."""
MEANING = "Probability of the class that the adapted model predicts:\nred adds to it, blue takes from it"


@dataclass(frozen=True)
class Shown:
    """One example in a picture."""

    first: Tensor
    """Its first input `(...)`, without a batch."""
    mask: Tensor
    """The number of the segment of each value."""
    columns: Sequence[str]
    """Names of columns, if it is a row and they have some."""
    predicted: str
    true: str | None
    """The true label; None if targets are not classes."""
    values: Mapping[str, NDArray[np.float64]]
    """Model -> `(S,)`: what each segment adds to the probability of the predicted class."""


def drawn(encoder: Encoder, examples: Sequence[Shown]) -> bytes:
    """Return a row for each example and a column for each model, all on one scale."""
    from matplotlib.figure import Figure

    models, are_images = list(examples[0].values), examples[0].mask.dim() == 3
    width = 2.6 if are_images else 4.5
    figure = Figure(figsize=(width * len(models), 2.8 * len(examples) + 0.6), layout="constrained")
    grid = figure.subplots(len(examples), len(models), squeeze=False)
    every = np.concatenate([values for example in examples for values in example.values.values()])
    largest = max(float(np.abs(every).max()), 1e-9)
    for row, example in zip(grid, examples, strict=True):
        for axes, name in zip(row, models, strict=True):
            axes.set_title(_title(example, name), fontsize=9, parse_math=False)
            if are_images:
                heat = _image(axes, example.first, example.values[name][example.mask[0].cpu().numpy()], largest)
            else:
                _bars(axes, example.values[name], _names(encoder, example), limits(every))
    if are_images:
        figure.colorbar(heat, ax=grid, location="bottom", aspect=30).set_label(MEANING, fontsize=8)
    else:
        figure.supxlabel(MEANING, fontsize=8)
    return png(figure)


LONGEST_NAME = 24
"""Characters of a column's name beside its bar."""


def limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of an axis that holds 0 and all values, with a little room."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    room = max(0.03 * (high - low), 1e-9)
    return low - room, high + room


def _title(example: Shown, name: str) -> str:
    # The model before adaptation may predict another class than the one that both are asked about.
    title = f"{name}: {'predicted' if name == 'after' else 'for'} {example.predicted}"
    return title if example.true is None else f"{title}\ntrue {example.true}"


def _image(axes: Any, image: Tensor, heat: Any, largest: float) -> Any:
    """Draw an image in grey under its map, which is returned for the bar of colours."""
    pixels = image.float().numpy().transpose(1, 2, 0)
    pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
    axes.imshow(pixels.mean(-1), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    return axes.imshow(heat, cmap="bwr", vmin=-largest, vmax=largest, alpha=0.45)


def _bars(axes: Any, values: Any, names: Sequence[str], ends: tuple[float, float]) -> None:
    """Draw the numbers of largest size, in their order in the example."""
    kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:MOST])
    places = np.arange(len(kept))
    axes.barh(places, values[kept], color=np.where(values[kept] > 0, "tab:red", "tab:blue"))
    axes.set_yticks(places, [names[place] for place in kept], fontsize=7, parse_math=False)
    axes.set_xlim(*ends)
    axes.invert_yaxis()


def _names(encoder: Encoder, example: Shown) -> list[str]:
    """Return the texts of tokens, the names of columns, or else what a segment is, with its number from 1."""
    texts, first = encoder.token_texts, example.first
    if texts is not None and not first.is_floating_point() and first.dim() == 1:
        return [texts[token] if 0 <= token < len(texts) else str(token) for token in first.tolist()]
    number = int(example.mask.max()) + 1
    if len(example.columns) == number:
        return [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..." for name in example.columns]
    modality = encoder.signature.modality if encoder.signature else ""
    word = {"tabular": "column ", "audio": "window ", "series": "window "}.get(modality, "")
    return [f"{word}{place + 1}" for place in range(number)]
