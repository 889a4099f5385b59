"""Nothing that a plugin, a row, a file or an exception says reaches the terminal as more than text."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.shell_completion import ShellComplete

from tlbench.api.display import Display
from tlbench.api.results import Results
from tlbench.api.wrapping import cells
from tlbench.cli import app as cli
from tlbench.cli import output
from tlbench.cli.outcome import print_results
from tlbench.contract.events import Event
from tlbench.results.row import Row

EVIL = "\x1b]8;;http://evil\x1b\\x\x9b2J\u202e"
SHOWN = r"\x1b]8;;http://evil\x1b\x\x9b2J\u202e"
OWN = {
    "output.py": "the one place",
    "probes.py": "JSON for another process",
    "completion_command.py": "click's script",
    "entry.py": "a sentence of its own, before anything else is imported",
}
"""Modules that print by themselves, and why."""


def printed(capsys) -> str:
    """Return what was printed to both streams, after making sure that all of it is visible."""
    text = "".join(capsys.readouterr())
    assert all(line.isprintable() for line in text.split("\n"))
    return text


@pytest.mark.parametrize(
    "show",
    [
        lambda: output.say(EVIL),
        lambda: output.say(EVIL, err=True),
        lambda: output.print_title(EVIL),
        lambda: output.print_table([{EVIL: EVIL, "score": 0.5}]),
        lambda: output.print_facts({EVIL: EVIL, "list": [EVIL], "table": [{EVIL: EVIL}]}),
    ],
)
def test_what_is_printed_is_text(show, capsys):
    show()
    assert SHOWN in printed(capsys)


def test_json_is_visible_and_means_the_same(capsys):
    output.print_json({"name": EVIL})
    assert r"\u001b]8;;" in printed(capsys)


def test_text_that_reads_as_a_number_stays_as_it_is(capsys):
    output.print_table([{"version": "1.10", "difference": "+0.2", "score": 0.5}])
    assert printed(capsys).splitlines()[-1].split() == ["1.10", "+0.2", "0.500"]


def test_wide_characters_take_two_cells(capsys):
    output.print_table([{"名前": name, "score": 0.5} for name in ("网络", "mlp")])
    output.print_facts({"名前": "a", "name": "b"})
    *table, first, second = printed(capsys).splitlines()
    assert len({cells(line) for line in table}) == 1
    assert cells(first) == cells(second)


def test_lists_of_numbers_stay_numbers(capsys):
    output.print_table([{"a": 0.12345, "b": None, "c": 3}])
    assert capsys.readouterr().out.splitlines()[-1].split() == ["0.123", "-", "3"]


def test_a_row_s_reason_is_text_while_it_runs_and_after(blobs, settings, capsys):
    row = Row(**{**blobs.row_fields(settings), "backbone": EVIL}, status="failed", stage="adapt", reason=EVIL)
    display = Display()
    display.tlbench_event(Event(name="pairing-started", pairing=EVIL))
    display.tlbench_event(Event(name="pairing-finished", pairing=EVIL, done=1, total=1, values={"row": row}))
    assert printed(capsys).count(SHOWN) == 2
    for wide in (False, True):
        print_results(Results(rows=(row,), board=Path("board")), Path("log"), wide=wide)
        assert printed(capsys).count(SHOWN) == 2


def test_errors_and_warnings_are_text(tlbench, tmp_path):
    for words in (["show", EVIL], ["run", "--seeds", EVIL], [EVIL], ["leaderboard", "--board", EVIL]):
        status, _, errors = tlbench(*words)
        assert (status, all(line.isprintable() for line in errors.split("\n"))) == (2, True)
        assert SHOWN[:10] in errors
    for place in (cli.__file__, "/elsewhere.py"):
        said = cli._format_warning(EVIL, UserWarning, place, 1, line="")
        assert all(line.isprintable() for line in said.split("\n"))


def test_a_title_that_is_completed_is_text(monkeypatch):
    spec = SimpleNamespace(title=EVIL)
    catalog = SimpleNamespace(tasks={"toy/blobs": spec}, families={})
    monkeypatch.setattr("tlbench.planning.catalog.load_catalog", lambda *_, **__: catalog)
    asked = ShellComplete(cli.cli, {}, "tlbench", "_TLBENCH_COMPLETE")
    assert [item.help for item in asked.get_completions(["run", "--task"], "toy")] == [SHOWN]


def test_commands_print_by_one_module_alone():
    found = {
        path.name
        for path in Path(cli.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo", "click.secho"}
    }
    assert found == set(OWN)
