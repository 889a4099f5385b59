"""Pages of a board: every changed digit is found, and what is missing is said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlbench.results.row_files import read_rows
from tlbench.verification.board import verify_board
from tlbench.verification.pages import missing_pages, wrong_pages

PAGES = ("README.md", "leaderboard.json", "over-tasks.json", "toy.csv", "toy.md", "toy.tex")


@pytest.fixture(scope="module")
def rows(published):
    return list(read_rows(published))


def test_every_page_of_a_board_is_compared(published, rows):
    assert sorted(path.name for path in published.glob("*.*")) == sorted(PAGES)
    assert (list(wrong_pages(published, rows)), missing_pages(published, rows)) == ([], {})


@settings(max_examples=60)
@given(data=st.data())
def test_any_changed_digit_of_a_page_is_found(published, rows, data, tmp_path_factory):
    name = data.draw(st.sampled_from(PAGES))
    text = (published / name).read_text()
    place = data.draw(st.sampled_from([match.start() for match in re.finditer(r"\d", text)]))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda one: one != text[place]))
    board = tmp_path_factory.getbasetemp() / "digit"
    board.mkdir(exist_ok=True)
    (board / name).write_text(f"{text[:place]}{digit}{text[place + 1 :]}")
    try:
        (problem,) = wrong_pages(board, rows)
    finally:
        (board / name).unlink()
    assert (problem.file, problem.field) == (name, f"line {text.count(chr(10), 0, place) + 1}")
    assert digit in problem.value


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"# Another page\n", b"\x1b[2J"])
def test_another_page_is_wrong_and_what_it_says_is_printable(forger, speakers, content):
    (forger.board / "toy.md").write_bytes(content)
    (problem,) = verify_board(forger.board, speakers).problems
    assert (problem.file, str(problem).isprintable()) == ("toy.md", True)


def test_a_page_without_results_and_one_that_was_not_rendered_are_named(forger, speakers):
    (forger.board / "toy.tex").unlink()
    (forger.board / "moon.md").write_text("# moon\n")
    report = verify_board(forger.board, speakers)
    assert report.status == 3
    assert report.unverified == {
        "moon.md": "no results for this file",
        "toy.tex": "not rendered: run tlbench leaderboard",
    }


def test_a_wrong_result_does_not_count_and_the_pages_that_count_it_are_wrong(forger, speakers):
    forger.change(test_size=1000)
    report = verify_board(forger.board, speakers)
    counted = {*PAGES} - {"over-tasks.json"}  # One task has no comparison over tasks.
    assert {problem.file for problem in report.problems} == {f"rows/{forger.row().file_name}", *counted}
    assert report.counts()["wrong"] == 1
