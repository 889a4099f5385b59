"""Where a checkpoint's files lie: one's own folder, a model that was saved by name, or the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import Checkpoint, MissingDataError

TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model")
"""The first that is there is read; with an older form transformers reads what stands beside it."""
BESIDE = ("merges.txt", "special_tokens_map.json", "added_tokens.json", "preprocessor_config.json")
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def files_of(name: str, options: Mapping[str, Any]) -> Checkpoint:
    """Return the files by role, and where they come from. Raises `MissingDataError`."""
    from tlbench.plan import cache_folder

    saved = cache_folder() / "models" / name
    if name.startswith((".", "/", "~")):
        folder = Path(name).expanduser().resolve()
    else:
        folder = saved
    return Checkpoint(files=_local(folder, options), origin=folder.name)


def _local(folder: Path, options: Mapping[str, Any]) -> dict[str, Path]:
    """Return what a folder holds of a checkpoint."""
    files = {"config": folder / "config.json"}
    if not files["config"].is_file():
        raise MissingDataError(f'There is no "config.json" in "{folder}": name the folder that save_pretrained wrote.')
    present = [path for name in TOKENIZERS if (path := folder / name).is_file()]
    if present:
        files["tokenizer"] = present[0]
    files |= {path.name: path for name in (*TOKENIZERS, *BESIDE) if (path := folder / name).is_file()}
    if options["weights"] != "random":
        files |= _weights(folder)
    return files


def _weights(folder: Path) -> dict[str, Path]:
    import json

    first = next((path for name in WEIGHTS if (path := folder / name).is_file()), None)
    if first is None:
        raise MissingDataError(
            f'There are no weights in "{folder}": put "{WEIGHTS[0]}" or "{WEIGHTS[2]}" beside its config.json.'
        )
    if first.suffix != ".json":
        return {"weights": first}
    parts = sorted(set(json.loads(first.read_text())["weight_map"].values()))
    if absent := [part for part in parts if not (folder / part).is_file()]:
        raise MissingDataError(f'"{first}" names "{absent[0]}", which is not beside it: fetch the checkpoint again.')
    return {"weights": first, **{part: folder / part for part in parts}}
