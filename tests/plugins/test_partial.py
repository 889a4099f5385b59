"""Partial fine-tuning against plain PyTorch: which weights change, when, and how fast."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tlbench import NotApplicable
from tlbench.learning import (
    AdaptRequest,
    Classification,
    Columns,
    Domain,
    Encoder,
    Examples,
    Inputs,
    Kind,
    Regression,
    ScaledLinear,
    Targets,
    Trainer,
    TransferModel,
)
from tlbench_finetune.strategy import finetune
from tlbench_frozen.strategy import frozen
from tlbench_partial.parts import biases_of, layers_of, normalisation_of
from tlbench_partial.plugin import tlbench_strategies

SPECS = {spec.name: spec for spec in tlbench_strategies()}
RATE = 0.02
STEPS = 12
BATCH = 8


class Block(nn.Module):
    """A layer with BatchNorm and dropout, so that its mode shows."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear, self.norm, self.drop = nn.Linear(inputs, 6), nn.BatchNorm1d(6), nn.Dropout(0.2)

    def forward(self, rows: Tensor) -> Tensor:
        # A bias right before BatchNorm would have no gradient but rounding noise, of which Adam makes whole steps.
        return self.drop(self.norm(self.linear(rows).tanh()))


class Small(Encoder):
    """A parameter outside all blocks, two blocks, and a normalisation behind them."""

    feature_dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(5))
        self.first, self.second, self.last = Block(5), Block(6), nn.LayerNorm(6)

    def forward(self, rows: Tensor) -> Tensor:
        return self.last(self.second(self.first(rows + self.token)))


def examples_of(kind: Kind) -> Examples:
    """Twenty rows, so that a batch of 8 leaves some for the next epoch."""
    random = np.random.default_rng(0)
    columns: Columns = (random.normal(size=(20, 5)).astype(np.float32),)
    rows = columns[0]
    values = rows[:, :2] * 300 + 7000 if isinstance(kind, Regression) else (rows[:, 0] > 0) * 1 + (rows[:, 1] > 0)
    return Examples(Inputs(columns), Targets(values, np.ones(20, np.int64)))


def request_of(name: str, kind: Kind | None = None, encoder: Encoder | None = None, **options: Any) -> AdaptRequest:
    """What the host would give the strategy, with its default options where none are named."""
    torch.manual_seed(0)
    kind = kind or Classification()
    labels = ("x", "y") if isinstance(kind, Regression) else ("a", "b", "c")
    model = TransferModel(encoder or Small(), {"target": kind.head(6, labels)}).eval()
    defaults = {option.name: option.default for option in SPECS[name].options} if name in SPECS else {}
    settings = {"steps": STEPS, "learning_rate": RATE, "batch_size": BATCH, "weight_decay": 0.01}
    generator = torch.Generator().manual_seed(1)
    trainer = Trainer(
        owner=name,
        kinds={"target": kind},
        options={**defaults, **settings, **options},
        generator=generator,
        device=torch.device("cpu"),
    )
    parts = {"target.train": examples_of(kind)}
    target = Domain(name="target", strategy=name, kind=kind, labels=labels, metric="accuracy", traits=(), parts=parts)
    return AdaptRequest(model=model, fresh=lambda: model, source=None, target=target, trainer=trainer, selection="last")  # type: ignore[arg-type]


def adapted(name: str, **options: Any) -> dict[str, Tensor]:
    """All parameters and buffers behind a strategy."""
    shipped = {"finetune": finetune, "frozen": frozen}
    run = shipped[name] if name in shipped else SPECS[name].adapt
    return run(request_of(name, **options)).state_dict()


def start(name: str = "finetune", **options: Any) -> dict[str, Tensor]:
    return copy.deepcopy(request_of(name, **options).model.state_dict())


def changed(after: Mapping[str, Tensor], before: Mapping[str, Tensor] | None = None) -> set[str]:
    """The parameters and buffers that differ in some bit."""
    before = start() if before is None else before
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return changed(one, other) == set()


Phase = tuple[int, Mapping[str, float], Sequence[str]]
"""Steps, factors of the learning rate by beginnings of names, and beginnings of the modules in training mode."""


def by_hand(phases: Sequence[Phase]) -> dict[str, Tensor]:
    """Train the same model on the same rows by plain PyTorch: AdamW, clipped gradients, one cycle for each phase."""
    model, data = request_of("finetune").model, examples_of(Classification())
    rows, classes = torch.from_numpy(data.inputs.columns[0]), torch.from_numpy(data.targets.values)
    generator = torch.Generator().manual_seed(1)
    for steps, factors, training in phases:
        model.eval()
        for name, module in model.named_modules():
            if any(name == one or name.startswith(f"{one}.") for one in training):
                module.train()
        groups, peaks = [], []
        for name, parameter in model.named_parameters():
            factor = next((factors[key] for key in factors if name.startswith(key) or name.endswith(key)), 0)
            parameter.requires_grad = factor > 0
            if factor > 0:
                groups.append({"params": [parameter]})
                peaks.append(RATE * factor)
        optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
        order: list[int] = []
        for step in range(steps):
            if len(order) < BATCH:
                order = torch.randperm(20, generator=generator).tolist()
            batch, order = order[:BATCH], order[BATCH:]
            optimizer.zero_grad()
            features = model.encoder(rows[batch])
            nn.functional.cross_entropy(model.heads["target"](features), classes[batch]).backward()
            nn.utils.clip_grad_norm_([one for one in model.parameters() if one.requires_grad], 5.0)
            done = step / steps
            rising, falling = math.cos(math.pi * done / 0.15), math.cos(math.pi * (done - 0.15) / 0.85)
            part = 0.52 - 0.48 * rising if done < 0.15 else 1e-4 + (1 - 1e-4) * (1 + falling) / 2
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * part
            optimizer.step()
    return model.state_dict()


EVERYTHING = {"encoder": 1.0, "heads": 1.0}
ALL_MODULES = ("encoder", "heads")
HALF = ("encoder.second", "encoder.last", "heads")


@pytest.mark.parametrize(
    ("name", "options", "phases"),
    [
        ("partial", {}, [(STEPS, dict.fromkeys(HALF, 1.0), HALF)]),
        (
            "gradual",
            {},
            [
                (3, {"heads": 1.0}, ["heads"]),
                (3, dict.fromkeys(HALF, 1.0), HALF),
                (6, EVERYTHING, ALL_MODULES),
            ],
        ),
        (
            "discriminative",
            {},
            [
                (
                    STEPS,
                    {
                        "encoder.token": 1 / 2.6**2,
                        "encoder.first": 1 / 2.6**2,
                        "encoder.second": 1 / 2.6,
                        "encoder.last": 1 / 2.6,
                        "heads": 1.0,
                    },
                    ALL_MODULES,
                )
            ],
        ),
        ("bitfit", {"rate_factor": 3.0}, [(STEPS, {"heads": 3.0, ".bias": 3.0}, ["heads"])]),
        (
            "norm-only",
            {"rate_factor": 3.0},
            [
                (
                    STEPS,
                    {"heads": 3.0, "encoder.first.norm": 3.0, "encoder.second.norm": 3.0, "encoder.last": 3.0},
                    ["heads", "encoder.first.norm", "encoder.second.norm", "encoder.last"],
                )
            ],
        ),
    ],
)
def test_it_is_the_loop_of_the_paper_in_plain_pytorch(name, options, phases):
    shipped, plain = adapted(name, **options), by_hand(phases)
    assert changed(shipped)
    for part, value in plain.items():
        torch.testing.assert_close(shipped[part], value, rtol=1e-5, atol=1e-6, msg=lambda text, part=part: part + text)


class TestLpFt:
    def test_without_steps_it_is_frozen_bit_for_bit(self):
        probed = adapted("lp-ft", steps=0)
        assert same(probed, adapted("frozen"))
        assert changed(probed) == {"heads.target.weight", "heads.target.bias"}

    def test_fine_tuning_goes_on_from_the_probe(self):
        request = request_of("finetune")
        frozen(request)
        assert same(finetune(request).state_dict(), adapted("lp-ft"))


class TestPartial:
    def test_with_all_blocks_it_is_fine_tuning_bit_for_bit(self):
        tuned = adapted("finetune")
        assert same(adapted("partial", blocks=2), tuned)
        assert same(adapted("partial", blocks=99), tuned)
        assert changed(tuned) == set(start())

    def test_frozen_blocks_keep_weights_and_statistics_and_a_last_normalisation_is_no_block(self):
        expected = {name for name in start() if name.startswith(("encoder.second.", "encoder.last.", "heads."))}
        assert changed(adapted("partial", blocks=1)) == expected

    def test_without_blocks_the_head_alone_is_trained(self):
        assert changed(adapted("partial", blocks=0)) == {"heads.target.weight", "heads.target.bias"}

    def test_a_head_of_numbers_gets_the_scale_of_its_targets(self):
        numbers = Regression()
        request = request_of("partial", kind=numbers)
        head = SPECS["partial"].adapt(request).heads["target"]
        assert isinstance(head, ScaledLinear)
        assert head.scale.min() > 100
        assert same(adapted("partial", kind=numbers, blocks=2), adapted("finetune", kind=numbers))


class TestGradual:
    def test_without_unfreezing_it_is_fine_tuning_bit_for_bit(self):
        assert same(adapted("gradual", unfreezing=0.0), adapted("finetune"))

    def test_the_first_block_is_the_last_to_be_trained(self):
        """Two phases take all steps: the head, then the head and the second block; none is left for the first."""
        moved = changed(adapted("gradual", unfreezing=1.0))
        assert not {name for name in moved if name.startswith(("encoder.first.", "encoder.token"))}
        assert {name for name in moved if name.startswith("encoder.second.")}

    def test_steps_that_do_not_suffice_for_the_phases_train_the_whole_model(self):
        assert same(adapted("gradual", steps=3), adapted("finetune", steps=3))


class TestDiscriminative:
    def test_without_decay_it_is_fine_tuning_bit_for_bit(self):
        assert same(adapted("discriminative", decay=1.0), adapted("finetune"))

    def test_a_decay_of_zero_keeps_all_weights_but_those_of_the_head(self):
        parameters = {name for name, _ in request_of("finetune").model.named_parameters()}
        moved = changed(adapted("discriminative", decay=0.0)) & parameters
        assert moved == {"heads.target.weight", "heads.target.bias"}


class TestBitFit:
    def test_biases_and_the_head_change_and_no_statistic(self):
        biases = {f"encoder.{block}.{layer}.bias" for block in ("first", "second") for layer in ("linear", "norm")}
        head = {"heads.target.weight", "heads.target.bias"}
        assert changed(adapted("bitfit")) == {*biases, "encoder.last.bias", *head}

    def test_biases_of_libraries_have_other_names(self):
        layers = nn.ModuleDict({"attention": nn.MultiheadAttention(4, 2), "lstm": nn.LSTM(3, 2), "table": nn.Module()})
        layers["table"].relative_position_bias_table = nn.Parameter(torch.zeros(9, 2))
        names = {id(value): name for name, value in layers.named_parameters()}
        assert {names[id(bias)] for bias in biases_of(layers)} == {
            "attention.in_proj_bias",
            "attention.out_proj.bias",
            "lstm.bias_ih_l0",
            "lstm.bias_hh_l0",
        }

    def test_an_encoder_without_biases_is_left_out_with_the_reason(self):
        with pytest.raises(NotApplicable, match="has no biases"):
            adapted("bitfit", encoder=Plain())


class Plain(Encoder):
    """A matrix: no bias, no normalisation."""

    feature_dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 6, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        return self.linear(rows)


class LlamaRMSNorm(nn.Module):
    """A normalisation of a library's own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))


class PreNorm(nn.Module):
    """A normalisation before a layer, which is none itself."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.norm, self.layer = LlamaRMSNorm(), layer


class TestNormOnly:
    def test_normalisation_and_the_head_change_and_so_do_the_statistics(self):
        norms = ("encoder.first.norm.", "encoder.second.norm.", "encoder.last.", "heads.")
        assert changed(adapted("norm-only")) == {name for name in start() if name.startswith(norms)}

    def test_an_encoder_without_normalisation_is_left_out_with_the_reason(self):
        with pytest.raises(NotApplicable, match="no normalisation layers"):
            adapted("norm-only", encoder=Plain())

    def test_layers_are_known_by_the_names_of_their_classes(self):
        class BatchNormAct2d(nn.BatchNorm2d):
            """One with an activation, as timm has."""

        layers = [nn.GroupNorm(2, 4), nn.InstanceNorm1d(4, affine=True), BatchNormAct2d(4), LlamaRMSNorm()]
        others = [nn.LayerNorm(4, elementwise_affine=False), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))]
        wrapper = PreNorm(nn.Linear(4, 4))
        assert normalisation_of(nn.ModuleList([*layers, *others, wrapper])) == [*layers, wrapper.norm]


def test_a_block_without_a_matrix_belongs_to_the_block_before_it():
    encoder = Small()
    assert layers_of(encoder) == [[encoder.first], [encoder.second, encoder.last]]
