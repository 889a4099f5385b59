"""Specs: what hooks return, one record for each domain, task, backbone and strategy.

Everything here is frozen, keyword-only and light: the standard library alone is imported, so that listing a
catalog costs no torch. The functions that a spec carries import what they need when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Literal

from tlbench.contract.options import Option, OptionValue
from tlbench.contract.requests import (
    AugmentRequest,
    BuildRequest,
    FitRequest,
    LabelsRequest,
    Layout,
    LoadRequest,
    PrepareRequest,
    RemaskRequest,
    SaveRequest,
    learns_nothing,
    no_files,
)
from tlbench.contract.task_data import Access, Array, TaskData, TaskLabels

if TYPE_CHECKING:
    import torch

    from tlbench.learning.adapt_request import AdaptRequest
    from tlbench.learning.data import Columns
    from tlbench.learning.kinds.protocol import Kind
    from tlbench.learning.model import Encoder, TransferModel

Selection = Literal["last", "source-validation", "target-validation", "target-folds", "target-inputs"]
"""Rules by which a strategy chooses among models or settings."""
Setting = Literal["transductive", "inductive", "target-only"]
"""`transductive`: source and target have the same labels; `inductive`: they have not; `target-only`: no source."""
EMPTY: Mapping[str, Any] = MappingProxyType({})
HUB = "hf://"
"""What a place on the Hugging Face hub begins with; `tlbench.assets.readers.hub` says how it goes on."""


@dataclass(frozen=True, kw_only=True)
class DomainSpec:
    """A field of application; tasks belong to it by the part of their name before the slash."""

    name: str
    """One word; the part before the slash of its tasks' names."""
    title: str
    """What people call it."""
    summary: str
    """One sentence."""


@dataclass(frozen=True, kw_only=True)
class KindSpec:
    """A kind of problem: what the two sides of a task ask for."""

    name: str
    """One or several words, which messages and cards show."""
    summary: str
    """One sentence."""
    unit: str
    """What the label budget counts, in the plural: `labels`, `sentences`."""
    metric: str
    """The metric of a source side that is of another kind than its target."""
    layout: Layout
    """The shape of features that its head takes."""
    create: Callable[[], Kind]
    """Returns the kind; the place to import torch."""
    supervised: bool = True
    """False where all training examples have label 0, so that strategies that train an encoder have nothing to learn
    from."""
    traits: tuple[str, ...] = ("probe",)
    """What a strategy may ask for in `needs`: `probe`, that a linear head can be fitted to features;
    `class-probabilities`, that predictions are a probability for each of several exclusive labels."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One transfer: a target side with a label budget, and a source side, if there is one."""

    name: str
    """`domain/name`."""
    title: str
    """A heading of a few words."""
    summary: str
    """One sentence."""
    target: str
    """One sentence on the target side."""
    shift: str
    """One sentence on what differs between the sides."""
    modality: str
    """`image`, `text`, `audio`, `series` or `tabular`: which backbones fit."""
    kind: KindSpec
    """What the target asks for; `source_kind` where the source asks for something else."""
    metric: str
    """The target metric that the leaderboard sorts by, highest first: a name in the kind's `metrics`."""
    backbone: str
    """The backbone that is taken when none is asked for."""
    label_budget: int
    """Labelled target examples a strategy may see, in the kind's unit."""
    load: Callable[[LoadRequest], TaskData]
    """Returns all raw data: the same for the same options and files, whatever the seed."""
    source: str = ""
    """One sentence on the source side; empty for a task that has none."""
    setting: Setting = "transductive"
    """`transductive` if both sides have the same labels, `inductive` if they have not, `target-only` without a source.
    Of a task with `labels` it is what holds before the user's files are known."""
    labels: Callable[[LoadRequest], TaskLabels] | None = None
    """The labels that `load` will return: light, called before anything runs, so that the setting follows from the
    files. None: the setting is `setting`, whatever the options."""
    source_kind: KindSpec | None = None
    """What the source asks for where it is not what the target asks for."""
    mirrors: str = ""
    """The published benchmark that this task resembles."""
    licence: str = ""
    """The licence of the data."""
    data_from: Literal["package", "data-root", "user"] = "package"
    """`package`: generated or bundled; `data-root`: files under TLBENCH_DATA; `user`: paths in options."""
    origins: tuple[Path, ...] = ()
    """TOML files that say where `tlbench fetch` gets the published files: `tlbench.assets.registry` describes them."""
    augment: tuple[str, ...] = ()
    """Transformations that keep the label, by name; a backbone that knows none leaves batches as they are."""
    traits: tuple[str, ...] = ()
    """What a strategy may ask for in `needs` and this task gives, in addition to its kind, by a name of your own."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which `LoadRequest.options` holds; `source` and `target` are the names of places of files."""
    files: Callable[[LoadRequest], Sequence[Path]] = no_files
    """Every file that `load` will read: light, called before anything runs; their contents identify the data."""
    evaluate: Callable[[LoadRequest, Callable[[Sequence[Any]], Any]], dict[str, float]] | None = None
    """Further scores of a predictor (raw inputs -> predictions), such as success in a closed loop."""

    @property
    def domain(self) -> str:
        """The part of the name before the slash."""
        return self.name.split("/")[0]

    @property
    def kind_of_source(self) -> KindSpec:
        """`source_kind`, or `kind` where both sides ask for the same."""
        return self.source_kind or self.kind

    @property
    def metric_of_source(self) -> str:
        """The metric of the source's scores, which forgetting compares."""
        return self.source_kind.metric if self.source_kind else self.metric


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
    """The names of its C outputs."""


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
    model inputs, which `prepare` calls too. It is copied beside an exported model, so it imports numpy alone, and its
    docstring says what a raw example is: an array, a text, a pair of texts or a list of words. None: an export takes
    prepared arrays."""
    augment: Callable[[AugmentRequest], tuple[torch.Tensor, ...]] | None = None
    """Varies a training batch by the transformations that the request names; None: batches stay as they are."""
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
    images of any size are brought to the network's own."""
    recipe: Mapping[str, OptionValue] = field(default_factory=lambda: EMPTY)
    """Better defaults for training options: `NAME`, such as `steps`, for all training; `KIND.NAME`, such as
    `full.steps` or `source.steps`, for one kind of training: `full`, `head`, `adversarial`, `scratch`, `all-labels`, or
    `source`, the source model. Never the name of a strategy."""
    licence: str = ""
    """The licence of the weights."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which the requests' `options` hold."""


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
    find: Callable[[str], BackboneSpec]
    """Returns the backbone of the name behind the slash. Light. Raises `UnknownNameError`, `MissingDataError`."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""


@dataclass(frozen=True, kw_only=True)
class StrategySpec:
    """A way to adapt a source-trained model to the target."""

    name: str
    """One word, by which users ask for it and rows name it."""
    title: str
    """A heading of a few words."""
    summary: str
    """One sentence."""
    access: frozenset[Access]
    """The parts of the data that `adapt` is given; reading another raises `ContractError`."""
    trains_encoder: bool
    """False promises that no parameter and no buffer of the encoder changes; the host checks it."""
    adapt: Callable[[AdaptRequest], TransferModel]
    """Returns the adapted model: that of the request, or `fresh()`, with the heads `source` and `target`."""
    paper: str = ""
    """Authors, year, title and address of where it comes from."""
    extend: Callable[[TransferModel, Mapping[str, Any]], TransferModel] | None = None
    """Changes the architecture before `adapt`: adapters, another head, a second encoder. Takes the model with its heads
    and the strategy's options; returns the model. It depends on the model's structure and on the options alone, draws
    from torch (which has a fixed seed then), and runs again when the model is read back. If the head `source` no longer
    fits, forgetting is measured by probe."""
    baseline: bool = False
    """A bound that is scheduled for every (task, backbone) and set apart on boards."""
    from_source: bool = True
    """False where the source model is not used, so that there is nothing to forget."""
    selection: Selection = "last"
    """The rule by which it chooses among models or settings, which the host enforces. `last`: it does not choose.
    `source-validation`, `target-validation`: on a fifth of the source's training split or of the label budget, which is
    set aside as `validation`. `target-folds`: on folds of the label budget. `target-inputs`: without labels."""
    recipe: str = ""
    """The kind of training, for which backbones have better defaults of training options: `full` (all weights on the
    label budget), `head` (a head on a frozen encoder), `adversarial`, `scratch` or `all-labels`. Empty: only defaults
    for all training count."""
    settings: tuple[Setting, ...] = ("transductive", "inductive", "target-only")
    """Settings that it makes sense in; a pairing of another is skipped with this reason."""
    needs: tuple[str, ...] = ()
    """Traits that the backbone, the task's kind or the task must have, such as `batchnorm` or `class-probabilities`;
    also `two-views`, that the backbone varies batches by transformations that the task names, and `label-vectors`,
    that the backbone has `encode_labels`."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which `AdaptRequest.options` holds; begin with `training_options` to use `fit` and `train`."""
