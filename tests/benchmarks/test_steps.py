"""Goal 7: what one step of the training loop costs beside the work in it."""

from __future__ import annotations

import bare
import limit
import numpy as np
import torch
from contest import compared, compete
from torch import nn

from tlbench.learning.data import Examples, Inputs
from tlbench.learning.device import set_up
from tlbench.learning.kinds import Classification
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.targets import Targets
from tlbench.learning.trainer import Trainer

EXAMPLES, WIDTH, CLASSES = 1408, 512, 10


class Passing(Encoder):
    """Features as they are."""

    feature_dim = WIDTH

    def forward(self, rows):
        return rows


def layer():
    torch.manual_seed(0)
    return nn.Linear(WIDTH, CLASSES)


def steps_of(epochs):
    """Contenders that train one linear layer; each step's time in us."""
    random, steps = np.random.default_rng(0), epochs * EXAMPLES // 64
    rows = random.normal(size=(EXAMPLES, WIDTH)).astype(np.float32)
    labels = random.integers(CLASSES, size=EXAMPLES)
    tensors = torch.from_numpy(rows), torch.from_numpy(labels)
    examples = Examples(Inputs((rows,)), Targets.of(labels))

    def ours(number):
        model = TransferModel(Passing(), {"target": layer()})
        trainer = Trainer(
            owner="steps",
            kinds={"target": Classification()},
            options={"steps": steps, "learning_rate": 1e-3, "weight_decay": 1e-4, "batch_size": 64},
            generator=torch.Generator().manual_seed(number),
            device=torch.device("cpu"),
        )
        trainer.fit(model, examples)
        return {}

    def lean(number):
        limit.fine_tune(layer(), *tensors, steps=steps, seed=number, half=False)
        return {}

    def plain(number):
        bare.fine_tune(layer(), *tensors, epochs=epochs)
        return {}

    return {"tlbench": ours, "limit": lean, "bare": plain}


def test_steps(benchmark, say):
    set_up(threads=1)
    epochs = 20
    found = compete(benchmark, steps_of(epochs), rounds=9)
    own, best, plain = (found[name]["seconds"] * 1e6 / (epochs * EXAMPLES / 64) for name in found)
    say(compared(7, "one step, 512 -> 10", own, "us", limit=(best, 1.15), bare=(plain, None)))
