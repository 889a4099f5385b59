"""What became of the pairings of a board's runs: the last plan, and what was started, finished and died.

Both outlive the run that writes them: a line of JSON for each event, appended at once.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tlbench.results.files import digest, read_sealed, text_of, write_sealed

if TYPE_CHECKING:
    from tlbench.engine.job import Job

Word = Literal["started", "finished", "died"]
QUARANTINE = 2
"""Deaths after which a pairing is not started again unless it is asked for."""
PLAN = "plan.json"
EVENTS = "events.jsonl"


@dataclass
class Journal:
    """The journal of a board, or of a shard of its plan: a folder of the cache."""

    folder: Path
    retry: bool = False
    """Whether pairings are tried again that died too often."""
    _deaths: Counter[str] = field(default_factory=Counter)
    _here: Counter[str] = field(default_factory=Counter)
    """Deaths in this run."""
    _open: Counter[str] = field(default_factory=Counter)
    """Runs that ended while a pairing ran, since it finished last."""
    _reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in read_events(self.folder):
            word, key = line.get("event"), str(line.get("key"))
            if word == "started":
                self._open[key] += 1
            elif word == "finished":
                for counter in (self._open, self._deaths):
                    del counter[key]
            elif word == "died":
                self._open[key] -= 1
                self._deaths[key] += 1
                self._reasons[key] = str(line.get("reason", ""))

    def begin(self, jobs: Sequence[Job], board: Path) -> None:
        """Keep what is planned, for `tlbench status`."""
        pairings = [{"key": job.key, "title": job.title, "file": job.row_file, "skip": job.skip} for job in jobs]
        value = {"board": text_of(board), "started": time.time(), "host": platform.node(), "process": os.getpid()}
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_sealed(self.folder / PLAN, {**value, "pairings": pairings})

    def note(self, event: Word, key: str, reason: str = "") -> None:
        """Append an event of a pairing. A journal that cannot be written is no reason to stop."""
        if event == "died":
            self._deaths[key] += 1
            self._here[key] += 1
            self._reasons[key] = reason
        line = {"event": event, "key": key, "time": round(time.time(), 3), "process": os.getpid(), "reason": reason}
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / EVENTS).open("a", encoding="utf-8") as stream:
                stream.write(f"{json.dumps(line)}\n")

    def interrupted(self, key: str) -> bool:
        """Say whether the last run that started the pairing ended while it ran."""
        return self._open[key] > 0

    def died_here(self, key: str) -> int:
        """Return how often the pairing has died in this run."""
        return self._here[key]

    def quarantined(self, key: str) -> str:
        """Return why a pairing is not started, or an empty string."""
        if self.retry or self._deaths[key] < QUARANTINE:
            return ""
        reason = self._reasons.get(key) or "Its process ended before it had a result."
        return f"{reason} Tried {self._deaths[key]} times; it is not tried again without --retry."


def journal_folder(cache: Path, board: Path, shard: str = "") -> Path:
    """Return the folder of a board's journal, or of that of one shard."""
    return cache / "journal" / digest(text_of(board)) / (shard.replace("/", "-of-") or "whole")


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a journal; a line that was not written to its end is left out."""
    try:
        lines: Iterable[str] = (folder / EVENTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def read_plan(folder: Path) -> dict[str, Any] | None:
    """Return the last plan of a journal, or None."""
    try:
        return read_sealed(folder / PLAN)
    except (OSError, ValueError):
        return None
