"""WiSE-FT and SAM, beside plain PyTorch and their limit cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from retention_case import TASKS, assert_close, assert_same_bits, cross_entropy, finetune, plain
from torch import nn


class TestWiSEFT:
    @pytest.mark.parametrize("task", TASKS)
    def test_at_one_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("wise-ft", task, alpha=1.0)
        assert_same_bits(one.adapted(), one.adapted(finetune))

    @pytest.mark.parametrize("task", TASKS)
    def test_at_zero_the_encoder_is_that_of_the_source_bit_for_bit(self, case, task):
        one = case("wise-ft", task, alpha=0.0)
        model, tuned, start = one.adapted(), one.adapted(finetune), one.request().model
        counter = "layers.1.num_batches_tracked"  # It counts the batches that were trained on.
        states = [{**part.encoder.state_dict(), counter: 0} for part in (model, start)]
        assert all(
            torch.equal(torch.as_tensor(value), torch.as_tensor(states[1][name])) for name, value in states[0].items()
        )
        new = task in ("toy/shapes", "toy/alone")
        assert_same_bits(model, tuned if new else start, parts=["heads.target"])

    def test_between_them_weights_and_statistics_are_the_mean(self, case):
        one = case("wise-ft", alpha=0.25)
        model, tuned, start = one.adapted(), one.adapted(finetune).state_dict(), one.request().model.state_dict()
        assert not torch.equal(tuned["encoder.layers.1.running_var"], start["encoder.layers.1.running_var"])
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected = 0.75 * start[name].double().numpy() + 0.25 * tuned[name].double().numpy()
                np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-7)


class TestSAM:
    @pytest.mark.parametrize("task", TASKS)
    def test_at_distance_zero_it_is_fine_tuning_bit_for_bit(self, case, task):
        one = case("sam", task, rho=0.0)
        # Both passes of a step drop the same units.
        append = getattr(getattr(one.source.encoder, "layers", None), "append", None)
        if append:
            append(nn.Dropout(0.5))
        assert_same_bits(one.adapted(), one.adapted(finetune))

    def test_a_step_is_that_of_the_paper(self, case):
        """Weights are moved in place, and moved back behind the second pass."""
        one = case("sam", rho=0.5)
        # Of a bias before BatchNorm the gradient is 0 but for rounding, which AdamW scales up.
        one.source.encoder.layers[0].bias.requires_grad_(False)

        def gradients(request):
            model, batches = request.model, request.batches(request.target.train)
            weights = [*model.encoder.parameters(), *model.heads["target"].parameters()]
            weights = [weight for weight in weights if weight.requires_grad]
            norm = model.encoder.layers[1]

            def set_gradients():
                inputs, targets, _ = next(batches)
                cross_entropy(model(*inputs).units, targets.values).backward()
                length = torch.sqrt(sum((weight.grad**2).sum() for weight in weights))
                steps = [0.5 * weight.grad / length for weight in weights]
                with torch.no_grad():
                    for weight, step in zip(weights, steps, strict=True):
                        weight += step
                        weight.grad = None
                momentum, norm.momentum = norm.momentum, 0.0
                cross_entropy(model(*inputs).units, targets.values).backward()
                norm.momentum = momentum
                norm.num_batches_tracked -= 1
                with torch.no_grad():
                    for weight, step in zip(weights, steps, strict=True):
                        weight -= step

            return set_gradients

        assert_close(one.adapted(), one.adapted(plain(gradients)))
