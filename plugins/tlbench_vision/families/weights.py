"""Where the weights of an image backbone come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tlbench import CHECKPOINT_KEY, PARTIAL, Checkpoint, MissingDataError, Option

Find = Callable[[Mapping[str, Any]], Checkpoint]

WEIGHTS = {"weights": ("model.safetensors", "pytorch_model.bin")}


def found(name: str, default: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that the option `weights` names, `default` where it is empty, none for `random`."""
    from tlbench.assets import find_checkpoint

    chosen = str(options["weights"]) or default
    if not chosen:
        raise MissingDataError(
            f'"{name}" has no published weights: use --set backbone.weights=FILE, or random weights with =random.'
        )
    if chosen == "random":
        return Checkpoint(files={}, origin="random")
    try:
        return find_checkpoint(chosen, WEIGHTS)
    except MissingDataError as error:
        if options["weights"]:
            raise
        raise MissingDataError(
            f"{error} To use a file: --set backbone.weights=FILE; to use random weights: --set backbone.weights=random."
        ) from error


def weights_options(default: str) -> tuple[Option, ...]:
    """Return the option that `found` reads, and those on a checkpoint of several sets or that fits only in part."""
    summary = 'weights file, folder or hub name with weights, or "random"'
    return (Option(name="weights", default=default, summary=summary), CHECKPOINT_KEY, PARTIAL)
