"""Names in static pictures: they hide neither points nor each other; scores far below press nothing together."""

from __future__ import annotations

import itertools

import pytest

from tlbench.leaderboard import pictures
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.plots import near_others, span
from tlbench.leaderboard.point_names import name_points
from tlbench.leaderboard.style import grid, point

pytest.importorskip("matplotlib", reason="pictures need matplotlib")


def test_names_overlap_no_name_and_no_point_and_stay_in_their_panel():
    figure, (panel, other) = grid(2, 2.2)
    named = [(5 + place % 4 / 50, 5 + place // 4 / 50, f"strategy-{place}") for place in range(16)]
    named += [(9.0, 9.0, "at-the-edge"), (0.0, 0.0, "in-the-corner")]
    for x, y, _ in named:
        point(panel, x, y, "k")
    name_points(figure, [(panel, named), (other, [])])
    boxes = [text.get_window_extent() for text in panel.texts]
    assert {text.get_text() for text in panel.texts} >= {"at-the-edge", "in-the-corner"}
    assert 2 < len(boxes) < len(named)
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    inside = panel.get_window_extent()
    for box in boxes:
        assert inside.x0 <= box.x0 < box.x1 <= inside.x1
        for x, y, _ in named:
            at, up = panel.transData.transform((x, y))
            assert not (box.x0 < at < box.x1 and box.y0 < up < box.y1)


@pytest.mark.parametrize(
    ("scores", "least"),
    [
        ([-3.0, 0.7, 0.8, 0.82], 0.7),
        ([0.7, 0.8, 0.82, 0.83], 0.7),
        ([0.1, 0.9, 0.92, 0.95], 0.9),
        ([0.1, 0.2, 0.3, 0.9], 0.1),
        ([-3.0, -2.9, -0.8, 0.1, 0.3, 0.5], -0.8),
        ([0.5], 0.5),
    ],
)
def test_what_is_far_below_is_found_by_the_gap(scores, least):
    assert near_others(scores) == near_others(scores[::-1]) == least


def test_the_picture_of_costs_counts_what_lies_below_it(row):
    rows = [row(name, 0, score, metric="r2") for name, score in (("a", 0.7), ("b", 0.8), ("c", 0.82), ("lost", -3.0))]
    entries = aggregate(rows)
    low, high = span(entries)
    assert 0.6 < low < 0.7 < 0.82 < high < 0.9
    figure = pictures.figure("cost", entries, [])
    assert figure is not None
    assert "1 further below" in {text.get_text() for text in figure.axes[0].texts}
