"""How the data of the interactive page become small: columns, digits, and the packed block."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re

import pytest

from tlbench.leaderboard.site.columnar import FINE, brief, rounded, three_decimals, three_digits
from tlbench.leaderboard.site.packing import packed

VALUES = {
    "nothing": {},
    "an empty board": {"entries": {}, "runs": {"id": []}, "texts": []},
    "numbers and None": {"values": [0, -1, 0.5, 1e-9, 1e300, None, True, False]},
    "languages": {"texts": ["Übertragung", "移转学习", "נקי", "🙂", "é"]},
    "ends of elements": {"texts": ["</script><script>alert(1)</script>", "<!--", "]]>", "&amp;", '"', "\\"]},
    "long": {"values": list(range(100_000))},
}


def unpacked(text: str):
    return json.loads(gzip.decompress(base64.b64decode(text, validate=True)))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_is_packed_is_unpacked_as_it_was(value):
    text = packed(value)
    assert unpacked(text) == value
    assert re.fullmatch("[A-Za-z0-9+/]+={0,2}", text)
    assert packed(value) == text


def test_letters_that_hide_or_turn_text_become_escapes_in_names_and_values():
    assert unpacked(packed({"a\u202e": ["b\n\x1b", ("c\u2028",)]})) == {"a\\u202e": ["b\\n\\x1b", ["c\\u2028"]]}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_lacks_is_an_error(value):
    with pytest.raises(ValueError, match="JSON"):
        packed([value])
    assert unpacked(packed([rounded(value)])) == [None]


def test_packing_has_no_date_and_makes_it_a_tenth():
    value = {"texts": [f"finetune on task {number % 40}" for number in range(5000)]}
    assert base64.b64decode(packed(value))[4:8] == bytes(4)
    assert len(packed(value)) < len(json.dumps(value)) / 10


HALVES = [number / 2**power for power in (4, 5, 6, 10) for number in range(-40, 41)]
FORMS = (three_decimals, three_digits)


def numbers() -> list[float]:
    import random

    draw = random.Random(0)
    return [draw.gauss(0, 10 ** draw.uniform(-6, 4)) for _ in range(4000)] + HALVES


def as_shown(value: float) -> tuple[str, str]:
    return f"{value:+.3f}", f"{value:.1e}" if abs(value) < 0.001 else f"{value:.3g}"


def test_fewer_digits_look_the_same():
    shorter = 0
    for value in numbers():
        full, short = rounded(value, FINE), brief(value, FINE, *FORMS)
        assert as_shown(short) == as_shown(full)
        shorter += len(repr(short)) < len(repr(full))
    assert shorter > 1500


def test_a_half_is_kept_because_browsers_round_it_otherwise():
    assert [brief(value, FINE, *FORMS) for value in (0.0625, -0.4375, 2.5)] == [0.0625, -0.4375, 2.5]
    assert (f"{0.0625:.3f}", brief(0.06249, FINE, *FORMS)) == ("0.062", 0.06249)  # 0.063 in a browser


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (0.683412, 0.683),
        (0.0831467, 0.0831),
        (0.0834567, 0.08346),
        (0.94946, 0.949),
        (12.3456, 12.346),
        (-0.000313, -0.00031),
    ],
)
def test_a_number_has_the_digits_that_are_shown(value, short):
    assert brief(value, FINE, *FORMS) == short


@pytest.mark.parametrize("value", [None, True, 7, "text", math.nan])
def test_what_is_no_fraction_stays(value):
    assert brief(value, FINE, *FORMS) == (None if value != value else value)
