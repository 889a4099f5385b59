"""Transcription by connectionist temporal classification (CTC; Graves et al. 2006, ICML, pages 369-376)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from tlbench import Array, BadInputError, ContractError, ExampleSequence
from tlbench.learning import BatchTargets, Linear, Metric, Outputs, Postprocess, Targets
from tlbench_speech.transcripts.best_path import BLANK, UNKNOWN, BestPath
from tlbench_speech.transcripts.metrics import transcript_metrics


class Transcription:
    """The characters of a transcript in their order; the labels of a side are its alphabet, one character each."""

    postprocess: Postprocess = BestPath()
    """The best path through the frames."""
    has_classes = False

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a linear head with an output for blank, then one for each character."""
        return nn.Linear(features, 1 + len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return the characters of all transcripts as positions in the alphabet, int64; a transcript may be empty.

        `UNKNOWN`, of test transcripts alone, is the position behind the alphabet.
        """
        if wrong := [name for name in names if len(name) != 1]:
            raise BadInputError(f'The alphabet contains "{wrong[0]}": each of its names must be one character.')
        place = {name: position for position, name in enumerate(names)}
        place.setdefault(UNKNOWN, len(names))
        for text in labels:
            if unknown := sorted(set(text) - place.keys()):
                raise BadInputError(f'The transcript "{text}" contains "{unknown[0]}", which the alphabet lacks.')
        values = [place[character] for text in labels for character in text]
        return Targets(np.array(values, np.int64), np.array([len(text) for text in labels], np.int64))

    def classes(self, label: Any) -> Array:
        """Return none: a transcript is no class."""
        return np.zeros(0, np.int64)

    def strata(self, targets: Targets) -> Array:
        return np.zeros(len(targets), np.int64)

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        """Return the mean over clips of the negative log-likelihood of a transcript, divided by its length.

        A transcript that needs more frames than its clip has cannot be aligned: it counts as 0, without a gradient.
        Raises `BadInputError` for one with a character that the alphabet lacks: torch would read what is no output.
        """
        if len(targets.values) and int(targets.values.max()) >= outputs.values.shape[-1] - 1:
            raise BadInputError("A training transcript contains a character that the alphabet lacks: add it there.")
        # On the CPU: torch has no deterministic gradient of this loss on a GPU.
        logarithms = outputs.values.log_softmax(-1).transpose(0, 1).cpu()
        sizes = outputs.counts.cpu(), targets.counts.cpu()
        loss = functional.ctc_loss(logarithms, targets.values.cpu() + 1, *sizes, blank=BLANK, zero_infinity=True)
        return loss.to(outputs.units.device)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        raise ContractError("A transcript says nothing of single frames: there is no linear probe.")

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return outputs whose transcript is empty.

        A constant can only say nothing, or one character for a whole clip: hardly ever a word that is there.
        """
        blank: Array = np.eye(outputs)[BLANK]
        return blank

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return transcript_metrics(labels)
