"""A row without baselines and latency, with the stages that it is made of: what a pairing leaves, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.engine.store import StoredStage
from tlbench.errors import StoreError
from tlbench.results.row import Row
from tlbench.results.row_checks import check


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was asked for beside the score of a pairing, and what came of it."""

    stages: Mapping[str, StoredStage] = field(default_factory=dict)
    """`STAGE LABEL` -> the finished stage."""
    pictures: Mapping[str, StoredStage | None] = field(default_factory=dict)
    """The end of a picture's file name -> the stage of the analysis, None if it failed."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Label -> why there is no number."""

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds of each."""
        return {name: stage.seconds for name, stage in self.stages.items()}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A row without baselines and latency, and the stages that it is made of; no stages if it failed or was skipped."""

    row: Row
    published: bool = True
    """False for a row that is not written to the board: nobody could say what it is a result of."""
    stages: Mapping[str, StoredStage] = field(default_factory=dict)
    found: Found = field(default_factory=Found)
    """What was asked for beside the score."""
    traceback: str = ""
    """Of what failed, as the log has it; empty if its process left none."""

    def to_json(self) -> dict[str, Any]:
        """Return the draft as JSON, which `from_json` reads."""
        return {
            "row": self.row.to_json(),
            "published": self.published,
            "traceback": self.traceback,
            "stages": _stages(self.stages),
            "found": {
                "stages": _stages(self.found.stages),
                "pictures": _stages(self.found.pictures),
                "failed": dict(self.found.failed),
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Draft:
        """Return a draft that another process sent. Raises `StoreError` for any other value."""
        try:
            row = Row.from_json(value["row"])
            check(row)
            found = value["found"]
            return cls(
                row=row,
                published=bool(value["published"]),
                traceback=str(value.get("traceback", "")),
                stages=_read_stages(value["stages"]),
                found=Found(
                    stages=_read_stages(found["stages"]),
                    pictures={name: one and _read_stage(one) for name, one in found["pictures"].items()},
                    failed={str(label): str(reason) for label, reason in found["failed"].items()},
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"Invalid draft of a row: {type(error).__name__}: {error}") from error


def _stages(stages: Mapping[str, StoredStage | None]) -> dict[str, Any]:
    return {
        name: stage and {**dataclasses.asdict(stage), "folder": str(stage.folder)} for name, stage in stages.items()
    }


def _read_stages(value: Mapping[str, Any]) -> dict[str, StoredStage]:
    return {name: _read_stage(one) for name, one in value.items()}


def _read_stage(value: Mapping[str, Any]) -> StoredStage:
    return StoredStage(**{**value, "folder": Path(value["folder"])})
