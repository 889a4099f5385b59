"""Rows of a board that nobody ran: many sorts of entries, the same in every call; and how a page is opened."""

from __future__ import annotations

import random

from tlbench.leaderboard.site.descriptions import Card, Descriptions

ABOUT = Descriptions(
    tasks={"toy/task-0": Card(title="A task", summary="It is one.", kind="classification")},
    strategies={
        "finetune": Card(title="Fine-tuning", summary="It trains all.", facts={"paper": "https://example.org/x"})
    },
    repeat=lambda row: f"tlbench run --task {row.task} --seeds {row.seed}-{row.seed}",
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LABELS, INPUTS, BOTH = ("target-labels",), ("target-inputs",), ("source", "target-inputs")
STRATEGIES = (
    *(("finetune", LABELS), ("frozen", LABELS), ("lora", LABELS)),
    *(("adabn", INPUTS), ("tent", INPUTS), ("adversarial", BOTH)),
)
BASELINES = (
    *(("source-only", ()), ("constant", ()), ("scratch", LABELS), ("classical", LABELS)),
    ("all-labels", ("target-all-labels",)),
)


def board_rows(row, tasks: int = 12, seed: int = 0) -> list:
    """Return rows of `tasks` tasks with ties, failures, constant predictions, missing latencies and forgetting."""
    draw = random.Random(seed)
    rows = []
    for number in range(tasks):
        seeds = draw.choice([1, 2, 3, 5])
        backbones = ["toy/mlp", "toy/wide"][: draw.choice([1, 1, 2])]
        for backbone in backbones:
            rows += of_model(row, draw, f"toy/task-{number}", backbone, seeds)
    return rows


def of_model(row, draw: random.Random, task: str, backbone: str, seeds: int) -> list:
    made = []
    for strategy, access in (*STRATEGIES, *BASELINES):
        baseline = (strategy, access) in BASELINES
        if draw.random() < (0.25 if baseline else 0.1):
            continue
        base = draw.choice([0.5, 0.6, 0.6, 0.625, 0.7, 0.8])
        spread, width = draw.choice([0.0, 0.002, 0.05]), draw.choice([0.001, 0.02, 0.1])
        shared = {
            "task": task,
            "backbone": backbone,
            "baseline": baseline,
            "forgetting_head": draw.choice([None, 0.0, 0.0004, -0.02, 0.03, 0.2]),
            "p50_ms": draw.choice([None, 0.1, 0.2, 0.5, 1.234]),
            "seconds": {"adapt": draw.choice([0.0, 0.11, 0.12, 3.5])},
            "device_seconds": draw.choice([None, None, 2.0]),
            "selection": "oracle" if draw.random() < 0.08 else "last",
            "setting": draw.choice(["transductive", "target-only"]) if baseline else "transductive",
            "test_size": 400,
        }
        if draw.random() < 0.1:
            shared |= {"most_common_share": 0.99, "most_common_target_share": 0.3}
        kept = draw.choice([1, seeds, seeds])
        for each in range(kept):
            if draw.random() < 0.05:
                made.append(row(strategy, each, None, access=access, **failed(shared)))
                continue
            score = base + spread * draw.uniform(-1, 1)
            made.append(
                row(strategy, each, score, access=access, **shared, score_low=score - width, score_high=score + width)
            )
    return made


def failed(shared: dict) -> dict:
    lost = {"forgetting_head": None, "p50_ms": None, "most_common_share": None, "most_common_target_share": None}
    return shared | lost | {"status": "failed", "stage": "adapt", "reason": "out of patience"}
