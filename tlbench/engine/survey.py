"""What a run of a task with a backbone will cost, measured: its data is prepared, and a few training steps are timed.

The prepared data stays in the cache, so that the run does not read it again. A step is timed as the difference between
trainings of three steps and of one, with the real model and real batches: what is done once cancels out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tlbench.engine.contents import facts
from tlbench.engine.job import training_of
from tlbench.engine.pipeline import SCORED, run_stages
from tlbench.engine.store import Store
from tlbench.errors import StageError, TlbenchError, describe
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings

if TYPE_CHECKING:
    from tlbench.engine.prepared import Prepared
    from tlbench.learning.model import TransferModel

ENCODED = 16
"""Examples whose features are computed to time one of them."""
LONG = 2.0
"""Seconds of a training of one step from which on it is not repeated."""
T = TypeVar("T")


def survey(pairings: Sequence[Pairing], settings: Settings, store: Store, measure: bool) -> dict[str, Any]:
    """Return facts on the data of pairings of one task and backbone, and with `measure` what their parts cost.

    One pairing of each kind of training is enough. `error` is why the data cannot be prepared or the model not be
    built, as in the run; what is known without them is returned all the same.
    """
    try:
        prepared = run_stages(pairings[0], settings, store, [stage for stage in SCORED if stage.name == "prepare"])
        done = prepared["prepare"]
        known = {"facts": facts(done.folder), "prepare": done.seconds, "costs": {}}
    except TlbenchError as error:
        return {"error": _reason(error)}
    if not measure:
        return known
    try:
        return {**known, **_measured(pairings, settings, done.folder)}
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its message is the answer
        return {**known, "error": _reason(error)}


def _reason(error: Exception) -> str:
    return describe(error.__cause__ or error if isinstance(error, StageError) else error)


def _measured(pairings: Sequence[Pairing], settings: Settings, folder: Any) -> dict[str, Any]:
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.serving import peak_memory
    from tlbench.learning.device import set_up

    set_up(settings.threads)
    prepared, clock = Prepared.read(folder), _clock(settings.device)
    costs: dict[str, list[float]] = {}
    start = _source(pairings[0], prepared, settings, clock, costs)
    # What a teacher sees takes as long as in the run: it is not timed.
    for pairing in (one for one in pairings if one.teacher is None):
        with suppress(Exception):  # A strategy may raise anything: the run says what.
            costs[training_of(pairing)] = _adaptation(pairing, prepared, start, settings, clock)
    return {
        "costs": costs,
        "encode": _encoding(start, prepared, clock),
        "parameters": sum(part.numel() for part in start.encoder.parameters()),
        "memory": peak_memory(settings.device),
    }


def _clock(device: str) -> Callable[[], float]:
    """Return the clock of an estimate: CPU seconds, and on a GPU those that pass until it is done."""
    if device != "cuda":
        return time.process_time

    def now() -> float:
        import torch

        torch.cuda.synchronize()
        return time.perf_counter()

    return now


def _source(
    pairing: Pairing, prepared: Prepared, settings: Settings, clock: Callable[[], float], costs: dict[str, list[float]]
) -> TransferModel:
    """Return a model to start from, and note what training it costs if it is trained."""
    from tlbench.engine.models import arithmetic, build
    from tlbench.engine.source_model import train_source

    def trained(steps: int) -> TransferModel:
        plan = replace(pairing, source_options={**pairing.source_options, "steps": steps})
        return train_source(plan, prepared, settings.device, _unheard, arithmetic(settings))

    if pairing.source_mode not in ("train", "finetune"):
        return build(pairing, prepared, settings.device, ["source"], pretrained=True)
    costs["source"], model = _timed(trained, clock)
    return model


def _adaptation(
    pairing: Pairing, prepared: Prepared, start: TransferModel, settings: Settings, clock: Callable[[], float]
) -> list[float]:
    from tlbench.engine.adaptation import adapt
    from tlbench.engine.models import arithmetic

    def adapted(steps: int) -> object:
        asked = replace(pairing, strategy_options={**pairing.strategy_options, "steps": steps})
        return adapt(asked, prepared, start, _unheard, arithmetic(settings))

    return _timed(adapted, clock)[0]


def _timed(train: Callable[[int], T], clock: Callable[[], float]) -> tuple[list[float], T]:
    """Return the seconds of what is done once and of a step, and what three steps gave."""

    def time_of(steps: int) -> tuple[float, T]:
        began = clock()
        result = train(steps)
        return clock() - began, result

    one, _ = time_of(1)
    if one < LONG:  # The first time in a process takes longer, which counts among short ones.
        one, _ = time_of(1)
    three, result = time_of(3)
    step = max(0.0, three - one) / 2
    return [max(0.0, one - step), step], result


def _encoding(model: TransferModel, prepared: Prepared, clock: Callable[[], float]) -> float:
    """Return the seconds that the features of an example take."""
    import numpy as np

    from tlbench.learning.model import encode

    inputs = prepared.split("target-test").inputs
    some = inputs.select(np.arange(min(ENCODED, len(inputs))))
    encode(model, some)
    began = clock()
    encode(model, some)
    return (clock() - began) / len(some)


def _unheard(step: int, loss: float) -> None:
    """Nobody listens to steps that are only timed."""
