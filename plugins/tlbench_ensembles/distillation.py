"""Knowledge distillation (Hinton et al. 2015): one student learns what an ensemble of teachers says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import AdaptRequest, Tensors, TransferModel
from tlbench_ensembles.members import fine_tuned


def distillation(request: AdaptRequest) -> TransferModel:
    """Train the source model on the label budget and on the teachers' softened answers to unlabelled target inputs.

    1. Fine-tune the teachers, copies of the source model, on the label budget.
    2. Minimise the loss of the labels + weight * T^2 KL(teachers || student), both at the temperature T.
    """
    model, target, options = request.model, request.target, request.options
    temperature, weight = float(options["temperature"]), float(options["weight"])
    teachers = fine_tuned(request, options["teachers"])
    labelled, unlabelled = request.batches(target.train), request.batches(target.unlabelled)

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(labelled)
        others = next(unlabelled).inputs
        soft = distilled(model(*others).units, soft_targets(teachers, others, temperature), temperature)
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
