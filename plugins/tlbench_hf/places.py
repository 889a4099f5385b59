"""Which files make a checkpoint of transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Checkpoint

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
"""The first that is there; with an older form transformers reads what stands beside it."""
BESIDE = ("tokenizer_config.json", "merges.txt")
TOKENIZER = {"tokenizer": TOKENIZERS, **{name: (name,) for name in BESIDE}}
EXTRACTOR = "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def configuration_file(name: str) -> Path:
    """Return a checkpoint's config.json. Raises `MissingDataError`."""
    from tlbench.assets import find_checkpoint

    return find_checkpoint(name, {"config": "config.json"}).files["config"]


def extractor_file(name: str) -> Path | None:
    """Return the file with a checkpoint's image processor, or None. Raises `MissingDataError` for no checkpoint."""
    from tlbench.assets import find_checkpoint

    return find_checkpoint(name, {"config": "config.json", EXTRACTOR: EXTRACTOR}, (EXTRACTOR,)).files.get(EXTRACTOR)


def has_tokenizer(name: str) -> bool:
    """Return whether a checkpoint comes with a tokenizer. Raises `MissingDataError` for no checkpoint."""
    from tlbench.assets import find_checkpoint

    return "tokenizer" in find_checkpoint(name, {"config": "config.json", **TOKENIZER}, tuple(TOKENIZER)).files


def files_of_text(name: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return a text model's files by role. Raises `MissingDataError`."""
    return _files(name, options, TOKENIZER, BESIDE)


def files_of_clip(name: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the files of a model of images and texts by role; it may lack a tokenizer. Raises `MissingDataError`."""
    return _files(name, options, {EXTRACTOR: (EXTRACTOR,), **TOKENIZER}, (EXTRACTOR, *TOKENIZER))


def files_beside_extractor(name: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the files of a model of speech or images by role. Raises `MissingDataError`."""
    return _files(name, options, {EXTRACTOR: (EXTRACTOR,)}, (EXTRACTOR,))


def _files(
    name: str, options: Mapping[str, Any], also: Mapping[str, tuple[str, ...]], optional: tuple[str, ...]
) -> Checkpoint:
    from tlbench.assets import find_checkpoint

    wanted = {"config": ("config.json",), **also}
    if options["weights"] == "random":
        return find_checkpoint(name, wanted, optional)
    found = find_checkpoint(name, {**wanted, "weights": WEIGHTS}, optional)
    index = found.files["weights"]
    if index.suffix != ".json":
        return found
    shards = find_checkpoint(name, {part: part for part in _parts(index)})
    return Checkpoint(files={**found.files, **shards.files}, origin=found.origin)


def _parts(index: Path) -> list[str]:
    """Return the names of the files that weights are divided into. Raises `BadInputError` for a damaged index."""
    try:
        return sorted({str(part) for part in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()})
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise BadInputError(f'"{index}" does not list the weights files: download it again.') from error
