"""A result for a model card of the Hugging Face hub, and as a badge.

The badge is a picture made here, not a request to a service: it shows in a private repository and without a network,
and its number cannot change behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from tlbench.errors import UsageError
from tlbench.leaderboard import versions, wording
from tlbench.leaderboard.markdown import safe
from tlbench.results.escapes import plain
from tlbench.results.row import Row

LETTER = 6.6
"""Width of a letter of a badge, in pixels: its font is Verdana at 11."""
BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {value}">
<title>{label}: {value}</title>
<rect width="{left}" height="20" fill="#555"/><rect x="{left}" width="{right}" height="20" fill="#0969a8"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{label_at}" y="14" textLength="{label_long}">{label}</text>
<text x="{value_at}" y="14" textLength="{value_long}">{value}</text>
</g></svg>
"""


def model_card(row: Row, title: str = "", kind: str = "") -> str:
    """Return what a model card says of a result: YAML with a `model-index`, and a table in Markdown.

    `title` is that of the task, `kind` its kind of problem. Raises `UsageError` for a result without a score.
    """
    _check(row)
    from huggingface_hub import EvalResult, ModelCardData

    about: dict[str, Any] = {
        "task_type": kind or "other",
        "dataset_type": row.task,
        "dataset_name": plain(title or row.task),
        "dataset_split": "test",
        "dataset_revision": row.data_sha256,
        "dataset_args": _args(row.task_options),
    }
    own = {"seed": row.seed, "interval_95": [row.score_low, row.score_high], "examples": row.test_size}
    results = [EvalResult(**about, metric_type=row.metric, metric_value=row.score, metric_args=own)]
    results += [
        EvalResult(**about, metric_type=name, metric_value=value)
        for name, value in sorted(row.scores.items())
        if name != row.metric
    ]
    name = plain(f"{row.backbone}, {row.strategy}, {row.task}")
    data = ModelCardData(model_name=name, eval_results=results, tags=["transfer-learning", "tlbench"])
    return f"---\n{data.to_yaml()}\n---\n\n{_table(row)}\n"


def _args(options: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: plain(value) if isinstance(value, str) else value for name, value in options.items()} or None


def _table(row: Row) -> str:
    interval = f"{wording.number(row.score_low)} to {wording.number(row.score_high)}"
    lines = {
        "Task": row.task,
        "Backbone": row.backbone,
        "Strategy": f"{row.strategy}, given {wording.access(row.access)}",
        "Label budget": "-" if row.label_budget is None else f"{row.label_budget} {row.budget_unit}",
        f"Score ({row.metric})": f"{wording.number(row.score)} (95 %: {interval}), {row.test_size} test examples",
        "Seed": str(row.seed),
        **({} if row.setting == "target-only" else {"Forgetting (source head)": wording.number(row.forgetting_head)}),
        "Latency p50": f"{wording.number(row.p50_ms)} ms on {row.device_name}",
        "Parameters": "-" if row.parameters is None else f"{row.parameters:,}",
        "Code": versions.code(row),
    }
    cells = [[safe(name), safe(value)] for name, value in lines.items()]
    return str(tabulate(cells, headers=["", "tlbench"], tablefmt="github", disable_numparse=True))


def badge(row: Row) -> str:
    """Return an SVG with task and score. Raises `UsageError` for a result without a score."""
    from xml.sax.saxutils import escape

    _check(row)
    label, value = plain(row.task), f"{plain(row.metric)} {wording.number(row.score)}"
    label_long, value_long = (round(LETTER * len(text)) for text in (label, value))
    left, right = label_long + 12, value_long + 12
    quoted = {'"': "&quot;"}
    return BADGE.format(
        width=left + right,
        left=left,
        right=right,
        label=escape(label, quoted),
        value=escape(value, quoted),
        label_at=left / 2,
        value_at=left + right / 2,
        label_long=label_long,
        value_long=value_long,
    )


def _check(row: Row) -> None:
    if row.score is None:
        raise UsageError(f'"{row.file_name}" has no score: it {row.status}. Name a result with one.')
