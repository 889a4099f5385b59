"""What the TensorBoard tracker offers: it listens where `TLBENCH_TENSORBOARD` names a folder."""

from __future__ import annotations

import os
from importlib.util import find_spec

from tlbench import Event, UsageError, hookimpl

TLBENCH_API = 2

VARIABLE = "TLBENCH_TENSORBOARD"


@hookimpl
def tlbench_event(event: Event) -> None:
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    if find_spec("tensorboardX") is None:
        raise UsageError(f'{VARIABLE} is set, but tensorboardX is not installed: pip install "tlbench[tensorboard]"')
    from tlbench_tensorboard.tracker import tracker

    tracker(folder).note(event)
