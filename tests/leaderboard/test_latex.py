from __future__ import annotations

import re

import pytest

from tlbench.leaderboard.latex import safe
from tlbench.leaderboard.render import render

EVIL = "50 % of {a_b} & $x^2$ \\input{/etc/passwd} #1 ~ <tag> |\n\\end{document}"


@pytest.fixture
def table(row, tmp_path):
    """Return the lines of the table that these rows give."""

    def lines(*rows) -> list[str]:
        render(tmp_path, list(rows))
        return (tmp_path / "toy.tex").read_text().splitlines()

    return lines


def of_two(row, **changes):
    return [
        row(name, seed, score + seed / 100, **changes) for name, score in (("a", 0.8), ("b", 0.5)) for seed in range(3)
    ]


def test_the_best_of_an_access_is_bold_and_baselines_stand_below_a_rule(row, table):
    lines = table(*of_two(row), row("all-labels", 0, 0.9, access=("target-all-labels",), baseline=True))
    (best,) = [line for line in lines if line.startswith(r"\textbf{a} & \textbf{0.810}")]
    rule = lines.index(r"\midrule", lines.index(best))
    (below,) = [line for line in lines if line.startswith("all-labels & 0.900")]
    assert lines.index(best) < rule < lines.index(below)
    assert lines[rule + 1] == r"\multicolumn{10}{@{}l}{\emph{baselines, access: all target labels}} \\"
    assert r"\textbf{b}" not in "\n".join(lines)


def test_every_line_has_as_many_cells_as_the_table_has_columns(row, table):
    lines = table(*of_two(row, scores={"success": 0.5}))
    (columns,) = [re.search(r"@\{\}(l?r*)@", line)[1] for line in lines if "begin{tabular}" in line]
    bodies = [line for line in lines if line.endswith(r" \\") and "multicolumn" not in line]
    assert len(bodies) == 4
    assert {line.count(" & ") + 1 for line in bodies} == {len(columns)} == {11}


def test_the_caption_says_what_the_numbers_are(row, table):
    (caption,) = [line for line in table(*of_two(row)) if line.startswith(r"\caption")]
    for words in (
        "toy/blobs",
        "accuracy on 100 target test examples",
        "label budget 24 labels",
        "seeds 0-2",
        "Selection last: a, b",
    ):
        assert words in caption


def test_a_failure_keeps_its_line_and_its_reason(row, table):
    lines = table(row("a", 0, 0.5), row("broken", 0, None, status="failed", stage="adapt", reason="It broke."))
    assert any(line.startswith("broken & failed & --") for line in lines)
    assert r"broken, seed 0: failed in adapt. It broke.\par" in lines


def test_names_and_reasons_stay_text(row, table):
    text = "\n".join(table(row(EVIL, 0, 0.8), row("broken", 0, None, status="failed", reason=EVIL)))
    assert r"\input" not in text
    assert text.count(r"\textbackslash{}end\{document\}") == 3  # the line, the caption, the reason
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")


def test_every_sign_that_means_something_is_escaped():
    assert safe("a_b & 5 % #1 {x}\n$y$") == r"a\_b \& 5 \% \#1 \{x\} \$y\$"
    assert safe("\\~^<>|") == r"\textbackslash{}\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"
