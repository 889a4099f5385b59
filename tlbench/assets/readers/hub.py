"""Data sets of the Hugging Face hub: `hf://OWNER/NAME[/CONFIG][@REVISION]`.

The library `datasets` fetches them into its cache, and finds them there without a network; its variables `HF_HOME`,
`HF_ENDPOINT` and `HF_HUB_OFFLINE` work. Nobody's code is run.
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
    """Say whether a place is one of the hub."""
    return place.startswith(HUB)


def pinned(place: str) -> str:
    """Return a place on the hub with the commit that it stands for now."""
    commit = next(iter(hub_files(place).values()))[0].parent.name
    return f"{place.partition('@')[0]}@{commit}" if COMMIT.fullmatch(commit) else place


@functools.cache
def hub_files(place: str) -> dict[str, list[Path]]:
    """Return the Arrow files of `train`, `valid` and `test`, or of `all` where one part is all there is.

    What is not in the cache is fetched. Raises `MissingDataError` for what cannot be had.
    """
    parsed = PLACE.fullmatch(place)
    if parsed is None:
        raise UsageError(f'"{place}" is no place on the hub: write hf://OWNER/NAME, /CONFIG and @REVISION as needed.')
    if find_spec("datasets") is None:
        raise UsageError(f'"{place}" is read by datasets: pip install "tlbench[datasets]".')
    name, config, revision = parsed.group("name", "config", "revision")
    if Path(name).exists():
        raise UsageError(f'"{place}" names the folder "{name}" too, which datasets would read: run from another one.')
    from datasets import load_dataset

    from tlbench.assets.hub_client import guard

    guard()
    try:
        found = load_dataset(name, config, revision=revision)
    except Exception as error:  # The library passes on what its network, parsers and file system raise.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise MissingDataError(
            f'"{place}" cannot be had from the hub ({reason}): check its name, HF_ENDPOINT and the network.'
        ) from error
    files = {str(split): [Path(file["filename"]) for file in data.cache_files] for split, data in found.items()}
    return _parts(place, revision, {PARTS[name]: paths for name, paths in files.items() if name in PARTS})


def _parts(place: str, revision: str | None, files: dict[str, list[Path]]) -> dict[str, list[Path]]:
    if "train" not in files:
        raise BadInputError(f'"{place}" has no split "train": take another data set.')
    commit = files["train"][0].parent.name
    # Without a network the library takes the newest in its cache, whatever was asked for.
    if revision and COMMIT.fullmatch(revision) and commit != revision:
        raise MissingDataError(f'"{place}" is not in the cache, but {commit} is: fetch it with a network.')
    return files if len(files) > 1 else {"all": files["train"]}
