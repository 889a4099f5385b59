"""What is scored is read back from weights: a model that they do not hold is refused, as are batches that tell."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import pytest
import torch
from support import silent
from torch import nn

from tlbench import ContractError
from tlbench.engine.adaptation import adapt
from tlbench.learning import Encoder


@pytest.fixture
def adapted(pairing_of, source_of):
    def made(**fields):
        pairing = pairing_of("toy/blobs", backbones=["toy/mlp-batchnorm"])
        strategy = dataclasses.replace(pairing.strategy, **fields)
        pairing = dataclasses.replace(pairing, strategy=strategy)
        return adapt(pairing, *source_of(pairing), silent)

    return made


def fit(request):
    request.fit(request.model, request.target.train)
    return request.model


def other_activation(request):
    request.model.encoder.layers[2] = nn.Tanh()
    return fit(request)


def hooked(request):
    model = fit(request)
    model.heads["target"].register_forward_hook(lambda module, inputs, outputs: 2 * outputs)
    return model


@pytest.mark.parametrize("strategy", [other_activation, hooked])
def test_a_model_that_its_weights_do_not_hold_is_refused(adapted, strategy):
    with pytest.raises(ContractError, match="read back, it gives other outputs"):
        adapted(adapt=strategy)


class Scaled(nn.Module):
    def __init__(self, head, factor):
        super().__init__()
        self.head, self.factor = head, factor

    def forward(self, features):
        return self.head(features) * self.factor


def test_an_extension_that_counts_its_calls_is_refused(adapted):
    calls = itertools.count(1)

    def extend(model, options):
        model.heads["target"] = Scaled(model.heads["target"], next(calls))
        return model

    with pytest.raises(ContractError, match="by structure and options alone"):
        adapted(adapt=fit, extend=extend)


class Centred(Encoder):
    """Subtracts the mean of the batch: of test inputs too."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.feature_dim = encoder, encoder.feature_dim

    def forward(self, *inputs):
        features = self.encoder(*inputs)
        return features - features.mean(0)


def test_a_batch_that_tells_of_its_examples_is_refused(adapted):
    def extend(model, options):
        model.encoder = Centred(model.encoder)
        return model

    with pytest.raises(ContractError, match="makes the outputs of an example depend on its batch"):
        adapted(adapt=fit, extend=extend)


def test_a_copy_of_what_was_trained_counts_once(adapted):

    assert (
        adapted(adapt=lambda request: copy.deepcopy(fit(request))).trained_parameters
        == adapted(adapt=fit).trained_parameters
    )


def test_drawing_again_behind_the_check_gives_the_same(adapted):
    adapted(adapt=fit)
    first = torch.rand(1)
    adapted(adapt=fit)
    assert torch.equal(first, torch.rand(1))


def test_an_error_names_the_last_line_of_the_plugin_and_no_folder(adapted):
    def deep(request):
        return fit(request) and torch.zeros(2) @ torch.zeros(3)

    with pytest.raises(RuntimeError) as told:
        adapted(adapt=deep)
    (note,) = told.value.__notes__
    assert note.startswith("test_read_back.py, line ")
    assert note.endswith(": return fit(request) and torch.zeros(2) @ torch.zeros(3)")
