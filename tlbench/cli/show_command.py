"""`tlbench show`."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli.board import board_of, board_option, find_row, row_files, row_names, scratch_of
from tlbench.cli.catalog import plugin_option
from tlbench.cli.completion import everything
from tlbench.cli.output import print_facts, print_json, print_title, say, say_wrapped
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.named_files import catalog_with
from tlbench.results.escapes import plain

if TYPE_CHECKING:
    from tlbench.cli.spec_cards import Card
    from tlbench.planning.catalog import Catalog
    from tlbench.results.row import Row


CARD, BADGE = FORMATS = ("model-card", "badge")


@click.command("show")
@click.argument("name", shell_complete=everything)
@board_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Print a result as a Hugging Face model card (YAML and Markdown), or as an SVG badge.",
)
def command(name: str, board: Path, plugins: Sequence[Path], as_json: bool, form: str | None) -> None:
    """Show the details of a task, backbone, family of backbones, strategy, estimator, analysis, domain or result.

    Name a result by its file, its key or another unique part of its name in --board.
    """
    if form is not None:
        if as_json:
            raise UsageError("--format prints another form than JSON: leave out --json or --format.")
        _print_form(form, name, board, catalog_with(plugins))
        return
    from tlbench.cli.spec_cards import spec_cards

    catalog = catalog_with(plugins)
    cards = spec_cards(catalog, name)
    rows = _rows(name, board, catalog, alone=not cards)
    board = board_of(name, board)
    if as_json:
        print_json([*cards, *(_row_record(path, row, catalog, board) for path, row in rows)])
        return
    for card in cards:
        _print_card(card)
    for path, row in rows:
        _print_row(path, row, catalog, board)


def _print_form(form: str, name: str, board: Path, catalog: Catalog) -> None:
    """Print a result in a form that other programs show."""
    from tlbench.leaderboard.model_card import badge, model_card

    _, row = find_row(board, name)
    task = catalog.tasks.get(row.task)
    made = badge(row) if form == BADGE else model_card(row, task.title if task else "", task.kind.name if task else "")
    say(made.removesuffix("\n"))


def _rows(name: str, board: Path, catalog: Catalog, alone: bool) -> list[tuple[Path, Row]]:
    """Return the row of that name, if any. A part of its name counts only if nothing else has that name."""
    if not alone and not Path(name).is_file():
        return []
    specs = [*catalog.domains, *catalog.tasks, *catalog.backbones, *catalog.families, *catalog.strategies]
    specs += [*catalog.estimators, *catalog.analyses]
    files = row_files(board, name)
    # Only a result's name has "--" between its parts.
    mistyped = len(files) > 1 and "--" not in name and difflib.get_close_matches(name, specs, cutoff=0.8)
    if not files or mistyped:
        unknown = UnknownNameError("task, backbone, strategy, domain or result", name, [*specs, *row_names(board)])
        advice = f'see tlbench list, and the results in "{board}"'
        raise unknown if unknown.near else UsageError(f'Unknown name "{name}": {advice}.')
    return [find_row(board, name)]


def _row_record(path: Path, row: Row, catalog: Catalog, board: Path) -> dict[str, Any]:
    return {
        "sort": "row",
        "path": str(path),
        "row": row.to_json(),
        "marks": dict(_marks(path, row, board)),
        "repeat": _repeat(row, catalog),
    }


def _marks(path: Path, row: Row, board: Path) -> tuple[tuple[str, str], ...]:
    """Return the marks that a board has for its result; a file that lies on no board has none."""
    from tlbench.leaderboard.marks import Evidence, marks_of

    if not path.resolve().is_relative_to((board / "rows").resolve()):
        return ()
    return marks_of([row], Evidence.read(board))


def _repeat(row: Row, catalog: Catalog) -> str:
    from tlbench.planning.repeat import repeat_command

    return shlex.join(repeat_command(row, catalog))


def _print_card(card: Card) -> None:
    print_title(f"{card.pop('sort')} {card.pop('name')}: {card.pop('title')}")
    commands = card.pop("commands", [])
    print_facts(card)
    for line in commands:
        say(f"\n    {line}")
    say()


def _print_row(path: Path, row: Row, catalog: Catalog, board: Path) -> None:
    from tlbench.cli.row_card import row_sections
    from tlbench.leaderboard import to_scratch
    from tlbench.leaderboard.aggregate import aggregate
    from tlbench.results import training

    print_title(f"result {path}")
    for title, facts in row_sections(row).items():
        say(f"\n{title}")
        print_facts(facts, indent="  ")
    for sentence in filter(None, (*training.in_words(row), to_scratch.in_words(row, scratch_of(board, row)))):
        say()
        say_wrapped(sentence)
    # Those that need no other result: a board has more.
    for entry in aggregate([row]):
        for name, sentence in entry.flags:
            say(f"\nflag {name}: {plain(sentence)}")
    for name, sentence in _marks(path, row, board):
        say(f"\nmark {name}: {plain(sentence)}")
    say(f"\nrun it again\n\n    {plain(_repeat(row, catalog))}\n")
