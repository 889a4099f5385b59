"""A step or a loss of a strategy of ours, and the same by a library: on the same rows, from the same weights.

Ours runs as it is. Only its trainer is another one: it computes loss and gradients once, in place of training.
"""

from __future__ import annotations

import copy
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plain
import torch
from library_inputs import LABELS, SOURCE, TARGET
from torch import nn
from torch.nn import functional

from tlbench.learning import AdaptRequest, Classification, Domain, Encoder, Examples, Inputs, Targets, TransferModel
from tlbench.learning.trainer import Trainer
from tlbench_adversarial.strategy import adversarial
from tlbench_alignment.mcd import discrepancy
from tlbench_few_labels.fixmatch import pseudo_label_loss
from tlbench_few_labels.prototypes import episode_loss
from tlbench_peft.merged import lora
from tlbench_retention.ewc import ewc
from tlbench_retention.lwf import lwf

ROWS = 45
"""As many of the source as of the target: skada takes the mean of each."""
HALF_WAY = 2 / (1 + math.exp(-5)) - 1
"""Strength of the reversed gradient in the middle of training (Ganin et al. 2016)."""
TRAINING = {"steps": 6, "learning_rate": 1e-2, "batch_size": ROWS, "weight_decay": 1e-4}
CLASSES = (LABELS + (SOURCE[:, 2] > 0.5)).astype(np.int64)
"""Three classes of the source rows."""
QUERIES = np.arange(60) % 3 == 2


class Rows(Encoder):
    """One layer."""

    feature_dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.layer = filled(nn.Linear(4, 3), 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.layer(rows)


def filled(module: nn.Module, seed: int, precision: torch.dtype = torch.float64) -> Any:
    """Return a module with fixed weights."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(random.normal(0, 0.5, parameter.shape)))
    return module.to(precision)


def moved(encoder: nn.Module) -> None:
    """Change the weights as a training might."""
    for parameter, change in zip(encoder.parameters(), filled(Rows(), 9).parameters(), strict=True):
        parameter.data += 0.1 * change.data


def size_of_gradient(encoder: nn.Module) -> float:
    return math.sqrt(sum(float(parameter.grad.square().sum()) for parameter in encoder.parameters()))


@dataclass(kw_only=True)
class Once(Trainer):
    """Computes the loss in the middle of training, and its gradients, in place of training."""

    before: Callable[[list[Any]], None] = lambda modules: None
    """Takes what is to be trained, before the loss is computed."""
    loss: float = math.nan

    def train(self, modules: Any, loss: Any, **others: Any) -> None:
        self.before(list(modules))
        value = loss(0.5)
        value.backward()
        self.loss = value.item()


def request(trainer: type[Trainer] = Once, precision: Any = np.float64, **options: Any) -> AdaptRequest:
    """Return what the host gives a strategy: a source model, labelled source rows and target rows."""
    torch.manual_seed(0)
    before = options.pop("before", None)
    head = filled(nn.Linear(3, 2), 2)
    model = TransferModel(Rows(), {"source": head, "target": copy.deepcopy(head)}).eval()
    kind, ones = Classification(), np.ones(ROWS, np.int64)
    made = trainer(
        owner="any",
        kinds={"source": kind, "target": kind},
        options={**TRAINING, **options},
        generator=torch.Generator().manual_seed(1),
        device=torch.device("cpu"),
        **({"before": before} if before else {}),
    )
    source, target = (Inputs((rows[:ROWS].astype(precision),)) for rows in (SOURCE, TARGET))
    parts = {
        "source.train": Examples(source, Targets(LABELS[:ROWS], ones)),
        "target.train": Examples(target, Targets(LABELS[:ROWS], ones)),
        "target.unlabelled": target,
    }
    domains = {
        name: Domain(
            name=name, strategy="any", kind=kind, labels=("a", "b"), metric="accuracy",
            traits=("class-probabilities",), parts=parts,
        )
        for name in ("source", "target")
    }  # fmt: skip
    model = model.to(torch.from_numpy(np.zeros(1, precision)).dtype)
    return AdaptRequest(model=model, fresh=lambda: model, **domains, trainer=made, selection="last")


def tensors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Source rows, target rows, and the labels of both."""
    return torch.from_numpy(SOURCE[:ROWS]), torch.from_numpy(TARGET), torch.from_numpy(LABELS[:ROWS])


def model_of(encoder: Rows | None = None) -> nn.Sequential:
    """Return encoder and head, with the weights of the source model."""
    return nn.Sequential(Rows() if encoder is None else encoder, filled(nn.Linear(3, 2), 2))


def discriminator(sign: int = 1) -> nn.Sequential:
    """Return the discriminator of `adversarial` with fixed weights; with the sign -1 it says 1 minus its share."""
    made = filled(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)), 3)
    for parameter in made[-1].parameters():
        parameter.data *= sign
    return made


def our_dann() -> dict[str, float]:
    def fill(modules: list[Any]) -> None:
        ((trained, _),) = [one for one in modules if isinstance(one, tuple)]
        trained.to(torch.float64).load_state_dict(discriminator().state_dict())

    asked = request(before=fill, conditional=False, weight=1.0, hidden=8, discriminator_rate=10.0)
    model = adversarial(asked)
    return {"dann-loss": asked.trainer.loss, "dann-gradient": size_of_gradient(model.encoder)}


def dann_of_skada() -> dict[str, float]:
    """The loss of skada is the sum of two means, ours the mean over both domains; its label 1 is the target's."""
    from skada.deep._adversarial import DANNLoss
    from skada.deep.base import DomainAwareCriterion, DomainAwareModule
    from skada.deep.modules import DomainClassifier

    reversing = DomainClassifier(num_features=3, alpha=HALF_WAY)
    reversing.classifier = discriminator(-1)
    module, (source, target, labels) = DomainAwareModule(model_of(), "0", reversing).train(), tensors()
    adapting = DANNLoss(nn.BCEWithLogitsLoss())
    criterion = DomainAwareCriterion(nn.CrossEntropyLoss(), adapting, reg=0.5)
    domains = torch.tensor([1] * ROWS + [-2] * ROWS)
    loss = criterion(module(torch.cat([source, target]), sample_domain=domains), torch.cat([labels, labels]))
    loss.backward()
    return {"dann-loss": float(loss), "dann-gradient": size_of_gradient(module.base_module_[0])}


def logits() -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of two classifiers, or of two views: for three classes, of some of which they are certain."""
    return torch.from_numpy(3 * SOURCE[:45, :3]), torch.from_numpy(3 * TARGET[:, :3])


def our_mcd() -> dict[str, float]:
    return {"mcd": float(discrepancy(*logits()))}


def mcd_of_pytorch_adapt() -> dict[str, float]:
    from pytorch_adapt.layers import MCDLoss

    return {"mcd": float(MCDLoss()(*logits()))}


@dataclass(kw_only=True)
class FromFixed(Trainer):
    """Trains from a fixed A."""

    def fit(self, model: TransferModel, examples: Examples, *others: Any, **more: Any) -> None:
        filled(model.encoder.layer.lora_A.default, 4, torch.float32)
        super().fit(model, examples, *others, **more)


def our_lora() -> dict[str, float]:
    asked = request(FromFixed, np.float32, rank=2, alpha=8)
    return _update(lora(asked).encoder.layer.weight)


def _update(weight: torch.Tensor) -> dict[str, float]:
    """How large the update is, and an output that it changes."""
    change = weight.detach().double() - Rows().layer.weight.detach()
    return {"lora-update": float(change.norm()), "lora-output": float((tensors()[1] @ change.T).sum())}


def lora_of_loralib() -> dict[str, float]:
    import loralib

    layer = loralib.Linear(4, 3, r=2, lora_alpha=8, merge_weights=True)
    layer.weight.data, layer.bias.data = (one.data.float() for one in Rows().layer.parameters())
    layer.bias.requires_grad = False
    layer.lora_A.data = filled(nn.Linear(4, 2, bias=False), 4, torch.float32).weight.data
    model, (_, target, labels) = nn.Sequential(layer, filled(nn.Linear(3, 2), 2, torch.float32)), tensors()
    recipe = plain.Recipe(**TRAINING)
    plain.minimise([model], lambda progress: functional.cross_entropy(model(target.float()), labels), recipe)
    return _update(layer.weight)  # Merged: the model is in evaluation mode.


def our_ewc() -> dict[str, float]:
    asked = request(before=lambda modules: moved(modules[0]), strength=400.0, examples=500)
    ewc(asked)
    return {"ewc": asked.trainer.loss}


def ewc_of_avalanche() -> dict[str, float]:
    """Importances of single examples, and the penalty that is added to the loss; avalanche has no factor 1 / 2."""
    from avalanche.training.plugins.ewc import EWCPlugin
    from avalanche.training.utils import copy_params_dict

    model, (source, target, labels) = model_of(), tensors()
    plugin, optimizer = EWCPlugin(ewc_lambda=200.0), torch.optim.SGD(model.parameters(), lr=0.1)
    data = torch.utils.data.TensorDataset(source, labels, torch.zeros(ROWS))
    found = plugin.compute_importances(model, nn.CrossEntropyLoss(), optimizer, data, "cpu", batch_size=1)
    plugin.update_importances(found, 0)
    plugin.saved_params[0] = copy_params_dict(model)
    moved(model[0])
    loss = functional.cross_entropy(model(target), labels)
    clock = types.SimpleNamespace(train_exp_counter=1)
    training = types.SimpleNamespace(clock=clock, model=model, device="cpu", loss=loss)
    plugin.before_backward(training)
    return {"ewc": float(training.loss)}


def our_lwf() -> dict[str, float]:
    asked = request(before=lambda modules: moved(modules[0].encoder), weight=1.0, temperature=2.0)
    return {"lwf-gradient": size_of_gradient(lwf(asked).encoder)}


def lwf_of_avalanche() -> dict[str, float]:
    """Its loss is less than ours by the entropy of the old answers, which has no gradient."""
    from avalanche.training.regularization import LearningWithoutForgetting

    model, (_, target, labels) = model_of(), tensors()
    method = LearningWithoutForgetting(alpha=1.0, temperature=2.0)
    method.prev_model, method.prev_classes_by_task[0] = copy.deepcopy(model), {0, 1}
    moved(model[0])
    outputs = model(target)
    (functional.cross_entropy(outputs, labels) + method(target, outputs, model)).backward()
    return {"lwf-gradient": size_of_gradient(model[0])}


def our_fixmatch() -> dict[str, float]:
    return {"fixmatch": float(pseudo_label_loss(*logits(), 0.95))}


def fixmatch_in_numpy() -> dict[str, float]:
    """Equation 4 of Sohn et al. 2020, row by row: semilearn, which has FixMatch, could not be imported."""
    weak, strong = (one.numpy() for one in logits())
    shares = np.exp(weak) / np.exp(weak).sum(1, keepdims=True)
    logs = strong - np.log(np.exp(strong).sum(1, keepdims=True))
    errors = [-logs[row, share.argmax()] for row, share in enumerate(shares) if share.max() >= 0.95]
    return {"fixmatch": float(sum(errors)) / ROWS}


def our_prototypes() -> dict[str, float]:
    features, labels, support = (torch.from_numpy(one) for one in (SOURCE, CLASSES, ~QUERIES))
    return {"prototypes": float(episode_loss(features, labels, support))}


def prototypes_of_easyfsl() -> dict[str, float]:
    """The scores of easyfsl are minus the distances; the paper takes their squares."""
    from easyfsl.methods import PrototypicalNetworks

    model, (features, labels) = PrototypicalNetworks(), (torch.from_numpy(one) for one in (SOURCE, CLASSES))
    model.process_support_set(features[~QUERIES], labels[~QUERIES])
    scores = model(features[QUERIES])
    return {"prototypes": float(functional.cross_entropy(-scores.square(), labels[QUERIES]))}


OURS = {
    "dann": our_dann,
    "mcd": our_mcd,
    "lora": our_lora,
    "ewc": our_ewc,
    "lwf": our_lwf,
    "fixmatch": our_fixmatch,
    "prototypes": our_prototypes,
}
"""Strategy -> values by their names."""
THEIRS = {
    "dann": ("skada.deep.base", dann_of_skada),
    "mcd": ("pytorch_adapt.layers", mcd_of_pytorch_adapt),
    "lora": ("loralib", lora_of_loralib),
    "ewc": ("avalanche.training.plugins.ewc", ewc_of_avalanche),
    "lwf": ("avalanche.training.regularization", lwf_of_avalanche),
    "fixmatch": ("numpy", fixmatch_in_numpy),
    "prototypes": ("easyfsl.methods", prototypes_of_easyfsl),
}
"""Strategy -> the module of the library, and its values."""
