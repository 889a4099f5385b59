"""Goal 5: three strategies by three seeds, and the same again."""

from __future__ import annotations

import statistics
from importlib.util import find_spec

import limit
import torch
from contest import Line, compared, compete
from process import alone
from support import plan_only
from torch import nn
from track import SEEDS, STRATEGIES

from tlbench.engine.runner import run
from tlbench.planning.settings import Settings

ALIKE = ("prepare", "source", "adapt")
"""The stages that do what the limit does."""


def limit_matrix(track, seeds, steps, new_encoder):
    """Train each seed's source once and compute its features once; score both sides with every strategy."""
    source, target = track.split("source-train"), track.split("target-train")
    tests = [track.split("source-test"), track.split("target-test")]
    for seed in seeds:
        torch.manual_seed(seed)
        encoder = new_encoder()
        network = nn.Sequential(encoder, nn.Linear(encoder.feature_dim, int(source[1].max()) + 1))
        limit.fine_tune(network, *source, steps=steps, seed=seed, half=True)
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        head = limit.frozen(encoder, *target, half=True)
        for inputs, _ in tests:
            head.predict(limit.encode(encoder, inputs, half=True))
        limit.fine_tune(network, *target, steps=steps, seed=seed, half=True)
        for test in tests:
            limit.accuracy(network, *test, half=True)
        network.load_state_dict(weights)
        limit.dann(*network, encoder.feature_dim, source, target[0], steps=steps, seed=seed, half=True)
        for test in tests:
            limit.accuracy(network, *test, half=True)


def test_matrix(benchmark, track, bench_catalog, bench_site, tmp_path, say):
    from tlbench_bench.digits import ResNet18

    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)
    plan = plan_only(bench_catalog, settings, tasks=["bench/digits"], strategies=STRATEGIES, seeds=SEEDS)

    def ours(number):
        seconds = run(plan, bench_catalog, settings).seconds
        return {"alike": sum(seconds[stage] for stage in ALIKE)}

    def lean(number):
        limit_matrix(track, SEEDS, steps=22, new_encoder=ResNet18)
        return {}

    def processes(kind):
        """One seed; the other two take as long."""

        def cells(number):
            spent = [alone(bench_site, kind, strategy, "0").cpu_seconds for strategy in STRATEGIES]
            return {"seconds": len(SEEDS) * sum(spent)}

        return cells

    contenders = {"tlbench": ours, "limit": lean, "bare": processes("cell")}
    if find_spec("lightning"):
        contenders["lightning"] = processes("lightning_cell")
    found = compete(benchmark, contenders, rounds=1)
    own, best, plain = (found[name] for name in ("tlbench", "limit", "bare"))
    best, plain = best["seconds"], plain["seconds"]
    say(compared(5, "3 x 3 matrix: prepare, source, adapt", own["alike"], limit=(best, 1.10), bare=(plain, 0.40)))
    say(compared(5, "3 x 3 matrix: nine rows", own["seconds"], limit=(best, None), bare=(plain, None)))
    if "lightning" in found:
        cells = found["lightning"]["seconds"]
        what, ratio = "3 x 3 matrix: nine rows, in a process per cell with Lightning", own["seconds"] / cells
        say(Line(goal=5, what=what, measured=f"{ratio:.2f}", wanted="0.40", reached=ratio <= 0.40))
    words = ("again", str(settings.cache), str(settings.board), ",".join(STRATEGIES), ",".join(map(str, SEEDS)))
    spent = [alone(bench_site, *words) for _ in range(5)]
    seconds = statistics.median(part.cpu_seconds for part in spent)
    nothing = all(part.errors.strip().endswith("0 False") for part in spent)
    say(
        Line(
            goal=5,
            what="the same again: process" + ("" if nothing else ", which computed something or loaded torch"),
            measured=f"{seconds:.2f} s",
            wanted="0.5 s, no torch",
            reached=seconds <= 0.5 and nothing,
        )
    )
