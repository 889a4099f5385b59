"""Models of transformers from local files: quietly, and never with code that came along with the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tlbench import CHECKPOINT_KEY, PARTIAL, BadInputError, Coverage
from tlbench.assets import (
    check_coverage,
    check_finite_weights,
    check_limit,
    further_blocks,
    read_weights,
    reading_weights,
    strip_prefix,
    weight_coverage,
)


def auto_class(layout: str) -> Any:
    """Return the class of transformers that makes the model of a layout."""
    import transformers

    causal = dict.fromkeys(("next-token", "continuation"), "AutoModelForCausalLM")
    names = {**causal, "masked-token": "AutoModelForMaskedLM"}
    return getattr(transformers, names.get(layout, "AutoModel"))


def load(
    auto: Any,
    files: Mapping[str, Path],
    config: Any,
    options: Mapping[str, Any] = MappingProxyType({}),
    renamed: Mapping[str, str] | None = None,
    keep_pooler: bool = False,
) -> tuple[Any, set[str]]:
    """Return the model in float32, new if `weights` is not among the files, without a pooling layer unless it is kept.

    `auto` is a class of a model, or one that finds it. Of the `options`, `key` chooses one of several sets of weights
    in the file, and `partial` allows some to be missing; a new model has neither. `renamed` gives regular expressions
    of names in the file and what stands for them in the model. Also returns the names of the model's weights that the
    file lacks, which are random. Raises `BadInputError` if there are any and `partial` is not set, and for a file that
    is damaged, holds code, or holds weights that are not finite.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config.use_cache = False
    _check_size(auto, config, files.get("config", "config"))
    if "weights" not in files:
        made = _new(auto, config)
        return made if keep_pooler else _without_pooler(made), set()
    model, report = _read(auto, files, config, renamed, str(options.get(CHECKPOINT_KEY.name, "")))
    model = model if keep_pooler else _without_pooler(model)
    weights = model.state_dict()
    missing = {name for name in report["missing_keys"] & weights.keys() if keep_pooler or "pooler" not in name}
    reshaped = {name for name, *_ in report["mismatched_keys"]} & weights.keys()
    unexpected = {name.removeprefix(f"{model.base_model_prefix}.") for name in report["unexpected_keys"]}
    check_coverage(
        files["weights"].name,
        missing=missing,
        reshaped=reshaped,
        further=further_blocks(unexpected | report["unexpected_keys"], model),
        partial=bool(options.get(PARTIAL.name, False)),
        weights=[name for name, part in weights.items() if part.is_floating_point()],
    )
    check_finite_weights(weights, files["weights"].name)
    return model, missing | reshaped


def _read(
    auto: Any, files: Mapping[str, Path], config: Any, renamed: Mapping[str, str] | None, key: str
) -> tuple[Any, Mapping[str, Any]]:
    """Return the model with the weights of its files, and which of them the library could not use."""
    for part in (path for role, path in files.items() if role == path.name):  # What an index divides weights into.
        with reading_weights(part):
            pass
    path = files["weights"]
    state = _state_under(path, key) if key else None
    try:
        model, report = _library_s(auto, path, config, renamed, state)
    except (AttributeError, TypeError):
        read_weights(path)  # It names what is no weight, such as a tensor without a name.
        raise
    own = model.state_dict()
    if state is None and path.suffix != ".json" and set(own) <= set(report["missing_keys"]):
        # A file of a training script, which may hold weights beside other things, or several sets of them, and begin
        # their names with `module.`, as models on several GPUs do.
        model, report = _library_s(auto, path, config, renamed, strip_prefix(read_weights(path), own))
    return model, report


def _library_s(
    auto: Any, path: Path, config: Any, renamed: Mapping[str, str] | None, state: dict[str, Any] | None
) -> tuple[Any, Mapping[str, Any]]:
    """Return the model with the weights of a file, or with those of `state`, and what was not used."""
    import torch

    # With weights in memory the library takes neither a folder nor a class that finds the model.
    given, place = (auto, path.parent) if state is None else (_class_of(auto, config), None)
    with reading_weights(path):
        model, report = given.from_pretrained(
            place,
            config=config,
            state_dict=state,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # `load` refuses them, with their names.
            key_mapping=renamed,
        )
    return model, report


def _class_of(auto: Any, config: Any) -> Any:
    """Return the class of a model."""
    import torch

    with torch.device("meta"):
        return type(_new(auto, config))


def _state_under(weights: Path, key: str) -> dict[str, Any]:
    """Return one of several sets of weights of a file. Raises `BadInputError` where they are divided into files."""
    if weights.suffix == ".json":
        raise BadInputError(f'"{weights.name}" divides weights into several files: backbone.key takes a single file.')
    return read_weights(weights, key)


def _check_size(auto: Any, config: Any, where: Path | str) -> None:
    """Raise `BadInputError` if a model is too large or cannot be built; no memory is taken for its weights."""
    import torch

    for key, value in config.to_dict().items():
        if isinstance(value, int) and re.search("(layers?|experts)$", key):
            check_limit("layers", f"{where}: {key}", value)
    try:
        with torch.device("meta"):
            model = _new(auto, config)
    except Exception as error:  # Any error of a size that does not fit the others.
        raise BadInputError(f'"{where}" describes no model that can be built ({error}): download it again.') from error
    check_limit("parameters", where, sum(part.numel() for part in model.parameters()))


def _new(auto: Any, config: Any) -> Any:
    """Return a model with random weights."""
    find = getattr(auto, "from_config", None)
    return find(config, trust_remote_code=False) if find else auto(config)


def covered(model: Any, lacking: set[str]) -> Coverage | None:
    """Return how many of a model's weights the file gave, or None if it gave all."""
    return weight_coverage(model.state_dict(), lacking)


def _without_pooler(model: Any) -> Any:
    """Drop a layer that no feature comes from: an exported graph has no place for it."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def write(model: Any, folder: Path, prefix: str = "") -> None:
    """Write config.json and model.safetensors, with a prefix of weights' names if the model is a part of another."""
    model.config.use_cache = True  # What encoders have no use for, those who let it write have.
    state = {f"{prefix}{name}": part for name, part in model.state_dict().items()}
    # Not by the names that the weights had in the file: they are those of the model, as far as it is read here.
    model.save_pretrained(folder, state_dict=state if prefix else None, save_original_format=not prefix)
