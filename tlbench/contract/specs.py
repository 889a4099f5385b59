"""Specs: what hooks return, one record for each domain, task, backbone and strategy.

Everything here is frozen, keyword-only and light: the standard library alone is imported, so that listing a
catalog costs no torch. The functions that a spec carries import what they need when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from tlbench.contract.options import Option
from tlbench.contract.requests import (
    Augment,
    Layout,
    LoadRequest,
    no_files,
)
from tlbench.contract.task_data import Access, TaskData, TaskLabels

if TYPE_CHECKING:
    from tlbench.learning.adapt_request import AdaptRequest
    from tlbench.learning.kinds.protocol import Kind
    from tlbench.learning.model import TransferModel

Selection = Literal[
    "last",
    "source-validation",
    "target-validation",
    "target-folds",
    "target-inputs",
    "certainty",
    "information-maximisation",
    "soft-neighbourhood-density",
    "importance-weighted",
    "deep-embedded-validation",
    "class-shares",
]
"""Rules by which a model or a setting is chosen; by the last six the host chooses, and the strategy does nothing."""
BY_TARGET_INPUTS: tuple[Selection, ...] = ("certainty", "information-maximisation", "soft-neighbourhood-density")
"""Rules by predictions on target inputs: what `StrategySpec.selections` may hold of a strategy that reads them."""
BY_SOURCE_LABELS: tuple[Selection, ...] = ("source-validation", "importance-weighted", "deep-embedded-validation")
"""Rules by losses on source examples that are set aside, the last two weighted by their likeness to target inputs."""
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
    `class-probabilities`, that predictions are a probability for each of several exclusive labels; `distances`, that
    its head is a `Distance`; `embeddings`, that predictions are vectors to be compared, not labels."""
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
    augment_strength: Augment = "weak"
    """How far training batches are varied by them unless the user says otherwise; the source model is always trained
    with this strength. `none`: only if a user or a strategy asks for it."""
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
    reader: Callable[..., Callable[[Path], list[Any]]] | None = None
    """Takes `TaskData.reading` as keywords and returns the function from a file's path to a list of its raw examples.
    Exports carry it with what it needs of other modules; beside the standard library and numpy it may import Pillow,
    pyarrow, scipy and soundfile. It raises `ValueError` for a file that cannot be read. If the function has an
    attribute `text`, an export calls it with texts of text files and of the command line, and predicts the result."""
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
    and the strategy's options; returns the model. It depends on the model's structure, `model.encoder.signature` among
    it, and on the options alone, draws from torch (which has a fixed seed then), and runs again when the model is read
    back. If the head `source` no longer fits, forgetting is measured by probe."""
    on_request: bool = False
    """True: it runs only if it is named, or with `--strategy all`."""
    augments: bool = True
    """False promises that it trains on no batches which the run varies, so that it runs once, whatever strengths
    `--augment` names; the host checks it."""
    baseline: bool = False
    """A bound that is scheduled for every (task, backbone) and set apart on boards."""
    from_source: bool = True
    """False where the source model is not used, so that there is nothing to forget."""
    selection: Selection = "last"
    """The rule by which it chooses among models or settings, which the host enforces. `last`: it does not choose.
    `source-validation`, `target-validation`: on a fifth of the source's training split or of the label budget, which is
    set aside as `validation`. `target-folds`: on folds of the label budget. `target-inputs`: without labels."""
    selections: tuple[Selection, ...] = ()
    """Rules that the user may name with `--select`: then the host chooses among the start and ten models of
    `request.train` or `request.fit` on the model of the request, and the strategy needs to know nothing of it."""
    recipe: str = ""
    """The kind of training, for which backbones have better defaults of training options: `full` (all weights on the
    label budget), `head` (a head on a frozen encoder), `adversarial`, `scratch` or `all-labels`. Empty: only defaults
    for all training count."""
    settings: tuple[Setting, ...] = ("transductive", "inductive", "target-only")
    """Settings that it makes sense in; a pairing of another is skipped with this reason."""
    modalities: tuple[str, ...] = ()
    """Modalities of the inputs that it works on, such as `image`; a pairing of another is skipped with this reason.
    Empty: all."""
    needs: tuple[str, ...] = ()
    """Traits that the backbone, the task's kind or the task must have, such as `batchnorm` or `class-probabilities`;
    also `two-views`, that the backbone varies batches by transformations that the task names, `label-vectors`, that the
    backbone has `encode_labels`, `masked-tokens`, that it gives a feature of each token and has a mask token,
    `one-encoder`, that it is not made of others, and `plain-layers`, that it is not `conv1d-only`. From the kind follow
    `one-prediction`, that each example has one, `unit-targets`, that each unit of prediction has a target, and
    `linear-head`; `source-probe` and `source-class-probabilities` are traits of the source's kind, and
    `source-features` says that there is a source, with a target for each unit of prediction."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which `AdaptRequest.options` holds; begin with `training_options` to use `fit` and `train`."""
