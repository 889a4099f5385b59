"""Small encoders of every sort of layer, and a request that adapts one."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from fakes.checkpoints import bert_folder, gpt2_folder
from fakes.hf_backbones import MANY, Made
from tlbench.learning import AdaptRequest, Classification, Encoder, Targets, TransferModel
from tlbench.learning.adapt_request import Domain
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.trainer import Trainer

LABELS = ("a", "b", "c")
SIZE = 24


class Stack(Encoder):
    """Layers one after the other; a mean over positions."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.feature_dim = 6

    def forward(self, rows):
        states = self.layers(rows)
        return states.flatten(2).mean(2) if states.ndim > 2 else states


class Residual(nn.Module):
    """A block of two convolutions, the second of which is behind one that has groups."""

    def __init__(self):
        super().__init__()
        self.conv1, self.grouped = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1, groups=3)
        self.norm, self.conv2 = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 1)

    def forward(self, maps):
        return maps + self.conv2(functional.relu(self.norm(self.grouped(self.conv1(maps)))))


def images():
    """Convolutions with a stride, with groups and with holes."""
    holes = nn.Conv2d(6, 6, 3, padding=2, dilation=2)
    return Stack(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU(), Residual(), holes)


def series():
    return Stack(nn.Conv1d(3, 5, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Conv1d(5, 6, 1))


def rows():
    return Stack(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 6))


SHAPES = {"images": (3, 8, 8), "series": (3, 12), "rows": (4,)}


def network(name, root):
    """Return a model in evaluation mode and its inputs."""
    torch.manual_seed(0)
    if name in SHAPES:
        encoder = {"images": images, "series": series, "rows": rows}[name]()
        inputs = Inputs((np.random.default_rng(0).normal(size=(SIZE, *SHAPES[name])).astype(np.float32),))
        return TransferModel(encoder, {"target": nn.Linear(6, len(LABELS))}).eval(), inputs
    made = Made({"bert": bert_folder, "gpt2": gpt2_folder}[name](root / name), MANY[:SIZE])
    model = made.model(len(LABELS))
    for part in model.modules():  # Two ways to the same weights draw their dropout in another order.
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return model, made.inputs()


@dataclass(kw_only=True)
class Noting(Trainer):
    """A trainer that keeps what it was given and what it made."""

    start: dict = field(default_factory=dict)
    end: dict = field(default_factory=dict)
    inputs: Inputs
    outputs: torch.Tensor = None

    def fit(self, model, examples, head="target", modules=None, steps=None):
        self.start = {name: value.detach().clone() for name, value in model.state_dict().items()}
        super().fit(model, examples, head, modules, steps)
        self.end = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.outputs = outputs(model, self.inputs)


def outputs(model, inputs):
    with torch.no_grad():
        return model(*inputs.batch(np.arange(len(inputs)))).units


def request_for(model, inputs, **options):
    """Return the request of an adaptation of a copy of a model to random labels; `trainer` notes what happened."""
    given = {"steps": 6, "learning_rate": 0.01, "batch_size": 8, "weight_decay": 0.0, "rank": 2, "alpha": 4} | options
    targets = Targets(np.arange(len(inputs)) % len(LABELS), np.ones(len(inputs), np.int64))
    parts = {"target.train": Examples(inputs, targets)}
    kind = Classification()
    target = Domain(name="target", strategy="s", kind=kind, labels=LABELS, metric="accuracy", traits=(), parts=parts)
    generator = torch.Generator().manual_seed(0)
    trainer = Noting(
        owner="s",
        kinds={"target": kind},
        options=given,
        generator=generator,
        device=torch.device("cpu"),
        inputs=inputs,
    )
    return AdaptRequest(
        model=copy.deepcopy(model), fresh=lambda: model, source=None, target=target, trainer=trainer, selection="last"
    )
