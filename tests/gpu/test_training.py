"""What only a CUDA device can show of training; skipped elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from models import CASES, KIND, Pixels
from torch import nn

from tlbench.learning.arithmetic import Arithmetic
from tlbench.learning.batch import Augmentation
from tlbench.learning.device import DeviceClock, move, set_up
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.trainer import Trainer
from tlbench.learning.vary.images import TRANSFORMATIONS, vary_images

pytestmark = pytest.mark.gpu
RESNET, BERT, GPT2 = CASES[0], CASES[2], CASES[3]


def trainer(steps, augmentation=None, **arithmetic):
    set_up(1)
    return Trainer(
        owner="test",
        kinds={"target": KIND},
        options={"steps": steps, "learning_rate": 1e-3, "weight_decay": 0.0, "batch_size": 8},
        generator=torch.Generator().manual_seed(0),
        device=torch.device("cuda"),
        arithmetic=Arithmetic(**arithmetic),
        augmentation=augmentation or Augmentation(),
    )


ALL = tuple(TRANSFORMATIONS)


@pytest.mark.parametrize(("names", "on_device"), [((), True), (ALL, True), (ALL, False)])
def test_no_step_waits_for_the_device(names, on_device):
    """The last step does: there the losses are read."""
    model, examples = move(RESNET.model("cuda", small=True), "cuda"), RESNET.examples(32, small=True)
    varied = Augmentation(names=names, vary=vary_images, on_device=on_device)
    training = trainer(8, varied, precision="bf16")
    batches = training.batches(examples)
    next(batches)

    def loss(progress):
        torch.cuda.set_sync_debug_mode("error" if 0 < progress < 7 / 8 else "default")
        inputs, targets, _ = next(batches)
        assert inputs[0].device.type == "cuda"
        return KIND.loss(model(*inputs), targets)

    try:
        training.train([model], loss)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_units_whose_number_is_known_are_taken_without_waiting():
    class Tokens(Encoder):
        feature_dim = 8

        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 8)

        def forward(self, ids):
            return self.embedding(ids)

        def units(self, ids):
            return ids != 0

    model = TransferModel(Tokens(), {"target": nn.Linear(8, 3)}).cuda()
    ids = torch.tensor([[1, 2, 0], [3, 0, 0]]).cuda()
    expected = model(ids).units
    torch.cuda.set_sync_debug_mode("error")
    try:
        units = model(ids, unit_count=3).units
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(units, expected)


def test_images_train_with_the_channels_last():
    model = move(RESNET.model("cuda", small=True), "cuda")
    assert model.encoder.network.network.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert isinstance(model.encoder.network, Pixels)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_training_in_each_precision_is_repeated_bit_by_bit(precision):
    states = []
    for _ in range(2):
        model = move(BERT.model("cuda", small=True).eval(), "cuda")
        torch.manual_seed(1)
        trainer(5, precision=precision).fit(model, BERT.examples(32, small=True))
        states.append(model.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_a_batch_in_halves_takes_less_memory():
    peaks = []
    for parts in (1, 2):
        model = move(GPT2.model("cuda", small=True), "cuda")
        examples = GPT2.examples(32, small=True)
        with DeviceClock(torch.device("cuda")) as clock:
            trainer(3, precision="bf16", accumulation_steps=parts).fit(model, examples)
        peaks.append(torch.cuda.max_memory_allocated())
        assert clock.seconds > 0
    assert peaks[1] < peaks[0]


def test_a_loss_that_is_not_finite_is_found_at_its_step():
    from tlbench.learning.loop import DivergedError

    model = nn.Linear(2, 2).cuda()
    inputs = torch.from_numpy(np.ones((4, 2), np.float32)).cuda()
    with pytest.raises(DivergedError, match="nan at step 5 of 60"):
        trainer(60).train([model], lambda progress: model(inputs).mean() * (torch.nan if progress >= 4 / 60 else 1))
