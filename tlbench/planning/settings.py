"""Where and how a plan runs."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tlbench.assets.folders import cache_folder, data_folder
from tlbench.errors import UnknownNameError, UsageError
from tlbench.results.files import BOARD

PRECISIONS = ("auto", "fp32", "tf32", "bf16")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how a plan runs. Raises `UsageError` for a precision that the device lacks."""

    device: str = "cpu"
    threads: int = 1
    precision: str = "auto"
    """Arithmetic of training, one of `PRECISIONS`; `training_precision` decides `auto`."""
    accumulation_steps: int = 1
    """Parts of a training batch whose gradients are added up, because the whole batch does not fit into memory."""
    compiled: bool = False
    """Whether encoder and linear head are compiled for training."""
    cache: Path = field(default_factory=cache_folder)
    board: Path = BOARD
    data_root: Path | None = field(default_factory=data_folder)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UnknownNameError("precision", self.precision, PRECISIONS)
        if (self.device, self.precision) == ("cpu", "tf32"):
            raise UsageError("The precision tf32 needs a CUDA device, and the device is cpu: use fp32 or bf16.")
        for name in ("cache", "board"):  # A plugin may change the current folder later.
            object.__setattr__(self, name, getattr(self, name).absolute())

    @property
    def training_precision(self) -> str:
        """The arithmetic of training: `fp32`, `tf32` or `bf16`. Scores and exported files are fp32 with any of them."""
        default = "bf16" if self.device == "cuda" else "fp32"
        return default if self.precision == "auto" else self.precision

    def check_cache(self) -> None:
        """Raise `UsageError` if the cache cannot be written."""
        _check_writable("cache", self.cache, "Set TLBENCH_CACHE to another folder.")

    def check_board(self) -> None:
        """Raise `UsageError` if results cannot be written to the board."""
        for name in ("", "rows", "latency", "analyses"):
            _check_writable("leaderboard", self.board / name, "Choose another folder with --board.")


def _check_writable(what: str, folder: Path, advice: str) -> None:
    """Raise `UsageError` if a folder (which need not exist yet) or one of its subfolders is not writable."""
    try:
        # A link to nowhere exists too: no folder can be made in its place.
        existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        with tempfile.TemporaryFile(dir=existing) as stream:
            stream.write(b"-")
        inner = (path for path in folder.glob("*/") if not os.access(path, os.W_OK | os.X_OK))
        if locked := next(inner, None):
            raise PermissionError(0, f'no permission for "{locked.name}"')
    except OSError as error:
        raise UsageError(f'The {what} folder "{folder}" is not writable ({error.strerror}). {advice}') from error
