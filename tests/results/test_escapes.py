from __future__ import annotations

import json

import pytest

from tlbench.results.escapes import plain, plain_json, plain_lines

HOSTILE = {
    "\x1b[2J": r"\x1b[2J",
    "\x9b2J\x07\x7f": r"\x9b2J\x07\x7f",
    "abc\u202egnp.exe\u2069": r"abc\u202egnp.exe\u2069",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "a\u2028b\x85c\rd\te": r"a\u2028b\x85c\rd\te",
    "\U000e0041 half \ud800": r"\U000e0041 half \ud800",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_what_is_not_printable_is_shown_as_its_escape(text, shown):
    assert plain(text) == plain_lines(text) == shown


def test_text_of_any_language_stays_as_it_is():
    for text in ("Ünïcode ± § \\x1b", "数字", "ελληνικά", "🙂", ""):
        assert plain(text) == text


def test_line_feeds_stay_where_lines_are_asked_for():
    assert plain("a\nb") == r"a\nb"
    assert plain_lines("a\n\x1bb\n") == "a\n\\x1bb\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_json_reads_as_the_same_text_and_is_printable(text):
    shown = plain_json(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
    assert json.loads(shown) == {text: [text]}
    assert shown.replace("\n", "").isprintable()
