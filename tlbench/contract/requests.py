"""Requests: what the functions of a spec receive, one frozen record for each kind of function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.task_data import ExampleSequence
from tlbench.errors import MissingDataError

if TYPE_CHECKING:
    import torch

    from tlbench.learning.model import Encoder

Strength = Literal["weak", "strong"]
"""`weak`: variation that hardly changes an example; `strong`: the same transformations with larger ranges, for methods
that compare a strong with a weak view (Sohn et al. 2020, FixMatch, arXiv:2001.07685)."""
Augment = Literal["none", "weak", "strong"]
"""How far training batches are varied: `none`, or a strength."""
Layout = Literal["pooled", "sequence", "context", "map", "cells", "next-token", "masked-token", "continuation"]
"""Shape of features: `pooled` (N, D); `sequence` (N, T, D), position t belongs to word t of the raw example, or to
frame t of a sound; `context` (N, W, D), position w belongs to word w of the second of a pair of texts, a question and
its context, as `tlbench.assets.context_words` divides it; `map` (N, H, W, D), a pixel each; `cells` (N, H', W', D),
each a cell of pixels, for kinds that have no target for each cell; `next-token` and `masked-token` (N, T, D), each to
say a token of the text itself; `continuation` (N, T, D), each to say the next token of an answer that stands behind a
prompt."""


@dataclass(frozen=True)
class LayoutShape:
    """Which axes features of a layout have, and which of their positions are units of prediction."""

    axes: int
    """Axes between the first, N, and the last, D."""
    masked: bool = False
    """True if `Encoder.units` gives a mask `(N, T)` of the positions that are units; else all are."""
    self_labelled: bool = False
    """True if the targets are parts of the inputs."""


LAYOUTS: Mapping[Layout, LayoutShape] = MappingProxyType(
    {
        "pooled": LayoutShape(axes=0),
        "sequence": LayoutShape(axes=1, masked=True),
        "context": LayoutShape(axes=1, masked=True),
        "map": LayoutShape(axes=2),
        "cells": LayoutShape(axes=2),
        "next-token": LayoutShape(axes=1, masked=True, self_labelled=True),
        "masked-token": LayoutShape(axes=1, masked=True, self_labelled=True),
        "continuation": LayoutShape(axes=1, masked=True, self_labelled=True),
    }
)
SELF_LABELLED: tuple[Layout, ...] = tuple(layout for layout, shape in LAYOUTS.items() if shape.self_labelled)
"""Layouts whose targets are parts of the inputs. There the last column that a backbone prepares holds the targets,
token ids from 0, and what it fits names them in `vocabulary`.

In `continuation`, raw examples are pairs (prompt, answer), or prompts alone. The encoder takes two inputs `(N, T)`:
token ids + 1, 0 for padding, and marks, 1 where the next token is one of the answer: also at the last token before it,
the only one if there is no answer. The vocabulary names the token that ends an answer by an empty text."""
ANSWER_TOKENS = 32
"""Tokens of an answer at most, with the one that ends it: in the layout `continuation` a backbone cuts longer answers,
and leaves room for so many behind a prompt."""
NO_FILES: Mapping[str, Path] = MappingProxyType({})
NO_FITTED: Mapping[str, Any] = MappingProxyType({})


class Coverage(NamedTuple):
    """How much of a model a checkpoint covers, in named weights."""

    loaded: int
    """Weights that came from the checkpoint."""
    expected: int
    """Weights that the model has."""


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """What a task is given to find its files."""

    task: str
    """The task's name, for messages."""
    options: Mapping[str, Any]
    """Every option of the task by name, each with its default or the user's value."""
    data_root: Path | None
    """The folder that `TLBENCH_DATA` names, or None."""
    faults: Faults = field(default=RAISE, compare=False, repr=False)
    """Receives what is wrong with the user's files: a run raises it, `tlbench inspect` collects it."""

    def files(self, option: str, folder: str, *names: str) -> list[Path]:
        """Return the paths of `names` in the folder that an option holds, else in `folder` below the data root.

        Raises `MissingDataError` when neither is set or a file is not there.
        """
        chosen = str(self.options[option])
        if chosen:
            root, advice = Path(chosen).expanduser(), f"Check task.{option}."
        elif self.data_root is not None:
            root, advice = self.data_root / folder, "Check TLBENCH_DATA."
        else:
            raise MissingDataError(
                f'Task "{self.task}" reads published data: set TLBENCH_DATA to the folder that contains "{folder}/", '
                f"or use --set task.{option}=DIR."
            )
        paths = [root / name for name in names]
        for path in paths:
            if not path.is_file():
                raise MissingDataError(f'Task "{self.task}": "{path}" does not exist. {advice}')
        return paths


def no_files(request: LoadRequest) -> Sequence[Path]:
    """A task that reads no file: its data is generated or comes with a library."""
    return ()


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What a backbone may learn its vocabulary and statistics from, and nothing else."""

    inputs: ExampleSequence
    """Raw examples of the source training split, as the task loads them. Without a source: those of the label budget,
    or the whole target training split for a strategy with access to its inputs."""
    options: Mapping[str, Any]
    """Every option of the backbone by name."""
    sample_rate: int | None = None
    """Of audio, in Hz."""
    layout: Layout = "pooled"
    """The target's layout."""
    files: Mapping[str, Path] = field(default_factory=lambda: NO_FILES)
    """Those of the backbone's checkpoint, by role."""


@dataclass(frozen=True, kw_only=True)
class PrepareRequest:
    """Raw examples on their way to being model inputs."""

    inputs: ExampleSequence
    """Raw examples of one split, as the task loads them."""
    fitted: Mapping[str, Any]
    """What `fit` returned, JSON round-tripped."""
    layout: Layout
    """The layout of the side that the split belongs to."""
    options: Mapping[str, Any]
    """Every option of the backbone by name."""
    files: Mapping[str, Path] = field(default_factory=lambda: NO_FILES)
    """Those of the backbone's checkpoint, by role."""


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What an encoder is built from; torch is seeded before the call."""

    fitted: Mapping[str, Any]
    """What `fit` returned, JSON round-tripped."""
    layout: Layout
    """The target's layout, which the features must have."""
    options: Mapping[str, Any]
    """Every option of the backbone by name."""
    files: Mapping[str, Path] = field(default_factory=lambda: NO_FILES)
    """Those of the backbone's checkpoint, by role; without `weights` where the encoder is to start at random."""


@dataclass(frozen=True, kw_only=True)
class AugmentRequest:
    """A training batch to be varied without changing its labels."""

    inputs: tuple[torch.Tensor, ...]
    """The encoder's arguments for the batch, on the device of `generator`: the CPU, unless the backbone declares
    `augments_on_device`."""
    names: tuple[str, ...]
    """The task's `augment`: the transformations that keep its labels."""
    strength: Strength = "weak"
    """`weak`, or `strong`: the same transformations with larger ranges. One that has no range, such as a flip, is the
    same for both."""
    fitted: Mapping[str, Any] = field(default_factory=lambda: NO_FITTED)
    """What `fit` of the backbone returned, JSON round-tripped: a sample rate, the numbers of special tokens."""
    generator: torch.Generator
    """The only source of randomness: what it draws depends on the seed."""
    moves: list[torch.Tensor] = field(default_factory=list)
    """Where `augment` says how it moved images, for labels that are places in them: it appends `(N, 2, 3)` for each
    transformation that moves, in their order. It leads from places in the result to places in what was given, in
    coordinates from -1 to 1 between the edges, as `torch.nn.functional.affine_grid` takes it."""


@dataclass(frozen=True, kw_only=True)
class RemaskRequest:
    """A training batch of masked texts, to be masked elsewhere: what is always masked alike is learnt by heart."""

    inputs: tuple[torch.Tensor, ...]
    """The encoder's arguments for the batch, on the CPU."""
    targets: torch.Tensor
    """What stood in the masked places, `(M,)`."""
    fitted: Mapping[str, Any]
    """What `fit` returned, JSON round-tripped."""
    generator: torch.Generator
    """The only source of randomness: what it draws depends on the seed."""


@dataclass(frozen=True, kw_only=True)
class LabelsRequest:
    """Names of labels to be turned into vectors that lie among an encoder's features."""

    names: tuple[str, ...]
    """The C names."""
    encoder: Encoder
    """What `build` returned, as it is now."""
    fitted: Mapping[str, Any]
    """What `fit` returned, JSON round-tripped."""
    layout: Layout
    """The layout that the encoder was built for."""
    options: Mapping[str, Any]
    """Every option of the backbone by name."""
    files: Mapping[str, Path] = field(default_factory=lambda: NO_FILES)
    """Those of the backbone's checkpoint, by role."""


@dataclass(frozen=True, kw_only=True)
class SaveRequest:
    """A pre-trained encoder on its way into the format of the library that it comes from."""

    encoder: Encoder
    """What `build` returned, trained."""
    head: torch.nn.Module
    """Its head, which the format may have no place for."""
    fitted: Mapping[str, Any]
    """What `fit` returned, JSON round-tripped."""
    layout: Layout
    """The layout that the encoder was built for."""
    options: Mapping[str, Any]
    """Every option of the backbone by name."""
    files: Mapping[str, Path]
    """Those of the checkpoint that training started from, by role."""
    folder: Path
    """An empty folder."""


def learns_nothing(request: FitRequest) -> dict[str, Any]:
    """A backbone that needs no vocabulary and no statistics."""
    return {}
