"""Knowledge distillation (Hinton et al. 2015): a student learns what an ensemble, or a larger backbone, says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import AdaptRequest, Batch, Tensors, TransferModel, device_of
from tlbench_ensembles.members import fine_tuned


def distillation(request: AdaptRequest) -> TransferModel:
    """Train the source model on the label budget and on the teachers' softened answers to unlabelled target inputs.

    1. Fine-tune the teachers, copies of the source model, on the label budget.
    2. Minimise the loss of the labels + weight * T^2 KL(teachers || student), both at the temperature T.
    """
    temperature = float(request.options["temperature"])
    teachers = fine_tuned(request, request.options["teachers"])
    return learn_from(lambda batch: soft_targets(teachers, batch.inputs, temperature), request)


def larger_teacher(request: AdaptRequest) -> TransferModel:
    """Train the source model on the label budget and on what another, larger backbone answers to unlabelled inputs.

    1. Fit a linear probe to the teacher's features of the label budget.
    2. Minimise the loss of the labels + weight * T^2 KL(probe || student), both at the temperature T.
    """
    target, teacher = request.target, request.teacher
    probe = target.kind.probe(teacher.train, target.train.targets.values, len(target.labels))
    answers = torch.from_numpy(probe.outputs(teacher.unlabelled)).to(device_of(request.model))
    soft = (answers / float(request.options["temperature"])).softmax(1)
    return learn_from(lambda batch: soft[batch.positions.to(soft.device)], request)


def learn_from(teacher: Callable[[Batch], Tensor], request: AdaptRequest) -> TransferModel:
    """Train the model of a request on its labels and on a teacher's probabilities `(M, C)` of unlabelled batches."""
    model, target, options = request.model, request.target, request.options
    temperature, weight = float(options["temperature"]), float(options["weight"])
    labelled, unlabelled = request.batches(target.train), request.batches(target.unlabelled)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(labelled)
        others = next(unlabelled)
        soft = distilled(model(*others.inputs).units, teacher(others), temperature)
        return target.kind.loss(model(*inputs), targets) + weight * soft

    request.train([model.encoder, model.heads["target"]], loss)
    return model


@torch.no_grad()
def soft_targets(teachers: Sequence[TransferModel], inputs: Tensors, temperature: float) -> Tensor:
    """Return the mean of the teachers' probabilities at a temperature, `(M, C)`."""
    return torch.stack([(model(*inputs).units.float() / temperature).softmax(1) for model in teachers]).mean(0)


def distilled(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(wanted || softmax(logits / T)), the mean over units: its gradients do not shrink with T."""
    answers = (logits.float() / temperature).log_softmax(1)
    return temperature**2 * functional.kl_div(answers, wanted, reduction="batchmean")
