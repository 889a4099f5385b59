"""What benchmarks run in a process of its own: `python alone.py FUNCTION ARGUMENTS`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

EPOCHS_FROZEN = 20


def cell(strategy: str, seed: str) -> None:
    """One cell of a matrix in plain PyTorch: train on the source, adapt, score both sides."""
    import bare

    _cell(strategy, seed, lambda *parts: bare.fine_tune(nn_of(*parts[:2]), *parts[2:]), bare.frozen, bare.dann)


def lightning_cell(strategy: str, seed: str) -> None:
    """The same with Lightning."""
    import with_lightning as loops

    _cell(strategy, seed, loops.fine_tune, loops.frozen, loops.dann)


def nn_of(encoder: Any, head: Any) -> Any:
    from torch import nn

    return nn.Sequential(encoder, head)


def _cell(strategy: str, seed: str, fine_tune: Any, frozen: Any, dann: Any) -> None:
    import bare
    import torch
    from tlbench_bench.digits import ResNet18, load, prepare
    from torch import nn

    from tlbench import LoadRequest, PrepareRequest

    torch.set_num_threads(1)
    torch.manual_seed(int(seed))
    data = load(LoadRequest(task="bench/digits", options={}, data_root=None))

    def tensors(split):
        request = PrepareRequest(inputs=split.inputs, fitted={}, layout="pooled", options={})
        return torch.from_numpy(prepare(request)[0]), torch.from_numpy(split.labels)

    encoder, head = ResNet18(), nn.Linear(512, 10)
    source, target = tensors(data.source.train), tensors(data.target.train)
    fine_tune(encoder, head, *source)
    if strategy == "frozen":
        frozen(encoder, head, *target, epochs=EPOCHS_FROZEN)
    elif strategy == "finetune":
        fine_tune(encoder, head, *target)
    else:
        dann(encoder, head, 512, source, target[0])
    for side in (data.source, data.target):
        print(bare.accuracy(nn.Sequential(encoder, head), *tensors(side.test)))


def again(cache: str, board: str, strategies: str, seeds: str) -> None:
    """Run a matrix of which every stage is in the cache; say how many were computed, and whether torch was loaded."""
    from support import plan_only

    from tlbench.engine.runner import run
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.settings import Settings

    catalog, settings = load_catalog(), Settings(cache=Path(cache), board=Path(board), data_root=None)
    chosen = {"strategies": strategies.split(","), "seeds": tuple(map(int, seeds.split(",")))}
    plan = plan_only(catalog, settings, tasks=["bench/digits"], **chosen)
    outcome = run(plan, catalog, settings)
    print(outcome.computed, "torch" in sys.modules, file=sys.stderr)


def row(cache: str, board: str) -> None:
    """Run one fine-tune pairing whose source model is in the cache."""
    from support import plan_only

    from tlbench.engine.pipeline import run_stages
    from tlbench.engine.store import Store
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.settings import Settings

    catalog, settings = load_catalog(), Settings(cache=Path(cache), board=Path(board), data_root=None)
    (pairing,) = plan_only(catalog, settings, tasks=["bench/digits"], strategies=["finetune"]).pairings
    run_stages(pairing, settings, Store(root=settings.cache, notify=lambda event: None))


def fine_tune(folder: str, half: str) -> None:
    """Fine-tune on arrays in a folder as leanly as can be, and score."""
    import limit
    import numpy as np
    import torch
    from tlbench_bench.digits import ResNet18
    from torch import nn

    torch.set_num_threads(1)
    splits = [torch.from_numpy(np.load(Path(folder) / f"{name}.npy")) for name in ("train", "labels", "test", "truth")]
    train, labels, test, truth = splits
    network = nn.Sequential(ResNet18(), nn.Linear(512, 10))
    limit.fine_tune(network, train, labels, steps=22, seed=0, half=half == "half")
    print(limit.accuracy(network, test, truth, half == "half"))


def imports() -> None:
    """Load what a row needs: torch, ONNX Runtime, the optimizer of graphs, scikit-learn."""
    import onnxruntime  # noqa: F401
    import onnxscript.optimizer  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import tlbench_bench.digits  # noqa: F401
    import torch  # noqa: F401


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
