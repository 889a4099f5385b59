"""Mean teacher (Tarvainen & Valpola 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from tlbench.learning import AdaptRequest, TransferModel

RAMP_UP = 4 / 15
"""Part of the training in which the weight of the consistency rises: 40,000 of the paper's 150,000 steps."""


def mean_teacher(request: AdaptRequest) -> TransferModel:
    """Fine-tune a student that agrees with a teacher on unlabelled inputs; return the teacher.

    1. Student and teacher predict the same unlabelled inputs, each with its own augmentation and dropout.
    2. Minimise the loss of the labelled batch + weight * the mean squared difference of their probabilities.
    3. The teacher's weights are a moving average of the student's.
    """
    student, options, kind = request.model, request.options, request.target.kind
    teacher = AveragedModel(student, avg_fn=lambda old, new, count: average(old, new, int(count), options["decay"]))
    teacher.train()
    labelled = request.batches(request.target.train)
    unlabelled = request.batches(request.target.unlabelled, views=2)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(labelled)
        (first, second), _, _ = next(unlabelled)
        with torch.no_grad():
            expected = teacher(*second).units.softmax(1)
        difference: Tensor = (student(*first).units.softmax(1) - expected).square().mean()
        return kind.loss(student(*inputs), targets) + float(options["weight"]) * ramp_up(progress) * difference

    def after_step(progress: float) -> None:
        teacher.update_parameters(student)

    request.train([student.encoder, student.heads["target"]], loss, after_step=after_step)
    served = teacher.module
    assert isinstance(served, TransferModel)  # A copy of the student.
    return served


def average(old: Tensor, new: Tensor, count: int, decay: float) -> Tensor:
    """Return the teacher's weights behind the student's step `count`, from 0: the plain mean while that forgets more.

    A teacher of a fixed decay would be the start for long.
    """
    return old.lerp(new, 1 - min(1 - 1 / (count + 1), decay))


def ramp_up(progress: float) -> float:
    """Return the part of the consistency's weight: exp(-5 (1 - t)^2), with t from 0 to 1 in the first steps."""
    return math.exp(-5 * (1 - min(1.0, progress / RAMP_UP)) ** 2)
