"""Training in a few plain steps, to write a strategy a second time from its paper."""

from __future__ import annotations

import copy

import numpy as np
import torch
from retention_case import DECAY, RATE
from torch import nn

from tlbench.learning import AdaptRequest, Classification, Domain, Examples, Targets, TransferModel, one_cycle
from tlbench.learning.trainer import Trainer


def descend(modules, loss, steps, *, after=lambda step: None, factor=1.0):
    """Minimise `loss(step)` with torch's AdamW in one cycle, as the harness says that it does."""
    parameters = [one for module in modules for one in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE * factor, weight_decay=DECAY)
    for module in modules:
        module.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * factor * one_cycle(step / steps)
        optimizer.zero_grad()
        loss(step).backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        after(step)
    for module in modules:
        module.eval()


def fine_tune_beside_unlabelled(request):
    """Fine-tune a copy of the request's model by the harness, with draws of unlabelled batches that nothing uses."""
    student, unlabelled = copy.deepcopy(request.model), request.batches(request.target.unlabelled)
    batches = request.batches(request.target.train)

    def loss(progress):
        inputs, targets, _ = next(batches)
        next(unlabelled)
        return request.target.kind.loss(student(*inputs), targets)

    request.train([student.encoder, student.heads["target"]], loss)
    return student


def fine_tune(request, model, steps):
    """Train encoder and head on the label budget."""
    batches = request.batches(request.target.train)

    def loss(step):
        inputs, targets, _ = next(batches)
        return error(model(*inputs).units, targets.values)

    descend([model.encoder, model.heads["target"]], loss, steps)


def error(logits, labels):
    """The mean of -log p of labels, or of soft labels `(M, C)`."""
    logs = logits - logits.exp().sum(1, keepdim=True).log()
    soft = labels if labels.dim() == 2 else torch.eye(logits.shape[1])[labels]
    return -(soft * logs).sum(1).mean()


def assert_equal_weights(model, expected, parts=("encoder", "heads.target")):
    """Compare weights and statistics to 1e-5 or so."""
    for part in parts:
        wanted = expected.get_submodule(part).state_dict()
        for name, value in model.get_submodule(part).state_dict().items():
            torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-5, msg=f"{part}.{name}")


def small_request(strategy, encoder, parts, **options):
    """What the host would give a strategy of a small encoder, new weights, three classes and no source."""
    torch.manual_seed(0)
    for module in encoder.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    kind, labels = Classification(), ("a", "b", "c")
    model = TransferModel(encoder, {"target": kind.head(encoder.feature_dim, labels)}).eval()
    trainer = Trainer(
        owner=strategy,
        kinds={"target": kind},
        options={"learning_rate": RATE, "weight_decay": DECAY, "batch_size": 8, **options},
        generator=torch.Generator().manual_seed(1),
        device=torch.device("cpu"),
    )
    domain = Domain(
        name="target", strategy=strategy, kind=kind, labels=labels, metric="accuracy", traits=(), parts=parts
    )
    return AdaptRequest(model=model, fresh=lambda: model, source=None, target=domain, trainer=trainer, selection="last")


def labelled(inputs):
    """Inputs with three labels in turn."""
    return Examples(inputs, Targets(np.arange(len(inputs)) % 3, np.ones(len(inputs), np.int64)))
