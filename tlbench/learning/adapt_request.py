"""The firewall: what a strategy is given, and all that it is given.

The host builds an `AdaptRequest` from copies of the parts that the strategy declares. There is no task, no path to
data, no example id, no loader and no view of a larger array in it or in what its functions hold; unlabelled inputs are
shuffled; test splits never appear. What the host chooses models by, and their scores, are not in it either: the host
sets that around the call. Reading a part that was not declared raises `ContractError`. This stops accidents; it does
not stop code that means harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlbench.contract.editions import MEMBERS, replaced
from tlbench.contract.task_data import Access, Array
from tlbench.errors import ContractError, NotApplicable
from tlbench.learning.batch import Batch, Strengths
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.evaluate import evaluate
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.loop import MakeOptimizer, Schedule, Trained, one_cycle
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.progress import report_step
from tlbench.learning.trainer import Trainer

DECLARATIONS: Mapping[str, str] = {
    "source.train": f"add Access.{Access.SOURCE.name} to `access`",
    "source.validation": f'add Access.{Access.SOURCE.name} to `access`, and use `selection="source-validation"`',
    "target.train": f"add Access.{Access.TARGET_LABELS.name} to `access`",
    "target.validation": f'add Access.{Access.TARGET_LABELS.name} to `access`, and use `selection="target-validation"`',
    "target.unlabelled": f"add Access.{Access.TARGET_INPUTS.name} to `access`",
    "target.all": f"add Access.{Access.TARGET_ALL_LABELS.name} to `access`",
}
"""The parts of the data, and what a strategy declares to read each."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One side of a transfer: what it asks for, and the parts of its data that the strategy declared."""

    name: str
    """`source` or `target`."""
    strategy: str
    """The strategy's name, for messages."""
    kind: Kind
    """What the domain asks for."""
    labels: tuple[str, ...]
    """The names of its labels, in the order of their indices."""
    metric: str
    """The metric of its scores."""
    traits: tuple[str, ...]
    """What its kind gives, such as `class-probabilities`."""
    parts: Mapping[str, Examples | Inputs] = field(repr=False)
    """What the strategy declared, as `target.train`; the properties below read it."""

    @property
    def train(self) -> Examples:
        """Labelled examples to learn from: of the source its training split, of the target the label budget."""
        return self._part("train")  # type: ignore[return-value]

    @property
    def validation(self) -> Examples:
        """Labelled examples to choose by, set aside from those above if the selection rule says so."""
        return self._part("validation")  # type: ignore[return-value]

    @property
    def unlabelled(self) -> Inputs:
        """The target's training split without labels, shuffled."""
        return self._part("unlabelled")  # type: ignore[return-value]

    @property
    def all(self) -> Examples:
        """The target's whole labelled training split, shuffled: for upper bounds."""
        return self._part("all")  # type: ignore[return-value]

    def _part(self, part: str) -> Examples | Inputs:
        return _part_of(self.parts, f"{self.name}.{part}", self.strategy)

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        raise replaced(f"len(request.{self.name})", f"len(request.{self.name}.train)")

    def __getattr__(self, name: str) -> Any:
        if name in ("inputs", "targets", "select"):
            raise replaced(f"request.{self.name}.{name}", f"request.{self.name}.train.{name}")
        raise AttributeError(f"A domain has no attribute {name!r}.")


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """What another backbone sees of the target's examples: its features, one row for each, in the order of `target`."""

    strategy: str
    """The strategy's name, for messages."""
    parts: Mapping[str, Examples | Inputs] = field(repr=False)
    """What the strategy declared; the properties below read it."""

    @property
    def train(self) -> Array:
        """Features `(N, D)` float32 of `target.train`."""
        return self._features("train")

    @property
    def unlabelled(self) -> Array:
        """Features `(N, D)` float32 of `target.unlabelled`."""
        return self._features("unlabelled")

    def _features(self, part: str) -> Array:
        seen = _part_of(self.parts, f"teacher.{part}", self.strategy)
        (features,) = (seen.inputs if isinstance(seen, Examples) else seen).columns
        return np.asarray(features)


def _part_of(parts: Mapping[str, Examples | Inputs], path: str, strategy: str) -> Examples | Inputs:
    if path not in parts:
        advice = DECLARATIONS.get(path.replace("teacher.", "target."), "only the target has it")
        raise ContractError(f'Strategy "{strategy}" reads request.{path} without declaring it: {advice}.')
    return parts[path]


@dataclass(frozen=True, kw_only=True)
class AdaptRequest:
    """One adaptation: a source model to be changed into a model of the target."""

    model: TransferModel
    """A copy of the source model, in evaluation mode. Its head `target` is a copy of `source` if the labels agree, else
    new; a new head of numbers has the mean and the spread of the label budget. Without a source: the backbone as it
    starts, with a new head `target` alone."""
    fresh: Callable[[], TransferModel] = field(repr=False)
    """Returns a model of the same architecture that has not seen the source; its weights are new."""
    source: Domain
    """The source; None if the task has none, which a strategy with access to the source never meets."""
    target: Domain
    """The target."""
    trainer: Trainer = field(repr=False)
    """What `batches`, `fit` and `train` call."""
    selection: str
    """The rule by which the strategy chooses among candidates."""
    label_vectors: Callable[[Encoder, Sequence[str]], Array] | None = field(default=None, repr=False)
    """What `encode_labels` calls; None if the backbone has none."""
    teacher: Teacher = None  # type: ignore[assignment]
    """What another backbone sees of the target; None for a strategy without an option that names one."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Every option of the strategy by name: the user's value, else the backbone's recipe, else the default."""
        return self.trainer.options

    @property
    def generator(self) -> torch.Generator:
        """Draws batches and augmentations, and is for draws of the strategy's own; on the CPU."""
        return self.trainer.generator

    def batches(
        self,
        examples: Examples | Inputs,
        views: int = 1,
        augment: Strengths | None = None,
        size: int | None = None,
        aligned: bool = True,
    ) -> Iterator[Batch]:
        """Yield batches `(inputs, targets, positions)` on the model's device without end, reshuffled every epoch.

        Each has `size` examples (default: the option `batch_size`), or all if there are fewer. `augment` is `none`,
        `weak` or `strong`; by default that of the run, which users name with `--augment`. With several views `inputs`
        is a tuple of batches of the same examples, each augmented anew; `augment=("weak", "strong")` gives two views,
        one of each. For `request.target.unlabelled` targets is None.

        If labels are places in images, as masks and boxes are, all views of an image are moved alike, by the least of
        the strengths: a unit is the same place in each, and labels are right for all. A method that compares whole
        images sets `aligned=False`, and each view of unlabelled inputs is moved by itself.
        """
        if isinstance(examples, Domain):
            raise replaced(
                f"request.batches(request.{examples.name})", f"request.batches(request.{examples.name}.train)"
            )
        return self.trainer.batches(examples, views, augment, size, aligned)

    def fit(
        self,
        model: TransferModel,
        examples: Examples,
        head: str = "target",
        *,
        modules: Iterable[Trained] | None = None,
        steps: int | None = None,
    ) -> None:
        """Train a model on labelled examples with the loss of the head's kind and the strategy's options.

        Args:
            model: What is trained.
            examples: What it is trained on.
            head: Whose outputs the loss takes.
            modules: Parts of the model to train, as for `train`; default: the encoder and the head. All others keep
                their weights and are in evaluation mode, so BatchNorm keeps its statistics there.
            steps: A part of the option `steps`, for training in several phases.
        """
        if isinstance(examples, Domain):
            raise replaced(f"request.fit(model, request.{examples.name})", f"request.{examples.name}.train")
        self.trainer.fit(model, examples, head, modules, steps)

    def train(
        self,
        modules: Iterable[Trained],
        loss: Callable[[float], Tensor],
        *,
        schedule: Schedule = one_cycle,
        optimizer: MakeOptimizer | None = None,
        after_step: Callable[[float], None] = lambda progress: None,
        steps: int | None = None,
    ) -> None:
        """Minimise `loss(progress)` with AdamW by the options `steps`, `learning_rate` and `weight_decay`.

        Gradients are clipped to norm 5, and the rate rises and falls in one cycle. The modules are in training mode
        from the first step on, so BatchNorm takes the target's statistics, unless `loss` puts it into evaluation mode.

        Args:
            modules: What is trained; `(encoder, 0.1)` trains with a tenth of the learning rate.
            loss: Takes the progress from 0 to 1, draws a batch and returns its loss.
            schedule: Takes the progress; returns the learning rate as a part of its peak.
            optimizer: Takes parameter groups with `params` and `lr`; returns another optimiser than AdamW.
            after_step: Called with the progress behind each step: for a teacher's moving average and the like.
            steps: A part of the option `steps`, for training in several phases.
        """
        self.trainer.train(modules, loss, schedule=schedule, optimizer=optimizer, after_step=after_step, steps=steps)

    def score(self, model: TransferModel, examples: Examples, head: str = "target") -> float:
        """Return the score of a model by the task's own metric, for choosing among candidates; higher is better.

        Raises `ContractError` if the strategy declares no selection rule that chooses.
        """
        if self.selection == "last":
            raise ContractError(
                f'Strategy "{self.target.strategy}" scores candidates, but declares selection="last": declare '
                f'`selection="target-validation"` and score on request.target.validation, or another rule.'
            )
        domain = self.target if head == "target" else self.source
        return evaluate(model, head, domain.kind, domain.metric, domain.labels, examples)

    def encode_labels(self, names: Sequence[str] | None = None) -> Array:
        """Return a vector for each label name, `(C, D)`, from the backbone; default: the target's labels.

        Raises `NotApplicable` if the backbone has none: declare `needs=("label-vectors",)`.
        """
        if self.label_vectors is None:
            raise NotApplicable("The backbone has no vectors of label names.")
        return self.label_vectors(self.model.encoder, self.target.labels if names is None else names)

    def on_step(self, step: int, loss: float) -> None:
        """Report a training step to the display; `train` and `fit` do it by themselves."""
        report_step(step, loss)

    def __getattr__(self, name: str) -> Any:
        if name in MEMBERS:
            raise replaced(f"request.{name}", MEMBERS[name])
        raise AttributeError(f"AdaptRequest has no attribute {name!r}.")
