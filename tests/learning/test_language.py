from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from support import units, weigh

from tlbench import LANGUAGE_MODELLING, Access
from tlbench.learning.targets import Targets

KIND = LANGUAGE_MODELLING.create()


def test_a_prediction_is_the_log_probability_of_the_target():
    outputs = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    targets = np.array([0, 3, 1, 1, 2, 0])
    expected = torch.nn.functional.cross_entropy(torch.from_numpy(outputs), torch.from_numpy(targets), reduction="none")
    assert np.allclose(KIND.postprocess.predict(units(outputs), targets), -expected.numpy(), atol=1e-6)
    assert KIND.postprocess.predict(units(outputs), targets).shape == (6,)


def test_without_targets_the_log_probabilities_of_all_tokens_are_predicted():
    logs = KIND.postprocess.predict(units(np.random.default_rng(0).standard_normal((6, 4))))
    np.testing.assert_allclose(np.exp(logs).sum(1), 1, rtol=1e-6)


def test_scores_are_per_token_and_examples_weigh_by_their_tokens():
    logs, targets = np.log([0.5, 0.25, 0.125]), Targets(np.zeros(3, np.int64), np.array([1, 2]))
    metrics = {name: weigh(metric, logs, targets) for name, metric in KIND.metrics(()).items()}
    assert metrics["log-likelihood"](np.ones(2)) == pytest.approx(np.log([0.5, 0.25, 0.125]).mean())
    assert metrics["perplexity"](np.ones(2)) == pytest.approx(4.0)
    assert metrics["perplexity"](np.array([1.0, 0.0])) == pytest.approx(2.0)


def test_the_best_constant_is_the_frequency_of_each_token():
    assert np.exp(KIND.constant(np.array([0, 0, 2]), 4)) == pytest.approx([3 / 7, 1 / 7, 2 / 7, 1 / 7])


def test_the_bias_of_a_head_is_not_trained():
    head = KIND.head(3, ["a", "b"])
    assert (head.bias.requires_grad, head.bias.tolist()) == (False, [0.0, 0.0])


def test_strategies_that_would_see_labels_in_inputs_or_fit_a_probe_are_skipped(catalog, plan_of):
    kinds = {"kind": LANGUAGE_MODELLING, "metric": "log-likelihood"}
    task = dataclasses.replace(catalog.task("toy/names"), **kinds)
    backbone = dataclasses.replace(catalog.backbone("words/window"), layouts=("next-token",))
    changed = dataclasses.replace(
        catalog, tasks={task.name: task}, backbones={**catalog.backbones, backbone.name: backbone}
    )
    plan = plan_of(changed, tasks=[task.name])
    skips = {pairing.strategy.name: pairing.skip for pairing in plan.pairings}
    assert "probe" in skips["frozen"]
    assert "language-modelling" in skips["adversarial"]
    runs = {name for name, reason in skips.items() if not reason}
    assert {"finetune", "scratch", "source-only", "all-labels", "constant"} <= runs
    assert not any(Access.TARGET_INPUTS in catalog.strategy(name).access for name in runs)
