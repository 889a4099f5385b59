"""What a teacher sees: its features of the target's training inputs, for a strategy that learns from them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from tlbench.engine.prepared import TAUGHT, Prepared, prepare
from tlbench.engine.source_model import train_source
from tlbench.engine.stage import OnStep
from tlbench.errors import ContractError
from tlbench.learning.arithmetic import FP32, Arithmetic
from tlbench.learning.model import encode
from tlbench.planning.plan import Pairing


def teach(
    teacher: Pairing, prepared: Prepared, folder: Path, device: str, on_step: OnStep, arithmetic: Arithmetic = FP32
) -> None:
    """Write the features `(N, D)` float32 of the target's training inputs, in the order of the student's.

    The teacher is the source model of its own backbone. Inputs are prepared for it, and not kept: labels of the target
    have no part in them.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        own = prepare(teacher, Path(place))
        model = train_source(teacher, own, device, on_step, arithmetic).eval()
        features = encode(model, own.split("target-train").inputs)
    if len(features) != len(prepared.split("target-train")):
        raise ContractError(
            f'"{teacher.backbone.name}" gives {len(features)} features of the training examples of '
            f'"{teacher.task.name}"; a teacher must give one of each.'
        )
    np.save(folder / TAUGHT, features, allow_pickle=False)
