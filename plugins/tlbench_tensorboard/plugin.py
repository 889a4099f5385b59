"""What the TensorBoard tracker offers: it listens where `TLBENCH_TENSORBOARD` names a folder."""

from __future__ import annotations

import os
from importlib.util import find_spec

from tlbench import Event, UsageError, hookimpl

TLBENCH_API = 2

VARIABLE = "TLBENCH_TENSORBOARD"


if os.environ.get(VARIABLE):  # A run starts a process for each plugin that listens: not for one that has nothing to do.

    @hookimpl
    def tlbench_event(event: Event) -> None:
        if find_spec("tensorboardX") is None:
            raise UsageError(
                f'{VARIABLE} is set, but tensorboardX is not installed: pip install "tlbench[tensorboard]"'
            )
        from tlbench_tensorboard.tracker import tracker

        tracker(os.environ[VARIABLE]).note(event)
