"""Specs of backbones: encoders for one modality, and families of them that are found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from tlbench.contract.options import Option, OptionValue
from tlbench.contract.requests import (
    AugmentRequest,
    BuildRequest,
    FitRequest,
    LabelsRequest,
    Layout,
    PrepareRequest,
    RemaskRequest,
    SaveRequest,
    learns_nothing,
)
from tlbench.contract.specs import EMPTY
from tlbench.contract.task_data import Array

if TYPE_CHECKING:
    import torch

    from tlbench.learning.data import Columns
    from tlbench.learning.model import Encoder


EMPTY_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Files of a pre-trained model, and where they come from."""

    files: Mapping[str, Path]
    """What `fit`, `prepare` and `build` read, by role: `config`, `tokenizer`, and `weights` where it is pre-trained."""
    origin: str
    """What a row says of them: `NAME@REVISION` of a hub, or the file's or folder's own name."""

    @property
    def pretrained(self) -> bool:
        """True where there are weights to start from."""
        return "weights" in self.files


@dataclass(frozen=True, kw_only=True)
class OwnHead:
    """The head of a checkpoint."""

    head: torch.nn.Linear
    """Features `(..., D)` to outputs `(..., C)`."""
    labels: Sequence[str]
    """The names of its C outputs. A source domain may have some of them: the head then has those outputs alone."""
    aliases: Mapping[str, str] = field(default_factory=lambda: EMPTY_NAMES)
    """Other names of labels, such as words for numbers of WordNet, and the labels."""


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """An encoder for one modality, with what turns raw examples into its tensors."""

    name: str
    """`modality/name`, or one word."""
    modality: str
    """`image`, `text`, `audio`, `series` or `tabular`: the tasks that it fits."""
    title: str
    """A heading of a few words."""
    summary: str
    """One sentence."""
    prepare: Callable[[PrepareRequest], Columns]
    """Raw examples -> model inputs in the smallest type; depends on nothing but the request. A large split comes in
    parts, and what is made of an example must not depend on the others."""
    build: Callable[[BuildRequest], Encoder]
    """A new encoder; normalisation is a part of it, so that the exported file needs no other code."""
    fit: Callable[[FitRequest], dict[str, Any]] = learns_nothing
    """Returns JSON: vocabulary, statistics, shapes."""
    preprocess: Callable[[], ModuleType] | None = None
    """Returns the module whose `preprocessor(fitted, options, layout)` gives the function from one raw example to its
    model inputs, which `prepare` calls too. It is copied beside an exported model, so it imports numpy alone, or for
    images Pillow too, and its docstring says what a raw example is: an array, a text, a pair of texts or a list of
    words. None: an export takes prepared arrays."""
    augment: Callable[[AugmentRequest], tuple[torch.Tensor, ...]] | None = None
    """Varies a training batch by the transformations that the request names; None: batches stay as they are."""
    augments_on_device: bool = False
    """True if `augment` works on any device, drawing with `device=request.generator.device`: then training batches are
    varied on the GPU. Else they are varied on the CPU, and copied."""
    checkpoint: Callable[[Mapping[str, Any]], Checkpoint] | None = None
    """Finds a pre-trained model's files, given the backbone's options. Light, called before anything runs; it may fetch
    them. Raises `MissingDataError`. None: the backbone always starts at random."""
    remask: Callable[[RemaskRequest], tuple[tuple[torch.Tensor, ...], torch.Tensor]] | None = None
    """Masks other places of a training batch, as many, for the layout `masked-token`; returns inputs and targets."""
    encode_labels: Callable[[LabelsRequest], Array] | None = None
    """Returns a vector for each label's name, `(C, D)` float32, in the space of the encoder's features, from which a
    kind or a strategy can make a head without labelled examples. None: names have no vectors."""
    own_head: Callable[[BuildRequest], OwnHead] | None = None
    """The head that the checkpoint was trained with, for `source.mode=own-head`."""
    save: Callable[[SaveRequest], None] | None = None
    """Writes a checkpoint that a backbone found by name can read: `tlbench pretrain`."""
    layouts: tuple[Layout, ...] = ("pooled",)
    """Shapes of features that the encoder can give."""
    traits: tuple[str, ...] = ()
    """What a strategy may ask for in `needs`, such as `batchnorm`, and what a task's defaults may go by: `scales`, that
    images of any size are brought to the network's own. `masked-tokens`: a text encoder that has `token_numbers` and
    `token_states`. `conv1d-only`: all its matrices are those of one-dimensional convolutions."""
    recipe: Mapping[str, OptionValue] = field(default_factory=lambda: EMPTY)
    """Better defaults for training options: `NAME`, such as `steps`, for all training; `KIND.NAME`, such as
    `full.steps` or `source.steps`, for one kind of training: `full`, `head`, `adversarial`, `scratch`, `all-labels`, or
    `source`, the source model. Never the name of a strategy. Training from scratch takes the steps of `full`, unless
    there is an entry `scratch.steps`."""
    licence: str = ""
    """The licence of the weights."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which the requests' `options` hold."""
    parts: tuple[BackboneSpec, ...] = ()
    """The backbones that it is made of, whose plugins and packages a run needs too. Options of a part that name files
    of weights end with `_weights`."""
    found_by: str = ""
    """The name by which its family found it, if that is another than its own, such as the path of a folder; set by the
    host."""


@dataclass(frozen=True, kw_only=True)
class BackboneFamily:
    """Backbones too many to list: every name that begins with the family's, such as `timm/resnet50`."""

    name: str
    """The part of the backbones' names before the first slash."""
    modality: str
    """Of most of them, for `tlbench list`; each backbone that is found has its own."""
    title: str
    """A few words for a list."""
    summary: str
    """One sentence."""
    find: Callable[..., BackboneSpec]
    """Takes the name behind the slash and returns the backbone. Light. Raises `UnknownNameError`,
    `MissingDataError`."""
    joins: bool = False
    """True if its backbones are made of others: `find` then also takes a function that returns any backbone by its
    name, and sets `BackboneSpec.parts`."""
    origins: tuple[Path, ...] = ()
    """TOML files that say where `tlbench fetch` gets published models: `tlbench.assets.registry` describes them. A
    model in the folder `models/NAME` is the backbone `FAMILY/NAME`."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
