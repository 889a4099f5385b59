"""Text from anywhere, in every text field of rows at once, means nothing in any format of a board or a terminal."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from support import run_python

from tlbench.api.results import Results
from tlbench.cli.output import print_facts, print_json, print_table
from tlbench.cli.row_card import row_sections
from tlbench.leaderboard.render import render
from tlbench.results.escapes import LONGEST_TEXT
from tlbench.results.files import LONGEST_NAME
from tlbench.results.row import Row, write_row
from tlbench.results.row_files import read_row, row_paths

EVIL = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "html that is closed": "--></td></table><svg onload=alert(1)>",
    "markdown": "[t](javascript:alert(1)) ![i](http://evil.example/x.png) | a | b\n\n# Head\n\n<!-- ",
    "addresses": "https://evil.example and www.evil.example and HTTP://evil.example @someone",
    "fence": "```\n~~~ ``x",
    "reference": "x]: http://evil.example\n[1]: http://evil.example",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "wide sign": "＝1+1",
    "latex": "\\input{/etc/passwd}\\write18{id} %$ ^^5cinput \\end{document}",
    "mathtext": "$\\frac{$ a_{b$ $\\href{javascript:alert(1)}{x}$",
    "escape": "\x1b[2J\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\\x07\x9b2J",
    "bidi": "abc\u202egnp.exe\u202c\u2066\u200b\ufeff",
    "unseen": "a\u3164b\u115fc\u2800d\u034fe\ufe0ff\U000e0101g",
    "lines": "a\u2028b\x85c\x1dd\r\ne",
    "half a character": "\ud800 \udce9",
    "long": "A" * 5000,
    "NUL": "a\0b",
}
OF_RANGES = {"status", "domain", "budget_rule", "device"}


def hostile(row, text: str, **changes) -> Row:
    """Return a row with a text in every field that takes any."""
    made = row("finetune", 0, 0.5)
    fields = {f.name: str(f.type) for f in dataclasses.fields(Row) if f.name not in OF_RANGES}
    values = {name: text for name, kind in fields.items() if kind in ("str", "str | None")}
    values |= {name: {text: text} for name, kind in fields.items() if kind in ("OptionValues", "Mapping[str, str]")}
    values |= {name: {text: 0.5} for name, kind in fields.items() if kind == "Mapping[str, float]"}
    assert len(values) > 35
    values |= {"task": f"toy/{text}", "analyses": {text: {text: 0.5}}, "worst_group_score": 0.1, "groups": 3}
    return dataclasses.replace(made, **{**values, **changes})


def hostile_rows(row, text: str) -> list[Row]:
    failed = {"status": "failed", "score": None, "strategy": "broken"}
    return [hostile(row, text), hostile(row, text, seed=1), hostile(row, text, **failed), row("a", 0, 0.4)]


@pytest.fixture(params=EVIL.values(), ids=EVIL)
def rows(row, request):
    return hostile_rows(row, request.param)


def files(board: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in board.iterdir() if path.is_file()}


class Tags(HTMLParser):
    """The tags of a page, and what its links and pictures lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        self.targets += [value or "" for name, value in attributes if name in ("href", "src") or name.startswith("on")]

    def handle_comment(self, data):
        self.names.add("comment")


def assert_printable(text: str) -> None:
    assert text.replace("\n", "").isprintable()
    assert not re.search("[\u3164\u115f\u2800\u034f\ufe0f\U000e0101]", text)


def test_pages_are_printable_and_short(rows, tmp_path):
    render(tmp_path, rows)
    pages = files(tmp_path)
    assert set(pages) == {"README.md", "leaderboard.json", "over-tasks.json", "toy.md", "toy.csv", "toy.tex"}
    for text in pages.values():
        assert_printable(text)
        assert "A" * (LONGEST_TEXT + 1) not in text


def test_markdown_has_the_links_and_tags_of_its_own_alone(rows, tmp_path):
    render(tmp_path, rows)
    for name in ("toy.md", "README.md"):
        page = (tmp_path / name).read_text()
        tags = Tags(MarkdownIt("commonmark", {"html": True}).enable("table").render(page))
        own = {"a", "code", "em", "h1", "h2", "li", "p", "strong", "ul", "table", "thead", "tbody", "tr", "th", "td"}
        assert tags.names <= own
        assert all(re.match(r"(rows/toy/[^:]+|[\w-]+\.(md|json))$", target) for target in tags.targets), tags.targets
        read = "\n".join(line for line in page.splitlines() if not re.match(r"\[\d+\]: rows/", line))
        assert not re.search(r"://|www\.|@", read, re.IGNORECASE)


def test_csv_holds_no_formula_and_as_many_cells_in_each_line(rows, tmp_path):
    render(tmp_path, rows)
    lines = list(csv.reader(io.StringIO((tmp_path / "toy.csv").read_text(), newline="")))
    assert (len(lines), len({*map(len, lines)})) == (4, 1)
    for cell in (cell for line in lines for cell in line):
        assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠\t\r")) or re.fullmatch(r"-?[\d.e+-]+", cell)


def test_latex_holds_no_command_of_a_row(rows, tmp_path):
    render(tmp_path, rows)
    text = (tmp_path / "toy.tex").read_text()
    assert not re.search(r"\\(input|write|frac|href|end\{document)|\^\^", text)
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert all(line.count(r"\begin") == 0 or line.startswith((r"\begin", r"\par")) for line in text.splitlines())


def test_json_reads_as_the_row_has_it(rows, tmp_path):
    render(tmp_path, rows)
    records = json.loads((tmp_path / "leaderboard.json").read_text())
    (failed,) = [record for record in records if record["status"] == "failed"]
    assert failed["reason"] == rows[2].reason


def test_a_row_is_written_printable_under_a_name_of_its_own_and_read_back(rows, tmp_path):
    path = write_row(tmp_path, rows[0])
    assert_printable(path.read_text())
    assert (row_paths(tmp_path), path.parent) == ([path], tmp_path / "rows" / "toy")
    assert Row.from_json(json.loads(path.read_text())) == rows[0]
    assert len(path.name.encode()) <= LONGEST_NAME


def test_terminals_and_notebooks_show_it_as_text(rows, tmp_path, capsys):
    results = Results(rows=tuple(rows), board=tmp_path)
    shown = results._repr_html_()
    tags = Tags(shown)
    assert tags.names <= {"div", "table", "thead", "tbody", "tr", "th", "td", "p"}
    assert "mathjax_ignore" in shown
    for section in row_sections(rows[2]).values():
        print_facts(section)
    print_table([{rows[0].strategy: rows[0].reason}])
    print_json(rows[0].to_json())
    for text in (repr(results), shown, repr(results.best()), capsys.readouterr().out):
        assert_printable(text)


def test_pictures_hold_it_as_text(row, tmp_path):
    text = "".join(EVIL[kind] for kind in ("html that is closed", "mathtext", "escape", "bidi"))
    render(tmp_path, hostile_rows(row, text), plots=True)
    drawn = list((tmp_path / "plots").glob("*.svg"))
    assert len(drawn) >= 3
    for path in drawn:
        assert_printable(path.read_text())
        parts = list(ElementTree.parse(path).iter())
        assert not {part.tag.rpartition("}")[2] for part in parts} & {"script", "a", "image", "foreignObject"}
        assert not [name for part in parts for name in part.attrib if name.startswith("on")]


@pytest.mark.parametrize("domain", ["d" * 251, "ü" * 250])
def test_names_that_no_file_could_have_are_cut_and_stay_apart(row, tmp_path, domain):
    rows = [row(name * 100, 0, 0.5, domain=domain, task=f"{domain}/{'t' * 300}") for name in ("ab", "ac")]
    paths = {write_row(tmp_path, made) for made in rows}
    assert len(paths) == 2
    assert [read_row(path).file_name for path in paths] == [f"{path.parent.name}/{path.name}" for path in paths]
    render(tmp_path, rows, plots=domain.isascii())
    assert len(list(tmp_path.glob("*.md"))) == 2


def test_a_message_of_any_length_is_cut_in_the_middle(row):
    made = row("a", 0, None, status="failed", reason=f"first{'x' * 50_000_000}last")
    assert len(made.reason) <= LONGEST_TEXT
    assert re.fullmatch(r"firstx+ \.\.\. \(\d+ characters left out, SHA-256 \w{8}\) \.\.\. x+last", made.reason)
    assert dataclasses.replace(made).reason == made.reason
    assert made.reason != row("a", 0, None, status="failed", reason=f"first{'x' * 9_000}y{'x' * 9_000}last").reason


def test_a_strategy_called_task_has_a_column_of_its_own(row, tmp_path):
    render(tmp_path, [row("task", 0, 0.25), row("backbone", 0, 0.75)])
    (line,) = [line for line in (tmp_path / "README.md").read_text().splitlines() if "| toy/mlp" in line]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "toy/blobs",
        "toy/mlp",
        "**0.750** / -",
        "**0.250** / -",
    ]


FULL = """
import resource, sys
sys.dont_write_bytecode = True  # Python does not notice that a compiled module was cut short, and reads it later.
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from tlbench.cli import main
main()
"""


def test_a_full_disk_leaves_the_old_pages_and_one_sentence(row, tmp_path):
    write_row(tmp_path, row("a", 0, 0.5))
    render(tmp_path, [row("b", 0, 0.25)])
    before = files(tmp_path)
    done = run_python(FULL, "leaderboard", "--board", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n"), "could not be written" in done.stderr) == (1, 1, True)
    assert {name: text for name, text in files(tmp_path).items() if len(text) > 2000} == {
        name: text for name, text in before.items() if len(text) > 2000
    }
    assert set(files(tmp_path)) == set(before)
