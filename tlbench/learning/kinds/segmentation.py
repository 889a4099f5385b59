"""One label for each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import ContractError
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.kinds.postprocess import Pixels
from tlbench.learning.kinds.protocol import Postprocess
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.metrics.pixels import pixel_metrics
from tlbench.learning.moving import Moves
from tlbench.learning.probe import Linear, fit_probe, some_units
from tlbench.learning.targets import BatchTargets, Targets


class Segmentation(Classification):
    """One label for each pixel, 0 for the background; the budget counts images, by which labels are in them."""

    postprocess: Postprocess = Pixels()
    """The most probable label of each pixel."""

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return indices `(M,)` int64: the pixels of the masks `(H, W)`, image by image and row by row.

        References are the shapes of the masks, unless the task gives others.
        """
        flat = super().targets([np.ravel(mask) for mask in labels], names)
        return replace(flat, references=[list(np.shape(mask)) for mask in labels])

    def strata(self, targets: Targets) -> Array:
        there = np.zeros((len(targets), int(targets.values.max()) + 1), bool)
        there[np.repeat(np.arange(len(targets)), targets.counts), targets.values] = True
        return np.asarray(np.unique(there, axis=0, return_inverse=True)[1])

    def move(self, targets: BatchTargets, moves: Moves) -> BatchTargets:
        """Return masks that moved with their images: each pixel has the label of the pixel that it shows.

        Raises `ContractError` for masks of another size than the images.
        """
        shown = moves.pixels()
        if len(targets.values) != shown.numel():
            height, width = moves.size
            raise ContractError(
                f"{len(targets)} masks have {len(targets.values)} pixels in all, and their images are moved as "
                f"{height} x {width} pixels: masks must have the size of the images that the backbone prepares."
            )
        return BatchTargets(targets.values.reshape(shown.shape).gather(1, shown).flatten(), targets.counts)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        kept = some_units(len(targets))
        return fit_probe(features[kept], targets[kept], outputs)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return pixel_metrics(len(labels))
