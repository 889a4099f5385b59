"""The firewall: what a strategy is given, and all that it is given.

The host builds an `AdaptRequest` from copies of the parts that the strategy declares in `access`. There is no task, no
path, no example id and no view of a larger array in it; unlabelled inputs are shuffled. Reading a part that was not
declared raises `ContractError`. This stops accidents; it does not stop code that means harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract.task_data import Access
from tlbench.errors import ContractError
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.model import ScaledLinear, TransferModel, device_of
from tlbench.learning.trainer import Schedule, one_cycle, train

Batch = tuple[Tensor, ...]
"""The encoder's arguments for some examples."""
Augment = Callable[[Batch, torch.Generator], Batch]
"""Varies a batch without changing its labels."""
Remask = Callable[[Batch, Tensor, torch.Generator], tuple[Batch, Tensor]]
"""Masks other tokens of a batch of texts; returns inputs and targets."""


@dataclass(frozen=True, kw_only=True)
class AdaptRequest:
    """One adaptation: a source model to be changed into a model of the target."""

    strategy: str
    """The strategy's name, for messages."""
    model: TransferModel
    """A copy of the source model. Its head `target` is a copy of `source` where the labels agree, else new."""
    fresh: Callable[[], TransferModel] = field(repr=False)
    """Returns a model of the same architecture that has not seen the source; its weights are new."""
    kind: Kind
    """What the target asks for; the source asks the same in every task that a transductive strategy meets."""
    classes: int
    """Number of target labels."""
    transductive: bool
    """True where source and target share their labels."""
    options: Mapping[str, Any]
    """Every option of the strategy by name: the user's value, else that of the backbone's recipe, else the default."""
    generator: torch.Generator
    """Draws batches and augmentations; on the CPU."""
    on_step: Callable[[int, float], None]
    """Reports (step, loss) to the display; `train` calls it."""
    augment: Augment
    """Varies a batch on the CPU without changing its labels; `batches` and `unlabelled_batches` call it."""
    parts: Mapping[Access, Examples | Inputs] = field(repr=False)
    """What the strategy declared in `access`, and nothing else; the properties below read it."""
    remask: Remask = field(default=lambda inputs, targets, generator: (inputs, targets))
    """Masks other places of a training batch of masked texts; of others it changes nothing."""

    @property
    def source(self) -> Examples:
        """The labelled source training split."""
        return self._part(Access.SOURCE)  # type: ignore[return-value]

    @property
    def target(self) -> Examples:
        """The labelled target examples: the label budget."""
        return self._part(Access.TARGET_LABELS)  # type: ignore[return-value]

    @property
    def target_inputs(self) -> Inputs:
        """The target training split without labels, shuffled."""
        return self._part(Access.TARGET_INPUTS)  # type: ignore[return-value]

    @property
    def target_all(self) -> Examples:
        """The whole labelled target training split, for upper bounds."""
        return self._part(Access.TARGET_ALL_LABELS)  # type: ignore[return-value]

    def _part(self, part: Access) -> Examples | Inputs:
        if part not in self.parts:
            raise ContractError(
                f'Strategy "{self.strategy}" accesses {part.value} data without declaring it: add '
                f"Access.{part.name} to `access`."
            )
        return self.parts[part]

    def _option(self, name: str) -> Any:
        if name not in self.options:
            raise ContractError(
                f'Strategy "{self.strategy}" uses the option "{name}" without declaring it: begin its `options` with '
                f"those of `training_options(...)`."
            )
        return self.options[name]

    def batches(self, examples: Examples) -> Iterator[tuple[Batch, Tensor]]:
        """Yield augmented batches `(inputs, targets)` on the model's device, without end, reshuffled every epoch."""
        device = device_of(self.model)
        for indices in self._indices(len(examples)):
            inputs = self.augment(examples.inputs.batch(indices), self.generator)
            targets = torch.from_numpy(examples.targets.select(indices).values)
            inputs, targets = self.remask(inputs, targets, self.generator)
            yield tuple(part.to(device) for part in inputs), targets.to(device)

    def unlabelled_batches(self, inputs: Inputs) -> Iterator[Batch]:
        """Yield augmented batches of inputs, as `batches` does."""
        device = device_of(self.model)
        for indices in self._indices(len(inputs)):
            yield tuple(part.to(device) for part in self.augment(inputs.batch(indices), self.generator))

    def _indices(self, size: int) -> Iterator[Any]:
        batch_size = min(int(self._option("batch_size")), size)
        while True:
            order = torch.randperm(size, generator=self.generator).numpy()
            # A short last batch may be too small for BatchNorm: its examples wait for the next epoch.
            for start in range(0, size - batch_size + 1, batch_size):
                yield order[start : start + batch_size]

    def fit(self, model: TransferModel, examples: Examples, head: str = "target") -> None:
        """Train encoder and one head of a model on labelled examples, with the strategy's options."""
        batches, trained = self.batches(examples), model.heads[head]
        if isinstance(trained, ScaledLinear):
            trained.settle(examples.targets.values)

        def loss(progress: float) -> Tensor:
            inputs, targets = next(batches)
            return self.kind.loss(model(*inputs, head=head), targets)

        self.train([model.encoder, trained], loss)

    def train(
        self, modules: Iterable[nn.Module], loss: Callable[[float], Tensor], schedule: Schedule = one_cycle
    ) -> None:
        """Minimise `loss(progress)` with the strategy's `steps`, `learning_rate` and `weight_decay`."""
        train(
            modules,
            loss,
            steps=int(self._option("steps")),
            learning_rate=float(self._option("learning_rate")),
            weight_decay=float(self._option("weight_decay")),
            schedule=schedule,
            on_step=self.on_step,
        )
