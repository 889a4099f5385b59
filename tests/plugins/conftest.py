from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from fakes.checkpoints import bert_folder, gpt2_folder, image_folder, speech_folder, whisper_folder
from retention_case import DECAY, RATE, STEPS, TASKS, Case
from support import silent


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of small checkpoints of transformers, by kind."""
    root = tmp_path_factory.mktemp("checkpoints")
    made = {"bert": bert_folder(root / "bert"), "gpt2": gpt2_folder(root / "gpt2")}
    made |= {kind: image_folder(root / kind, kind) for kind in ("vit", "clip", "beit", "swin")}
    made["whisper"] = whisper_folder(root / "whisper")
    return made | {kind: speech_folder(root / kind, kind) for kind in ("wav2vec2", "hubert", "wavlm")}


class Adaptation(NamedTuple):
    """A task of the toy, the source model, and what a strategy makes of it."""

    pairing: Any
    prepared: Any
    source: Any
    model: Any


@pytest.fixture
def adapted(pairing_of, source_of):
    """Adapts a task with a strategy and its options, or with another function in the place of the strategy's own."""
    from tlbench.engine.adaptation import adapt

    def make(
        strategy: str,
        task: str = "toy/blobs",
        *,
        function: Callable[..., Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **run_request: Any,
    ) -> Adaptation:
        if options:
            run_request["overrides"] = {f"{strategy}.{name}": value for name, value in options.items()}
        pairing = pairing_of(task, strategy, **run_request)
        if function is not None:
            pairing = dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=function))
        prepared, source = source_of(pairing)
        return Adaptation(pairing, prepared, source, adapt(pairing, prepared, source, silent).model)

    return make


@pytest.fixture
def case(pairing_of, source_of):
    def make(strategy, task="toy/blobs", seed=0, source_steps=10, backbone=None, **options):
        options = {"steps": STEPS, "learning_rate": RATE, "weight_decay": DECAY, **options}
        overrides = {f"{strategy}.{name}": value for name, value in options.items()}
        overrides["source.steps"] = source_steps
        pairing = pairing_of(task, strategy, backbones=[backbone or TASKS[task]], seeds=[seed], overrides=overrides)
        return Case(pairing, *source_of(pairing))

    return make
