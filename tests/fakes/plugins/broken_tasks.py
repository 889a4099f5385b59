"""Tasks that break what a task must keep; each in a way of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tlbench import SEGMENTATION, LoadRequest, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.testing.toy.tasks import toy_tasks

BLOBS = next(task for task in toy_tasks() if task.name == "toy/blobs")


def _changed(change: Callable[[Side, Any], Side]) -> Callable[[LoadRequest], TaskData]:
    def load(request: LoadRequest) -> TaskData:
        import numpy as np

        data = BLOBS.load(request)
        return dataclasses.replace(data, target=change(data.target, np))

    return load


def _unseeded(side: Side, np: Any) -> Side:
    noise = np.random.default_rng().normal(size=side.train.inputs.shape).astype(np.float32)
    return dataclasses.replace(side, train=dataclasses.replace(side.train, inputs=side.train.inputs + noise))


def _by_hash(side: Side, np: Any) -> Side:
    """The order of a set of texts is another in every process."""
    order = sorted({f"row {i}" for i in range(len(side.train.inputs))}, key=hash)
    chosen = [int(name.split()[1]) for name in order]
    train = Split(inputs=side.train.inputs[chosen], labels=side.train.labels[chosen])
    return dataclasses.replace(side, train=train)


def _seeds_numpy(side: Side, np: Any) -> Side:
    np.random.seed(0)
    return side


def _goes_elsewhere(side: Side, np: Any) -> Side:
    import os

    os.chdir("/")
    return side


def _sets_variable(side: Side, np: Any) -> Side:
    import os

    os.environ["TOY_DATA"] = "here"
    return side


def _writes_file(side: Side, np: Any) -> Side:
    from pathlib import Path

    Path("blobs.txt").write_text("three")
    return side


def _lacks_class(side: Side, np: Any) -> Side:
    kept = side.train.labels != 1
    train = Split(inputs=side.train.inputs[kept], labels=side.train.labels[kept])
    return dataclasses.replace(side, train=train)


def _beyond_labels(side: Side, np: Any) -> Side:
    return dataclasses.replace(side, test=dataclasses.replace(side.test, labels=side.test.labels + 1))


def _leaks(side: Side, np: Any) -> Side:
    test = Split(inputs=side.train.inputs[:10], labels=side.train.labels[:10])
    return dataclasses.replace(side, test=test)


def _heavy_files(request: LoadRequest) -> Any:
    import numpy as np

    return list(np.empty(0))


def _no_number(request: LoadRequest, predict: Any) -> dict[str, float]:
    return {"success": float("nan")}


def _knows_other_predictions(request: LoadRequest, predict: Any) -> dict[str, float]:
    return {"success": float(predict([])["label"])}


def _map_that_stays() -> Any:
    from tlbench.learning import Segmentation

    class Staying(Segmentation):
        move = None  # type: ignore[assignment]

    return Staying()


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    loads = (
        _unseeded, _by_hash, _seeds_numpy, _goes_elsewhere, _sets_variable, _writes_file, _lacks_class, _beyond_labels,
        _leaks,
    )  # fmt: skip
    fields: dict[str, dict[str, Any]] = {
        "heavy-files": {"files": _heavy_files},
        "no-number": {"evaluate": _no_number},
        "other-predictions": {"evaluate": _knows_other_predictions},
        "other-metric": {"metric": "auroc"},
        "other-modality": {"modality": "image"},
        "nothing-to-vary": {"backbone": "toy/mlp-batchnorm"},
        "moved-masks": {
            "modality": "image",
            "backbone": "image/unet-small",
            "kind": dataclasses.replace(SEGMENTATION, name="map-that-stays", create=_map_that_stays),
            "augment": ("noise", "flip"),
        },
        "greedy": {"label_budget": 10_000},
        "stingy": {"label_budget": 2},
        "no-licence": {"licence": ""},
        "no-shift": {"shift": " "},
        "list-of-options": {"options": []},
        "dotted": {"requires": ("os.path",)},
        "other-extra": {"extra": "nowhere"},
    }
    return [
        *(
            dataclasses.replace(BLOBS, name=f"toy/{load.__name__[1:].replace('_', '-')}", load=_changed(load))
            for load in loads
        ),
        *(dataclasses.replace(BLOBS, **{"name": f"toy/{name}", **changed}) for name, changed in fields.items()),
    ]
