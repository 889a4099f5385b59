"""Models of transformers from local files: quietly, and never with code that came along with the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import BadInputError
from tlbench.assets.checkpoints import weights_of


def auto_class(layout: str) -> Any:
    """Return the class of transformers that makes the model of a layout."""
    import transformers

    names = {"next-token": "AutoModelForCausalLM", "masked-token": "AutoModelForMaskedLM"}
    return getattr(transformers, names.get(layout, "AutoModel"))


def load(auto: Any, files: Mapping[str, Path], config: Any) -> Any:
    """Return the model in float32, new where `weights` is not among the files, without a pooling layer of its own.

    Raises `BadInputError` where the file is damaged, holds code, or lacks weights that the model has: they would stay
    random.
    """
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config.use_cache = False
    if "weights" not in files:
        return _without_pooler(auto.from_config(config, trust_remote_code=False))
    with weights_of(files["weights"]):
        model, report = auto.from_pretrained(
            files["weights"].parent,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    if lacking := sorted(name for name in report["missing_keys"] if "pooler" not in name):
        shown = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        raise BadInputError(
            f'"{files["weights"].name}" lacks {len(lacking)} of the weights of {type(model).__name__} ({shown}): take '
            f"a checkpoint of this architecture."
        )
    return _without_pooler(model)


def _without_pooler(model: Any) -> Any:
    """Drop a layer that no feature comes from: an exported graph has no place for it."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def write(model: Any, folder: Path) -> None:
    """Write config.json and model.safetensors."""
    model.config.use_cache = True  # What encoders have no use for, those who let it write have.
    model.save_pretrained(folder)
