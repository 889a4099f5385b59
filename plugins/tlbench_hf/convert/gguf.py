"""GGUF files of llama.cpp -> folders of transformers, whose own reader does the work. Requires gguf and accelerate."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from tlbench import BadInputError
from tlbench.assets import check_file


def decoder(source: Path, folder: Path) -> None:
    """Write config.json, model.safetensors in float32 and the tokenizer. Quantised weights keep their values.

    Raises `ModuleNotFoundError` without the libraries, and `BadInputError` for a damaged file.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    for library in ("gguf", "accelerate"):
        if find_spec(library) is None:
            raise ModuleNotFoundError(f"No module named '{library}'", name=library)
    path = next(source.glob("*.gguf"))
    check_file(path)
    try:
        loaded = AutoModelForCausalLM.from_pretrained(source, gguf_file=path.name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=path.name)
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        raise BadInputError(f'"{path}" cannot be read as GGUF ({error}): download it again.') from error
    config = loaded.config
    config.quantization_config = None
    # A model that was read from quantised weights refuses to be saved.
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
