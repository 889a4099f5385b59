"""`-v`, `-q`, `--log-file` and NO_COLOR."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import click
import pytest

from tlbench.cli import app, output
from tlbench.cli.verbosity import LEVEL

RUN = ("run", "--task", "toy/blobs", "--references", "none", "--seeds", "1", "--strategy")
FAILS = ("finetune", "--set", "finetune.learning_rate=1e30")


def test_verbose_shows_stages_and_tracebacks_and_quiet_only_the_table(tlbench, tmp_path):
    log = tmp_path / "all.log"
    status, table, errors = tlbench(*RUN, *FAILS, "--strategy", "frozen", "-v", "--log-file", str(log))
    assert (status, "Traceback" in errors, "frozen seed 0: adapt" in errors) == (1, True, True)
    assert ("failed in adapt: finetune" in table, "results: 1 ok" in table) == (True, True)

    shown = log.read_text()
    for part in ("Traceback", "frozen seed 0: adapt", "failed in adapt: finetune", "results: 1 ok"):
        assert part in shown
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \w+ ", shown)

    status, table, errors = tlbench(*RUN, "frozen", "-q")
    assert (status, errors) == (0, "")
    assert table.splitlines()[-1].split()[0] in ("frozen", "†")
    shown = tlbench(*RUN, "frozen")[2]  # It is in the cache: no progress, no details.
    assert shown.splitlines()[1:] == ["plan of toy/blobs", "  runs      frozen x seed 0 on toy/mlp: 1 run"]
    assert "frozen seed 0: adapt from cache" in tlbench(*RUN, "frozen", "--verbose")[2]


def test_errors_are_not_silenced_and_the_log_has_them(tlbench):
    status, _, errors = tlbench(*RUN, "frozn", "--quiet", "--log-file", "all.log")
    assert (status, '"frozen"' in errors) == (2, True)
    shown = Path("all.log").read_text()
    assert 'ERROR Error: Unknown strategy "frozn"' in shown
    tlbench(*RUN, "frozn")
    assert Path("all.log").read_text() == shown  # It is closed with its command.


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_ends_the_log_and_not_the_command(tlbench):
    status, output, errors = tlbench(*RUN, "frozen", "--dry-run", "--log-file", "/dev/full")
    assert (status, "frozen" in output) == (0, True)
    assert errors == 'Error: "/dev/full" cannot be written any more: the log ends here.\n'


def test_quiet_silences_warnings():
    warning = ("A row is left out.", UserWarning, app.__file__, 1)
    assert app._format_warning(*warning) == "Warning: A row is left out.\n"
    with click.Context(app.cli) as context:
        context.meta[LEVEL] = (logging.ERROR, None)
        assert app._format_warning(*warning) == ""


def test_options_that_cannot_be_are_one_sentence(tlbench):
    status, _, errors = tlbench(*RUN, "frozen", "-v", "-q")
    assert (status, "exclude each other" in errors) == (2, True)
    status, _, errors = tlbench(*RUN, "frozen", "--log-file", "absent/all.log")
    assert (status, '"absent/all.log"' in errors, "Traceback" in errors) == (2, True, False)


@pytest.mark.parametrize(("no_color", "escapes"), [("", True), ("1", False)])
def test_headings_are_bold_unless_no_color_is_set(monkeypatch, capsys, no_color, escapes):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda *_: False)  # A terminal.
    output.print_title("toy/blobs")
    assert ("\x1b" in capsys.readouterr().out) == escapes
