"""The pictures of a board. A page shows one only if it was drawn from the numbers on that page."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.leaderboard import curves, overview, plots, scatter, style
from tlbench.leaderboard.aggregate import Entry
from tlbench.results.baselines import requested_budget
from tlbench.results.files import digest, folder_name, write_bytes, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "plots"
INDEX = "drawn.json"
Picture = Callable[[str, str], str]
"""(name, what it shows) -> Markdown of a picture, or an empty text if there is none for these numbers."""


def source_of(entries: Sequence[Entry]) -> str:
    """Name the numbers that a page shows."""
    return digest([entry.record for entry in entries])


def file_name(domain: str, name: str) -> str:
    """Return the file of a domain's picture; pictures over all domains belong to none."""
    return f"{folder_name(domain)}-{name}.svg" if domain else f"{name}.svg"


def read_drawn(board: Path) -> Mapping[str, str]:
    """Return the pictures that are there, each with the name of the numbers it was drawn from."""
    try:
        drawn = json.loads((board / FOLDER / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # none, or an index that the next drawing writes anew
    pictures = drawn.items() if isinstance(drawn, dict) else ()
    return {name: source for name, source in pictures if (board / FOLDER / name).is_file()}


def shown(drawn: Mapping[str, str], domain: str, source: str) -> Picture:
    """Return what gives a page of these numbers its pictures."""

    def picture(name: str, shows: str) -> str:
        file = file_name(domain, name)
        return f"![{shows}]({FOLDER}/{file})\n" if drawn.get(file) == source else ""

    return picture


def draw(board: Path, entries: Sequence[Entry], left: Sequence[Entry]) -> list[Path]:
    """Draw every picture of a board and say from which numbers; return their paths.

    Raises `UsageError` if matplotlib is missing.
    """
    drawn: dict[str, str] = {}
    parts = [("", entries, left), *by_domain(entries, left)]
    sources = {domain: source_of([*own, *own_left]) for domain, own, own_left in parts}
    with style.styled():
        # If drawing stops midway, the index must not say of a new picture that it shows the old numbers.
        kept = {file: source for file, source in read_drawn(board).items() if source in sources.values()}
        write_json(board / FOLDER / INDEX, kept)
        for domain, own, own_left in parts:
            for name, picture in _pictures(domain, own, own_left).items():
                file = file_name(domain, name)
                write_bytes(board / FOLDER / file, picture)
                drawn[file] = sources[domain]
    write_json(board / FOLDER / INDEX, drawn)
    return [board / FOLDER / file for file in drawn]


def by_domain(entries: Sequence[Entry], left: Sequence[Entry]) -> Iterator[tuple[str, list[Entry], list[Entry]]]:
    """Yield each domain with its entries and with those that have no score."""
    for domain in sorted({entry.first.domain for entry in [*entries, *left]}):
        own, own_left = ([entry for entry in some if entry.first.domain == domain] for some in (entries, left))
        yield domain, own, own_left


def _pictures(domain: str, entries: Sequence[Entry], left: Sequence[Entry]) -> dict[str, bytes]:
    names = OF_A_DOMAIN if domain else OF_ALL
    figures = {name: _figure(name, entries, left) for name in names}
    return {name: style.svg(figure) for name, figure in figures.items() if figure}


def figure(name: str, entries: Sequence[Entry], left: Sequence[Entry]) -> Figure | None:
    """Return one of `FIGURES`, or None if the entries have no numbers for it; a notebook shows it as it is.

    Raises `UsageError` if matplotlib is missing.
    """
    with style.styled():
        drawn = _figure(name, entries, left)
        if drawn is not None:
            drawn.draw_without_rendering()  # Ticks get their style when they are drawn first.
            style.show_in_notebooks(drawn)
    return drawn


def _figure(name: str, entries: Sequence[Entry], left: Sequence[Entry]) -> Figure | None:
    scored = [entry for entry in entries if entry.mean("score") is not None]
    shown = scored if name in OF_ALL_BUDGETS else of_usual_budget(scored)
    return FIGURES[name](shown, left) if shown else None


def of_usual_budget(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of each task's most frequent label budget, of several equally frequent ones all.

    Strategies with more labels are not better by that; the picture `labels` has them.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for entry in filter(_has_budget, entries):
        counts[_pair(entry)][requested_budget(entry.first)] += 1
    return [
        entry
        for entry in entries
        if not _has_budget(entry)
        or counts[_pair(entry)][requested_budget(entry.first)] == max(counts[_pair(entry)].values())
    ]


def _pair(entry: Entry) -> tuple[str, str]:
    return entry.first.task, entry.first.backbone


def _has_budget(entry: Entry) -> bool:
    return "target-labels" in entry.first.access


FIGURES: Mapping[str, Callable[[Sequence[Entry], Sequence[Entry]], Figure | None]] = {
    "scores": plots.scores,
    "forgetting": lambda entries, left: plots.forgetting(entries),
    "gap-closed": lambda entries, left: plots.gap_closed(entries),
    "cost": lambda entries, left: scatter.cost(entries),
    "labels": lambda entries, left: curves.labels(entries),
    "overview": lambda entries, left: overview.overview(entries),
    "latency": lambda entries, left: scatter.latency(entries),
}
OF_ALL_BUDGETS = ("labels", "latency")
OF_A_DOMAIN = ("scores", "forgetting", "gap-closed", "cost", "labels")
OF_ALL = ("overview", "latency")
"""Pictures over all domains."""
