"""Precision of training, and batches in parts."""

from __future__ import annotations

import copy
import functools
import itertools
import threading

import numpy as np
import pytest
import torch
from torch import nn

from tlbench.learning.accumulation import CannotSplitError
from tlbench.learning.arithmetic import Arithmetic, computing_in
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.heads import ScaledLinear
from tlbench.learning.kinds import Anomaly, Classification, MultiLabel, Regression, TokenClassification
from tlbench.learning.model import Encoder, TransferModel, encode
from tlbench.learning.ragged import Ragged
from tlbench.learning.resident import Resident, ahead
from tlbench.learning.targets import Targets
from tlbench.learning.trainer import Trainer


class Noting(Encoder):
    """A layer that notes the type of its outputs."""

    feature_dim = 8

    def __init__(self, *more: nn.Module) -> None:
        super().__init__()
        self.layers, self.types = nn.Sequential(nn.Linear(4, 8), *more), []

    def forward(self, rows):
        outputs = self.layers(rows)
        self.types.append(outputs.dtype)
        return outputs


class Tokens(Encoder):
    """Token ids `(N, T)` -> `(N, T, 8)`; 0 is padding."""

    feature_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)

    def forward(self, ids):
        return self.embedding(ids.long())

    def units(self, ids):
        return ids != 0


def trainer(kind, size=16, **arithmetic):
    options = {"steps": 3, "learning_rate": 0.01, "weight_decay": 0.0, "batch_size": size}
    return Trainer(
        owner="test",
        kinds={"target": kind},
        options=options,
        generator=torch.Generator().manual_seed(0),
        device=torch.device("cpu"),
        arithmetic=Arithmetic(**arithmetic),
    )


def rows(targets):
    values = np.random.default_rng(0).normal(size=(len(targets), 4)).astype(np.float32)
    return Examples(Inputs((values,)), targets)


def model_of(encoder, outputs=3, head=nn.Linear):
    torch.manual_seed(0)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    return TransferModel(encoder, {"target": head(8, outputs)})


LABELS = Targets.of(np.arange(24) % 3)


@pytest.mark.parametrize(("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_encoder_trains_in_the_precision_and_is_evaluated_in_float32(precision, expected):
    model = model_of(Noting())
    trainer(Classification(), precision=precision).fit(model, rows(LABELS))
    assert set(model.encoder.types) == {expected}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    model.encoder.types.clear()
    with computing_in(Arithmetic(precision=precision)):
        assert encode(model, rows(LABELS).inputs).dtype == np.float32
    assert model.encoder.types == [torch.float32]


def test_a_loss_gets_float32_whatever_the_precision_and_heads_in_the_unit_of_targets_are_not_blurred():
    model, inputs = model_of(Noting(), head=ScaledLinear), torch.ones(2, 4)
    with computing_in(Arithmetic(precision="bf16")):
        outputs = model(inputs)
        assert torch.equal(outputs.units, model.heads["target"](outputs.features))
    assert (outputs.units.dtype, outputs.features.dtype) == (torch.float32, torch.float32)


def test_a_batch_without_gradients_leaves_those_of_the_next_one():
    """A student whose pseudo-labels are its own: weights that autocast keeps from that pass have no gradient."""
    model, inputs = model_of(Noting()), torch.ones(2, 4)
    with computing_in(Arithmetic(precision="bf16")):
        with torch.no_grad():
            model(inputs)
        model(inputs).units.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_compiled_training_computes_the_same_and_leaves_the_module_as_it_was(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", functools.partial(_compile_eagerly, torch.compile, compiled))
    models = [model_of(Noting()) for _ in range(2)]
    for model, chosen in zip(models, (False, True), strict=True):
        trainer(Classification(), compiled=chosen).fit(model, rows(LABELS))
    assert compiled == [models[1].encoder, models[1].heads["target"]]
    for plain, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(plain, other, atol=1e-6)
    states = [list(model.state_dict()) for model in models]
    encode(models[1], rows(LABELS).inputs)
    assert (states[0], len(compiled)) == (states[1], 2)


def _compile_eagerly(whole, compiled, module):
    """Trace as `torch.compile` does, without the compiler of the machine, which takes a minute."""
    compiled.append(module)
    return whole(module, backend="aot_eager")


def test_tf32_is_set_within_the_block_alone():
    before = torch.backends.cuda.matmul.allow_tf32
    with computing_in(Arithmetic(precision="tf32")):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32 == before


def words():
    """Texts of 0 to 5 words, a label for each word."""
    lengths = np.random.default_rng(1).integers(0, 6, size=24)
    ids = [np.random.default_rng(place).integers(1, 20, size=length) for place, length in enumerate(lengths)]
    targets = Targets(np.concatenate(ids).astype(np.int64) % 3, lengths)
    return Examples(Inputs((Ragged.of(ids),)), targets)


@pytest.mark.parametrize("parts", [2, 3, 16, 99])
@pytest.mark.parametrize(
    ("kind", "encoder", "examples"),
    [
        (Classification(), Noting(nn.ReLU(), nn.LayerNorm(8)), rows(LABELS)),
        (MultiLabel(), Noting(), rows(Targets(np.arange(72).reshape(24, 3) % 2, np.ones(24, np.int64)))),
        (TokenClassification(), Tokens(), words()),
    ],
    ids=["classes", "flags", "tokens"],
)
def test_a_batch_in_parts_trains_as_the_whole_batch_does(kind, encoder, examples, parts):
    whole = model_of(encoder)
    split, before = copy.deepcopy(whole), copy.deepcopy(whole)
    trainer(kind).fit(whole, examples)
    trainer(kind, accumulation_steps=parts).fit(split, examples)
    for one, other, was in zip(whole.parameters(), split.parameters(), before.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
        assert not torch.allclose(one, was, atol=1e-3)


class Weighted(Classification):
    """Overrides the loss of a kind whose own may be split."""

    def loss(self, outputs, targets):
        return super().loss(outputs, targets) ** 2


@pytest.mark.parametrize("kind", [Anomaly(), Regression(), Weighted()], ids=lambda kind: type(kind).__name__)
def test_a_loss_that_is_no_mean_over_targets_is_not_split(kind):
    with pytest.raises(CannotSplitError, match=f"{type(kind).__name__} is no mean.*batch_size"):
        trainer(kind, accumulation_steps=2).fit(model_of(Noting()), rows(LABELS))


def test_batch_normalisation_and_a_loss_of_the_strategy_s_own_are_not_split():
    normalised = model_of(Noting(nn.BatchNorm1d(8)))
    with pytest.raises(CannotSplitError, match=r"batch normalisation.*batch_size"):
        trainer(Classification(), accumulation_steps=2).fit(normalised, rows(LABELS))
    with pytest.raises(CannotSplitError, match='"test" has a loss of its own'):
        trainer(Classification(), accumulation_steps=2).train([normalised], lambda progress: torch.ones(()))


@pytest.mark.parametrize("examples", [rows(LABELS), words()], ids=["rows", "ragged"])
def test_resident_inputs_give_the_same_batches(examples, monkeypatch):
    monkeypatch.setattr("tlbench.learning.resident.free_memory", lambda device: 2**20)
    resident = Resident.of(examples.inputs, torch.device("cpu"))
    for indices in (np.array([5, 2, 2, 23]), np.arange(24), np.array([int(np.argmin(examples.inputs.lengths))])):
        for one, other in zip(resident.batch(indices), examples.inputs.batch(indices), strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one, other)


def test_inputs_that_do_not_fit_beside_the_model_are_not_resident(monkeypatch):
    monkeypatch.setattr("tlbench.learning.resident.free_memory", lambda device: 4 * 24 * 4 * 4 - 1)
    assert Resident.of(rows(LABELS).inputs, torch.device("cpu")) is None


def test_a_batch_whose_number_of_units_is_known_gives_the_same_outputs_and_gradients():
    examples, gradients = words(), []
    (ids,) = examples.inputs.batch(np.arange(24))
    model = model_of(Tokens())
    for known in (None, len(examples.targets.values)):
        outputs = model(ids, unit_count=known)
        model.zero_grad()
        outputs.units.square().sum().backward()
        gradients.append([outputs.units, *(parameter.grad for parameter in model.parameters())])
    assert all(map(torch.equal, *gradients))
    with pytest.raises(RuntimeError, match="has not 7 units, one for each target"):
        model(ids, unit_count=7)


def test_batches_that_a_thread_draws_ahead_are_the_same_and_so_is_what_it_raises():
    def drawn():
        yield from range(5)
        raise OSError("no such file")

    items = ahead(drawn())
    assert list(itertools.islice(items, 5)) == [0, 1, 2, 3, 4]
    with pytest.raises(OSError, match="no such file"):
        next(items)


def test_a_thread_that_draws_ahead_ends_with_its_iterator():
    before = threading.active_count()
    items = ahead(itertools.count())
    assert (next(items), threading.active_count()) == (0, before + 1)
    items.close()
    assert threading.active_count() == before
