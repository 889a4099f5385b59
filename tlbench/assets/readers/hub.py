"""Data sets of the Hugging Face hub: `hf://OWNER/NAME[/CONFIG][@REVISION]`.

The library `datasets` downloads them into its cache, and reads them from there without a network. Its variables
`HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` apply. Code of a data set is never run.
"""

from __future__ import annotations

import functools
import re
from importlib.util import find_spec
from pathlib import Path

from tlbench.assets.readers.labelled import PARTS
from tlbench.contract.specs import HUB
from tlbench.errors import BadInputError, MissingDataError, UsageError

PLACE = re.compile(r"hf://(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:/(?P<config>[\w.-]+))?(?:@(?P<revision>[\w./-]+))?")
COMMIT = re.compile("[0-9a-f]{40}")


def is_hub_place(place: str) -> bool:
    """Return whether a path is a data set of the hub."""
    return place.startswith(HUB)


def pinned(place: str) -> str:
    """Return a data set of the hub with its current commit."""
    commit = next(iter(hub_files(place).values()))[0].parent.name
    return f"{place.partition('@')[0]}@{commit}" if COMMIT.fullmatch(commit) else place


@functools.cache
def hub_files(place: str) -> dict[str, list[Path]]:
    """Return the Arrow files of `train`, `valid` and `test`, or of `all` if there is only one split.

    Files that are not in the cache are downloaded. Raises `MissingDataError` if that fails.
    """
    parsed = PLACE.fullmatch(place)
    if parsed is None:
        raise UsageError(f'Invalid data set "{place}": expected hf://OWNER/NAME[/CONFIG][@REVISION].')
    if find_spec("datasets") is None:
        raise UsageError(f'"{place}" requires datasets: pip install "tlbench[datasets]".')
    name, config, revision = parsed.group("name", "config", "revision")
    if Path(name).exists():
        raise UsageError(f'"{place}": datasets would read the folder "{name}" instead. Run tlbench in another folder.')
    from datasets import load_dataset

    from tlbench.assets.hub_client import guard

    guard()
    try:
        splits = load_dataset(name, config, revision=revision)
    except Exception as error:  # The library raises errors of its network, parsers and file system.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise MissingDataError(
            f'"{place}" could not be downloaded from the hub ({reason}): check its name, HF_ENDPOINT and the network.'
        ) from error
    files = {str(split): [Path(file["filename"]) for file in data.cache_files] for split, data in splits.items()}
    return _parts(place, revision, {PARTS[name]: paths for name, paths in files.items() if name in PARTS})


def _parts(place: str, revision: str | None, files: dict[str, list[Path]]) -> dict[str, list[Path]]:
    if "train" not in files:
        raise BadInputError(f'"{place}" has no split "train": use another data set.')
    commit = files["train"][0].parent.name
    # Without a network the library returns the newest revision in its cache, whatever was requested.
    if revision and COMMIT.fullmatch(revision) and commit != revision:
        raise MissingDataError(
            f'"{place}" is not in the cache, which has {commit}: download it with a network connection.'
        )
    return files if len(files) > 1 else {"all": files["train"]}
