"""Goals 1 to 4: one cell of a matrix whose source model is there."""

from __future__ import annotations

import bare
import limit
import numpy as np
import pytest
import torch
from contest import Line, compared, compete, cpu_seconds
from torch import nn

from tlbench.learning import probe
from tlbench.learning.model import encode

STEPS = 22
"""One epoch of 1,437 images in batches of 64."""
FROZEN_EPOCHS = 20
EXTRAS = "with forgetting, probe, ONNX file, its parity and score"


def frozen_cells(track):
    def bare_cell(number):
        """Two epochs; the other eighteen take as long."""
        encoder, head = track.source(number)
        started = cpu_seconds()
        bare.frozen(encoder, head, *track.split("target-train"), epochs=2)
        return {"adapt": (cpu_seconds() - started) * FROZEN_EPOCHS / 2}

    def limit_cell(number, half):
        encoder, _ = track.source(number)
        inputs, labels = track.split("target-test")
        started = cpu_seconds()
        head = limit.frozen(encoder, *track.split("target-train"), half=half)
        adapted = cpu_seconds() - started
        return {"adapt": adapted, "accuracy": float(head.score(limit.encode(encoder, inputs, half), labels.numpy()))}

    return {
        "tlbench": lambda number: track.cell("frozen", number),
        "limit": lambda number: limit_cell(number, half=True),
        "limit fp32": lambda number: limit_cell(number, half=False),
        "bare": bare_cell,
    }


def fine_tune_cells(track, steps):
    def limit_cell(number, half):
        network, started = nn.Sequential(*track.source(number)), cpu_seconds()
        limit.fine_tune(network, *track.split("target-train"), steps=steps, seed=number, half=half)
        return {
            "adapt": cpu_seconds() - started,
            "accuracy": limit.accuracy(network, *track.split("target-test"), half),
        }

    def bare_cell(number):
        torch.manual_seed(number)
        network, started = nn.Sequential(*track.source(number)), cpu_seconds()
        bare.fine_tune(network, *track.split("target-train"))
        return {"adapt": cpu_seconds() - started, "accuracy": bare.accuracy(network, *track.split("target-test"))}

    return {
        "tlbench": lambda number: track.cell("finetune", number),
        "limit": lambda number: limit_cell(number, half=True),
        "limit fp32": lambda number: limit_cell(number, half=False),
        "bare": bare_cell,
    }


def dann_cells(track, steps):
    def limit_cell(number, half):
        encoder, head = track.source(number)
        parts = {"source": track.split("source-train"), "target": track.split("target-train")[0]}
        started = cpu_seconds()
        limit.dann(encoder, head, encoder.feature_dim, **parts, steps=steps, seed=number, half=half)
        adapted, network = cpu_seconds() - started, nn.Sequential(encoder, head)
        return {"adapt": adapted, "accuracy": limit.accuracy(network, *track.split("target-test"), half)}

    def bare_cell(number):
        torch.manual_seed(number)
        encoder, head = track.source(number)
        started = cpu_seconds()
        bare.dann(encoder, head, encoder.feature_dim, track.split("source-train"), track.split("target-train")[0])
        adapted, network = cpu_seconds() - started, nn.Sequential(encoder, head)
        return {"adapt": adapted, "accuracy": bare.accuracy(network, *track.split("target-test"))}

    return {
        "tlbench": lambda number: track.cell("adversarial", number),
        "limit": lambda number: limit_cell(number, half=True),
        "limit fp32": lambda number: limit_cell(number, half=False),
        "bare": bare_cell,
    }


def strengths(features, targets, number):
    """Contenders that fit one strength, and thirty."""
    many, one = np.logspace(-4, 4, 30), np.array([1.0])

    def ours(grid):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(probe, "STRENGTHS", grid)
            probe.fit_probe(features, targets, number)
        return {}

    def ridge(grid):
        limit.ridge(features, targets, grid)
        return {}

    return {
        "tlbench one": lambda _: ours(one),
        "tlbench many": lambda _: ours(many),
        "limit one": lambda _: ridge(one),
        "limit many": lambda _: ridge(many),
    }


def say_cell(say, goal, what, found, bounds):
    """Say what adapting costs beside the same step of the others, and what the whole row costs beside their cells."""
    own, best, plain = (found[name] for name in ("tlbench", "limit", "bare"))
    at_limit, at_bare = bounds
    say(compared(goal, f"{what}: adapt", own["adapt"], limit=(best["adapt"], at_limit), bare=(plain["adapt"], at_bare)))
    say(compared(goal, f"{what}: adapt, limit in fp32", own["adapt"], limit=(found["limit fp32"]["adapt"], None)))
    say(
        compared(
            goal, f"{what}: row, {EXTRAS}", own["seconds"], limit=(best["adapt"], None), bare=(plain["adapt"], None)
        )
    )


def say_accuracy(say, goal, what, own, other, margin):
    """Say both accuracies, in percent over the seeds of the rounds."""
    difference = 100 * (own - other)
    say(
        Line(
            goal=goal,
            what=f"accuracy beside {what}",
            measured=f"{100 * own:.2f} - {100 * other:.2f} %",
            wanted=f"{margin} points",
            reached=difference >= margin,
        )
    )


def test_frozen(benchmark, track, say):
    found = compete(benchmark, frozen_cells(track))
    say_cell(say, 1, "frozen", found, (1.25, 1 / 20))
    own, regression = found["tlbench"].mean("accuracy"), found["limit"].mean("accuracy")
    say_accuracy(say, 1, "scikit-learn's regression", own, regression, -0.5)


def test_strengths(benchmark, track, say):
    targets = track.split("target-train")[1].numpy()
    features = encode(track.model(0), track.prepared.split("target-train").inputs)
    found = compete(benchmark, strengths(features, targets, 10))
    for who, bound in (("tlbench", 1.5), ("limit", None)):
        many, one = found[f"{who} many"]["seconds"], found[f"{who} one"]["seconds"]
        say(
            Line(
                goal=2,
                what="30 strengths in units of one" + (", ridge" if who == "limit" else ", logistic regression"),
                measured=f"{many / one:.2f} ({many:.3g} s)" if who == "tlbench" else "",
                limit=many / one if who == "limit" else None,
                wanted=f"{bound} of one" if bound else "",
                reached=many / one <= bound if bound else None,
            )
        )


def test_fine_tune(benchmark, track, say):
    found = compete(benchmark, fine_tune_cells(track, STEPS))
    say_cell(say, 3, "fine-tune, 1 epoch", found, (1.10, 0.75))
    say_accuracy(say, 3, "bare fp32", found["tlbench"].mean("accuracy"), found["bare"].mean("accuracy"), -1.0)


def test_dann(benchmark, track, say):
    found = compete(benchmark, dann_cells(track, STEPS))
    say_cell(say, 4, "DANN, 1 epoch", found, (1.10, 0.80))
