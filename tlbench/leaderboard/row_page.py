"""One result as one HTML file: analyses with their pictures, what is said of its training, and all of its fields."""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench.errors import UsageError
from tlbench.leaderboard import to_scratch
from tlbench.leaderboard.training_plot import training_picture
from tlbench.results import training
from tlbench.results.analysis_files import picture_paths
from tlbench.results.escapes import plain
from tlbench.results.row import Row

TEMPLATE = Path(__file__).with_name("row_page.html")
Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Described:
    """Title and summary of an analysis, and how to read it."""

    title: str
    summary: str
    reading: str = ""


def row_page(
    row: Row,
    board: Path,
    sections: Mapping[str, Mapping[str, str]],
    described: Mapping[str, Described],
    flags: Sequence[str],
    command: str,
    scratch: Row | None = None,
) -> str:
    """Return the page: it needs no other file and asks for none. Text of rows and plugins is escaped.

    `scratch` is the result of training from scratch that the row is compared with.
    """
    from jinja2 import Environment, StrictUndefined

    analyses = [
        {
            "title": plain(_described(label, described).title),
            "summary": plain(_described(label, described).summary),
            "reading": plain(_described(label, described).reading),
            "numbers": [(plain(name), f"{value:.4g}") for name, value in numbers.items()],
            "picture": _picture(row, board, label),
        }
        for label, numbers in row.analyses.items()
    ]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=plain(_title(row)),
        score=plain(_score(row)),
        sentences=[plain(one) for one in (*training.in_words(row), to_scratch.in_words(row, scratch), *flags) if one],
        curves=_curves(row, scratch),
        points=[
            (str(step), f"{seconds:.3g}", f"{score:.4g}", "-" if known is None else f"{known:.4g}")
            for (step, seconds, score), known in itertools.zip_longest(row.score_curve, row.training_scores)
        ],
        analyses=analyses,
        sections=[
            (name, [(plain(key), plain(value)) for key, value in facts.items()]) for name, facts in sections.items()
        ],
        command=plain(command),
    )


def _title(row: Row) -> str:
    title = f"{row.task}, {row.backbone}, {row.strategy}, seed {row.seed}"
    if "target-labels" not in row.access:
        return title
    return f"{title}, label budget {row.budget_rule or row.label_budget} {row.budget_unit}"


def _score(row: Row) -> str:
    if row.score is None:
        return f"{row.status}: {row.reason or ''}"
    interval = "" if row.score_low is None else f" (95 % interval {row.score_low:.3f} to {row.score_high:.3f})"
    return f"{row.metric} {row.score:.3f}{interval} on {row.test_size} target test examples"


def _curves(row: Row, scratch: Row | None) -> str:
    """Return the picture of the training in base64; an empty text without curves, or without matplotlib."""
    with contextlib.suppress(UsageError):
        return base64.b64encode(training_picture(row, scratch)).decode()
    return ""


def _described(label: str, described: Mapping[str, Described]) -> Described:
    """Return what an analysis is called; its label has options that are not the default in brackets."""
    found = described.get(label.partition(" (")[0])
    return found or Described(title=label, summary="The plugin of this analysis is not installed.")


def _picture(row: Row, board: Path, label: str) -> str:
    """Return the picture of an analysis in base64, or an empty text."""
    return base64.b64encode(analysis_picture(row, board, label)).decode()


def analysis_picture(row: Row, board: Path, label: str) -> bytes:
    """Return the PNG file of an analysis of a row; empty if the board has none, or several that may be meant."""
    found = picture_paths(row, board, label)
    return found[0].read_bytes() if len(found) == 1 else b""
