"""What plugins hand in (specs) and what the host asks of them (requests).

Everything here is frozen, keyword-only and light: the standard library alone is imported, so that listing a
catalog costs no torch. The functions that a spec carries import what they need when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Literal

from tlbench.errors import MissingDataError
from tlbench.options import Option, OptionValue
from tlbench.raw import Rows, Sees, TaskData

if TYPE_CHECKING:
    import torch

    from tlbench.data import Columns
    from tlbench.kinds import Kind
    from tlbench.model import Encoder, TransferModel
    from tlbench.request import AdaptRequest

Setting = Literal["transductive", "inductive"]
Layout = Literal["pooled", "sequence", "map", "next-token", "masked-token"]
"""Shape of features: `pooled` (N, D); `sequence` (N, T, D), position t belongs to word t of the raw example; `map`
(N, H, W, D), a pixel each; `next-token` and `masked-token` (N, T, D), each to say a token of the text itself."""
SELF_LABELLED: tuple[Layout, ...] = ("next-token", "masked-token")
"""Layouts whose targets are parts of the inputs. There the last column that a backbone prepares holds the targets,
token ids from 0, and what it fits names them in `vocabulary`."""
EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class DomainSpec:
    """A field of application; tasks belong to it by the part of their name before the slash."""

    name: str
    title: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """What a task is given to find its files."""

    task: str
    options: Mapping[str, Any]
    data_root: Path | None
    """The folder that `TLBENCH_DATA` names, or None."""

    def files(self, option: str, folder: str, *names: str) -> list[Path]:
        """Return the paths of `names` in the folder that an option holds, else in `folder` below the data root.

        Raises `MissingDataError` when neither is set or a file is not there.
        """
        chosen = str(self.options[option])
        if chosen:
            root, advice = Path(chosen).expanduser(), f"check task.{option}."
        elif self.data_root is not None:
            root, advice = self.data_root / folder, "check TLBENCH_DATA."
        else:
            raise MissingDataError(
                f'Task "{self.task}" reads real data: set TLBENCH_DATA to the folder that holds "{folder}/", '
                f"or name its own folder with --set task.{option}=DIR."
            )
        paths = [root / name for name in names]
        for path in paths:
            if not path.is_file():
                raise MissingDataError(f'Task "{self.task}" reads "{path}", which does not exist: {advice}')
        return paths


def no_files(request: LoadRequest) -> Sequence[Path]:
    """A task that reads no file: its data is generated or comes with a library."""
    return ()


@dataclass(frozen=True, kw_only=True)
class KindSpec:
    """A kind of problem: what the two sides of a task ask for."""

    name: str
    summary: str
    unit: str
    """What the label budget counts."""
    metric: str
    """The metric of a source side that is of another kind than its target."""
    layout: Layout
    create: Callable[[], Kind]
    traits: tuple[str, ...] = ("probe",)
    """What a strategy may ask for in `needs`: `probe`, that a linear head can be fitted to features."""
    activation: Literal["", "softmax"] = ""
    """What `Kind.predict` does to the outputs, so that an exported file's example does it too; empty: nothing."""
    requires: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One transfer: a source side, a target side and a label budget on the target."""

    name: str
    """`domain/name`."""
    title: str
    summary: str
    source: str
    """One sentence on the source side."""
    target: str
    shift: str
    """One sentence on what differs between the sides."""
    modality: str
    """`image`, `text`, `audio`, `series` or `tabular`: which backbones fit."""
    kind: KindSpec
    """What the target asks for; `source_kind` where the source asks for something else."""
    metric: str
    """The target metric that the leaderboard sorts by: a name in the kind's `metrics`."""
    backbone: str
    """The backbone that is taken when none is asked for."""
    label_budget: int
    """Labelled target examples a strategy may see, in the kind's unit."""
    load: Callable[[LoadRequest], TaskData]
    setting: Setting = "transductive"
    source_kind: KindSpec | None = None
    mirrors: str = ""
    """The published benchmark that this task resembles."""
    licence: str = ""
    data_from: Literal["package", "data-root", "user"] = "package"
    """`package`: generated or bundled; `data-root`: files under TLBENCH_DATA; `user`: paths in options."""
    augment: tuple[str, ...] = ()
    """Transformations that keep the label, by name."""
    requires: tuple[str, ...] = ()
    """Top-level import names."""
    extra: str = ""
    """The extra of tlbench that installs them."""
    options: tuple[Option, ...] = ()
    files: Callable[[LoadRequest], Sequence[Path]] = no_files
    """Every file that `load` will read: light, called before anything runs; their contents identify the data."""
    evaluate: Callable[[LoadRequest, Callable[[Sequence[Any]], Any]], dict[str, float]] | None = None
    """Further scores of a predictor (raw inputs -> predictions), such as success in a closed loop."""

    @property
    def domain(self) -> str:
        return self.name.split("/")[0]

    @property
    def kind_of_source(self) -> KindSpec:
        return self.source_kind or self.kind

    @property
    def metric_of_source(self) -> str:
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
        return "weights" in self.files


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What a backbone may learn its vocabulary and statistics from: source training inputs, nothing else."""

    inputs: Rows
    options: Mapping[str, Any]
    sample_rate: int | None = None
    layout: Layout = "pooled"
    files: Mapping[str, Path] = field(default_factory=lambda: EMPTY)
    """Those of the backbone's checkpoint, by role."""


@dataclass(frozen=True, kw_only=True)
class PrepareRequest:
    """Raw examples on their way to being model inputs."""

    inputs: Rows
    fitted: Mapping[str, Any]
    """What `fit` returned, after a journey through JSON."""
    layout: Layout
    options: Mapping[str, Any]
    files: Mapping[str, Path] = field(default_factory=lambda: EMPTY)
    """Those of the backbone's checkpoint, by role."""


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What an encoder is built from; torch is seeded before the call."""

    fitted: Mapping[str, Any]
    layout: Layout
    options: Mapping[str, Any]
    files: Mapping[str, Path] = field(default_factory=lambda: EMPTY)
    """Those of the backbone's checkpoint, by role; without `weights` where the encoder is to start at random."""


@dataclass(frozen=True, kw_only=True)
class AugmentRequest:
    """A training batch to be varied without changing its labels."""

    inputs: tuple[torch.Tensor, ...]
    names: tuple[str, ...]
    """The task's `augment`: the transformations that keep its labels."""
    generator: torch.Generator


def learns_nothing(request: FitRequest) -> dict[str, Any]:
    """A backbone that needs no vocabulary and no statistics."""
    return {}


@dataclass(frozen=True, kw_only=True)
class OwnHead:
    """The head of a checkpoint."""

    head: torch.nn.Linear
    """Features `(..., D)` to outputs `(..., C)`."""
    labels: Sequence[str]
    """The names of its C outputs."""


@dataclass(frozen=True, kw_only=True)
class SaveRequest:
    """A pre-trained encoder on its way into the format of the library that it comes from."""

    encoder: Encoder
    head: torch.nn.Module
    """Its head, which the format may have no place for."""
    fitted: Mapping[str, Any]
    layout: Layout
    options: Mapping[str, Any]
    files: Mapping[str, Path]
    """Those of the checkpoint that training started from, by role."""
    folder: Path
    """An empty folder."""


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """An encoder for one modality, with what turns raw examples into its tensors."""

    name: str
    modality: str
    title: str
    summary: str
    prepare: Callable[[PrepareRequest], Columns]
    """Raw examples -> model inputs in the smallest type; depends on nothing but the request."""
    build: Callable[[BuildRequest], Encoder]
    """A new encoder; normalisation is a part of it, so that the exported file needs no other code."""
    fit: Callable[[FitRequest], dict[str, Any]] = learns_nothing
    """Returns JSON: vocabulary, statistics, shapes."""
    preprocess: Callable[[], ModuleType] | None = None
    """Returns the module whose `preprocessor(fitted, options, layout)` gives the function from one raw example to its
    model inputs, which `prepare` calls too. It is copied beside an exported model, so it imports numpy alone, and its
    docstring says what a raw example is: an array, a text or a list of words. None: an export takes prepared arrays."""
    augment: Callable[[AugmentRequest], tuple[torch.Tensor, ...]] | None = None
    checkpoint: Callable[[Mapping[str, Any]], Checkpoint] | None = None
    """Finds a pre-trained model's files, given the backbone's options. Light, called before anything runs; it may fetch
    them. Raises `MissingDataError`. None: the backbone always starts at random."""
    own_head: Callable[[BuildRequest], OwnHead] | None = None
    """The head that the checkpoint was trained with, for `source.mode=own-head`."""
    save: Callable[[SaveRequest], None] | None = None
    """Writes a checkpoint that a backbone found by name can read: `tlbench pretrain`."""
    layouts: tuple[Layout, ...] = ("pooled",)
    traits: tuple[str, ...] = ()
    """What a strategy may ask for in `needs`, such as `batchnorm`."""
    recipe: Mapping[str, OptionValue] = field(default_factory=lambda: EMPTY)
    """Better defaults for training options: `steps` for all, `finetune.steps` for one strategy, `source.steps` for
    the source model."""
    licence: str = ""
    requires: tuple[str, ...] = ()
    extra: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BackboneFamily:
    """Backbones too many to list: every name that begins with the family's, such as `timm/resnet50`."""

    name: str
    """The part of the backbones' names before the first slash."""
    modality: str
    title: str
    summary: str
    find: Callable[[str], BackboneSpec]
    """Returns the backbone of the name behind the slash. Light. Raises `UnknownNameError`, `MissingDataError`."""
    requires: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, kw_only=True)
class StrategySpec:
    """A way to adapt a source-trained model to the target."""

    name: str
    title: str
    summary: str
    sees: frozenset[Sees]
    trains_encoder: bool
    """False promises that no parameter and no buffer of the encoder changes; the host checks it."""
    adapt: Callable[[AdaptRequest], TransferModel]
    paper: str = ""
    reference: bool = False
    """A bound that is scheduled for every (task, backbone) and set apart on boards."""
    from_source: bool = True
    """False where the source model is not used, so that there is nothing to forget."""
    selection: str = "last"
    """The rule that picks the model: `last`, `source-validation`, `target-validation`, or a named one."""
    settings: tuple[Setting, ...] = ("transductive", "inductive")
    kinds: tuple[str, ...] = ()
    """Kinds it works for; empty: all."""
    needs: tuple[str, ...] = ()
    """Traits that the backbone or the task's kind must have."""
    requires: tuple[str, ...] = ()
    extra: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened during a run; `tlbench_event` receives each."""

    name: Literal[
        "plan-started",
        "pairing-started",
        "stage-started",
        "step",
        "stage-finished",
        "pairing-finished",
        "row-written",
        "plan-finished",
    ]
    pairing: str = ""
    """The pairing's readable name, `TASK BACKBONE STRATEGY seed N`."""
    stage: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    """CPU seconds of a finished stage."""
    cached: bool = False
    """True when a stage's result was found instead of computed."""
    values: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """`key` of the row that a started pairing will leave; `loss` of a step; `row`, and `path` once it is written."""
