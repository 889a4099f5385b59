"""The interactive page in a browser: what a reader does with it, and that text of rows does nothing."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from site_rows import ABOUT, PHONE, WIDE, board_rows
from test_hostile_text import EVIL, hostile_rows
from test_site_data import stored_row

from tlbench.leaderboard.advice.case import cases
from tlbench.leaderboard.advice.limits import NEEDS, Limits
from tlbench.leaderboard.advice.verdict import advise
from tlbench.leaderboard.aggregate import aggregate, order, without_score
from tlbench.leaderboard.site import page as pages
from tlbench.leaderboard.site.data import site_data
from tlbench.leaderboard.site.descriptions import Card, Descriptions
from tlbench.leaderboard.site.runs import run_ids
from tlbench.results.files import write_json
from tlbench.results.row_files import read_rows

BOARD = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture
def rows(row):
    return board_rows(row, 4)


PARITY = """([cases, every]) => {
  const CASES = cases, ENTRIES = [];
  %s
  return every.map(([needs, limits]) => {
    const has = (part) => needs.includes(part) ? "1" : "0";
    const labels = needs.includes("target-labels") ? "" : "0";
    const given = { on: "", labels, inputs: has("target-inputs"), source: has("source") };
    return allowed(given).map((one) => {
      const { decision, verdict, leftOut, notDifferent, use } = decide(one, limits);
      return { task: one.task, given: one.given, condition: one.condition, decision, verdict, left_out: leftOut,
        not_different: notDifferent, name: use === null ? "" : one.entries[use].name };
    });
  });
}"""


def in_browser(browser, data, every: list[Limits]) -> list[list[dict]]:
    parts = [(pages.FOLDER / "js" / f"{name}.js").read_text() for name in ("format", "advice", "shortlist")]
    limits = [[list(one.needs or NEEDS), {"forgetting": one.max_forgetting, "ms": one.max_ms}] for one in every]
    shown = browser.new_page()
    try:
        return shown.evaluate(PARITY % "\n".join(parts), [data, limits])
    finally:
        shown.close()


def in_python(entries, left, limits: Limits) -> list[dict]:
    return [
        {
            "task": advice.task,
            **{name: getattr(one, name) for name in ("given", "condition", "decision", "verdict", "name")},
            "left_out": [list(pair) for pair in one.left_out.items()],
            "not_different": list(one.not_different),
        }
        for advice in advise(entries, left, limits)
        for one in advice.choices
    ]


def every_limit() -> Iterator[Limits]:
    needs = [(), ("target-labels",), ("source", "target-inputs")]
    for forgets, ms, data in itertools.product([None, 0.0, 0.03], [None, 0.1, 0.3], needs):
        yield Limits(max_forgetting=forgets, max_ms=ms, needs=data)


def assert_same_answers(browser, rows, board=None) -> set[str]:
    """Compare the answers of the page and of Python within many limits; return the decisions that there were."""
    entries, left, every = aggregate(rows, board), without_score(rows), list(every_limit())
    data = json.loads(json.dumps(site_data(rows, board, ABOUT, "Board")["cases"]))
    expected = [in_python(entries, left, limits) for limits in every]
    for limits, there, here in zip(every, in_browser(browser, data, every), expected, strict=True):
        assert there == here, limits
    return {one["decision"] for some in expected for one in some}


def test_the_page_recommends_what_the_advice_does(browser, row):
    decisions = set().union(*(assert_same_answers(browser, board_rows(row, 12, seed)) for seed in range(4)))
    assert decisions == {"best", "only", "undecided", "baseline", "none"}


def test_it_does_so_on_the_published_boards(browser):
    if not (BOARD / "rows").is_dir():
        pytest.skip("the tests run on an sdist, which has no boards")
    assert "best" in assert_same_answers(browser, list(read_rows(BOARD)), BOARD)


SHORTLIST = """([cases, entries, limits]) => {
  const CASES = cases, ENTRIES = entries, distinct = (values) => [...new Set(values)];
  %s
  const found = allowed({ on: "" }).map((one) => decide(one, limits));
  return shortlist(byTask(found)).map((one) => [one.strategy, one.first.sort(), one.recommended.length]);
}"""


def shortlist_in_python(entries, left, limits: Limits) -> dict[str, tuple[list[str], int]]:
    """Return for each strategy the tasks in which it has the highest score of all that fit, and its recommendations."""
    tasks, counts = collections.defaultdict(set), collections.Counter()
    for of_task in cases(entries, left, limits):
        fitting = [entry for case in of_task for entry in case.eligible]
        most = max((entry.mean("score") for entry in fitting), default=None)
        for entry in fitting:
            if entry.mean("score") == most:
                tasks[entry.first.strategy].add(entry.first.task)
        counts.update(case.use.first.strategy for case in of_task if case.use)
    return {name: (sorted(tasks[name]), counts[name]) for name in tasks.keys() | counts}


def assert_same_shortlist(browser, rows, board=None) -> dict[str, tuple[list[str], int]]:
    entries, left = aggregate(rows, board), without_score(rows)
    everything = [
        {"strategy": one.first.strategy, "score": one.mean("score"), "access_words": ""}
        for one in sorted([*entries, *left], key=order)
    ]
    data = json.loads(json.dumps(site_data(rows, board, ABOUT, "Board")["cases"]))
    parts = [(pages.FOLDER / "js" / f"{name}.js").read_text() for name in ("format", "advice", "shortlist")]
    shown = browser.new_page()
    for limits in every_limit():
        if limits.needs:
            continue
        bounds = {"forgetting": limits.max_forgetting, "ms": limits.max_ms}
        there = shown.evaluate(SHORTLIST % "\n".join(parts), [data, everything, bounds])
        expected = shortlist_in_python(entries, left, limits)
        assert {name: (tasks, count) for name, tasks, count in there} == expected, limits
    shown.close()
    return shortlist_in_python(entries, left, Limits())


def test_what_is_recommended_stands_above_what_has_high_scores_alone(opened, row):
    rows = []
    for number in range(3):
        own = {"task": f"toy/task-{number}", "baseline": False}
        for seed in range(3):
            rows += [row("high", seed, 0.8 + 0.1 * (seed - 1), **own, seconds={"adapt": 90.0})]
            rows += [row("cheap", seed, 0.79 - 0.1 * (seed - 1), **own), row("low", seed, 0.1 + seed / 1000, **own)]
        rows += [row(f"only-{letter}", 0, 0.2, **own, label_budget=ord(letter)) for letter in "abcdefghij"[number:]]
    shown = opened(rows, "#/choose")
    ranked = shown.locator(".ranking li").all_inner_texts()
    assert ranked[0].startswith(
        "cheap (target labels): recommended in 3 of 3 tasks, surely better in 0, highest score in 0"
    )
    assert len(ranked) == 8
    assert not [text for text in ranked if text.startswith("high")]
    more = shown.locator(".shortlist > details").first
    more.locator("summary").click()
    assert more.inner_text().startswith("and 4 more")
    assert more.locator("p").inner_text().endswith(", high")
    assert [one.is_visible() for one in shown.locator(".task-answer .choices").all()] == [False] * 3
    first = shown.locator(".task-answer").first
    assert first.locator("summary").first.inner_text().startswith("toy/task-0 cheap (accuracy 0.790, not decided)")
    first.locator("summary").first.press("Enter")
    assert "highest score: high 0.800" in first.inner_text()


def test_the_shortlist_counts_the_highest_scores_of_all_that_fit(browser, row):
    found = assert_same_shortlist(browser, board_rows(row, 12, 1))
    assert sum(len(tasks) for tasks, _ in found.values()) > 10


def test_it_does_so_on_the_published_boards_too(browser):
    if not (BOARD / "rows").is_dir():
        pytest.skip("the tests run on an sdist, which has no boards")
    found = assert_same_shortlist(browser, list(read_rows(BOARD)), BOARD)
    assert len(found["finetune"][0]) > len(found["frozen"][0])


def remarks(advice) -> set[str]:
    return {text for one in advice.choices for text in [*one.doubts.values(), *one.worth_trying.values()]}


def answers(shown) -> str:
    return " ".join(shown.locator(".task-answer").all_inner_texts())


def test_a_task_has_all_remarks_of_the_advice_and_limits_keep_those_that_hold(opened, row):
    rows = board_rows(row, 6, 1)
    entries, left = aggregate(rows), without_score(rows)
    limited = {one.task: remarks(one) for one in advise(entries, left, Limits(max_ms=0.3))}
    kept, gone = set(), set()
    for advice in advise(entries, left):
        shown = opened(rows, f"#/choose?on={advice.task}")
        text = answers(shown)
        assert not [said for said in remarks(advice) if said not in text]
        shown.get_by_label("Milliseconds per example").fill("0.3")
        text, others = answers(shown), remarks(advice) - limited[advice.task]
        assert not [said for said in others if said in text]
        kept |= {said for said in remarks(advice) if said in text}
        gone |= others
    assert kept
    assert gone


def names(shown) -> list[str]:
    return shown.locator("tbody tr:not(.task):not(.group) .first > .name").all_inner_texts()


def scores(shown) -> list[float]:
    texts = shown.locator("tbody tr:not(.task):not(.group) td:nth-child(2) b").all_inner_texts()
    return [float(text) for text in texts if text not in ("failed", "skipped")]


def test_a_column_sorts_both_ways_and_says_so(opened, rows):
    shown = opened(rows, "#/board")
    heading = shown.locator("thead th", has_text="Score")
    assert heading.get_attribute("aria-sort") == "none"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert scores(shown) == sorted(scores(shown), reverse=True)
    assert len(set(scores(shown))) > 5
    assert shown.evaluate("document.activeElement.textContent").startswith("Score")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert scores(shown) == sorted(scores(shown))
    assert "sort=score" in shown.url


def skipped_row(row, strategy, seed, **more):
    reason = f'"{strategy}" requires images, which "toy/mlp" lacks.'
    return row(strategy, seed, None, status="skipped", reason=reason, **more)


def test_what_was_skipped_is_one_line_with_its_reasons(opened, row):
    rows = [row("finetune", 0, 0.5), *(skipped_row(row, f"s{at}", seed) for at in range(5) for seed in range(2))]
    shown = opened(rows, "#/board")
    assert names(shown) == ["finetune"]
    assert "6 results, 5 of them skipped" in shown.locator(".count").inner_text()
    line = shown.locator("tr.skipped")
    assert line.inner_text().strip() == "5 skipped: s0, s1, s2 and 2 more"
    line.locator("summary").click()
    assert line.locator("li").all_inner_texts() == ['s0, s1, s2, s3, s4: requires images, which "toy/mlp" lacks.']
    line.locator("a").nth(1).click()
    shown.locator("h1", has_text="s1 on blobs, seed 0").wait_for()
    assert 's1, seeds 0, 1: skipped. "s1" requires images' in shown.locator("main").inner_text()
    sorted_by_score = opened(rows, "#/board?sort=-score")
    assert names(sorted_by_score) == ["finetune"]
    assert "5 skipped" in " ".join(sorted_by_score.locator(".hint").all_inner_texts())
    alone = opened(rows, "#/board?status=skipped&sort=-score")
    assert alone.locator("tr.skipped li").first.is_visible()
    strategy = opened(rows, "#/strategy/s2")
    assert "blobs: requires images" in strategy.locator("main").inner_text()


def test_leaders_come_first_in_their_group_and_then_the_highest_scores(opened, row):
    rows = []
    for seed in range(5):  # b has the highest score, but not with every seed: a is not significantly below it
        rows += [row("a", seed, 0.7), row("b", seed, 0.75 + (seed - 2) / 10), row("c", seed, 0.71 - seed / 1e4)]
        rows += [row("d", seed, 0.3), row("z", seed, 0.6 + seed / 1e4)]
        rows.append(row("tent", seed, 0.9, access=("target-inputs",)))
    shown = opened(rows, "#/board")
    groups = shown.locator("tr.group").all_inner_texts()
    assert [text.startswith("access: target inputs") for text in groups] == [True, False]
    kinds = shown.locator("tbody tr:not(.task):not(.group)").evaluate_all("all => all.map((one) => one.className)")
    ties = ["tie" in kind.split() for kind in kinds[1:]]
    assert ties == sorted(ties, reverse=True)
    assert names(shown)[1:] == ["b", "c", "a", "z", "d"]


def test_a_browser_that_cannot_unpack_says_so(browser, row, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(pages.page(site_data([row("a", 0, 0.5)], None, ABOUT, "Board")), encoding="utf-8")
    shown, errors = browser.new_page(), []
    shown.on("pageerror", lambda error: errors.append(error.message))
    shown.add_init_script("delete window.DecompressionStream")
    shown.goto(path.as_uri())
    assert shown.locator("h1").inner_text() == "This page needs a newer browser"
    assert "Firefox 113" in shown.locator("main").inner_text()
    assert errors == [shown.locator("main p").inner_text()]
    shown.close()


def test_filters_narrow_the_board_and_stay_in_the_address(opened, rows):
    shown = opened(rows, "#/board")
    shown.locator("form").get_by_label("Task").select_option("toy/task-1")
    shown.get_by_label("Search").fill("finetune")
    assert set(names(shown)) <= {"finetune"}
    assert "task=toy%2Ftask-1&words=finetune" in shown.url
    again = opened(rows, shown.url[shown.url.index("#") :])
    assert names(again) == names(shown)
    assert again.get_by_label("Search").input_value() == "finetune"


def test_all_columns_are_more_than_the_brief_ones(opened, rows):
    shown = opened(rows, "#/board")
    assert shown.locator("thead th").count() == 5
    shown.get_by_label("Columns").select_option("full")
    assert shown.locator("thead th").count() > 12


def test_a_run_opens_and_leads_to_its_task_and_strategy_and_back(opened, rows):
    shown = opened(rows, "#/board?strategy=finetune")
    shown.locator(".first .name").first.click()
    shown.locator("h1", has_text="finetune on task-").wait_for()
    assert "tlbench run --task toy/task-" in shown.locator("pre").inner_text()
    assert shown.evaluate("document.activeElement.id") == "main"
    shown.locator(".crumbs a", has_text="finetune").click()
    shown.locator("main h2", has_text="Where it helped").wait_for()
    assert shown.locator("dd a").get_attribute("href") == "https://example.org/x"
    shown.go_back()
    shown.locator(".crumbs a").first.click()
    shown.locator("h1", has_text="toy/task-").wait_for()
    assert shown.locator("svg.chart").count() >= 2


def test_the_command_repeats_the_seed_that_is_shown(opened, row):
    rows = [row("finetune", seed, 0.5, task="toy/task-0") for seed in (3, 4)]
    shown = opened(rows, "#/board")
    shown.locator(".first .name").click()
    shown.locator(".seeds a", has_text="4").click()
    shown.locator("pre", has_text="tlbench run --task toy/task-0 --seeds 4-4").wait_for()


def test_a_run_names_its_board_where_it_says_how_to_show_it(opened, row, tmp_path):
    made = row("finetune", 0, 0.5)
    board = tmp_path / "my board"
    shown = opened([made], start=made, board=board)
    (name,) = run_ids([made])
    assert f"tlbench show {name} --board {shlex.quote(str(board))}" in shown.locator("main").inner_text()


def test_a_run_says_what_to_expect_and_how_to_compare_it(opened, row, tmp_path):
    made = [
        row("finetune", seed, 0.5 + seed / 10, key=f"a{seed}", commit="5c291bde2d58f5a4", device_name="EPYC")
        for seed in (1, 2)
    ]
    about = Descriptions(repeat=lambda row: f"tlbench run --seeds {row.seed}-{row.seed} --set backbone.weights=PATH")
    shown = opened(made, start=made[1], board=tmp_path, about=about)
    text = shown.locator("main").inner_text()
    assert (
        "Expect accuracy 0.700; bit for bit only on the same class of processor (EPYC) and with commit 5c291bd." in text
    )
    assert f"tlbench verify {tmp_path}/rows/{made[1].file_name} --rerun 1" in text
    assert "PATH: your weights file (backbone.weights)." in text


def test_a_reader_chooses_by_data_and_limits(opened, row):
    rows = []
    for seed in range(5):
        rows += [
            row("finetune", seed, 0.9 + seed / 1000, forgetting_head=0.2, label_budget=40),
            row("frozen", seed, 0.8 + seed / 1000, forgetting_head=0.0, label_budget=40),
            row("adabn", seed, 0.6 + seed / 1000, access=("target-inputs",), forgetting_head=0.1),
        ]
    shown = opened(rows)
    picks = lambda: shown.locator(".pick b").all_inner_texts()  # noqa: E731
    assert shown.locator("h1").inner_text() == "Which strategy?"
    assert picks() == ["finetune", "adabn"]
    shown.get_by_label("It may forget of the source").select_option("0")
    assert picks() == ["frozen"]
    left_out = shown.locator(".shortlist details", has_text="Left out: 1 strategy")
    assert not left_out.locator("p").is_visible()
    left_out.locator("summary").press("Enter")
    assert "finetune: it forgets 0.200, more than 0" in left_out.locator("p").inner_text()
    shown.get_by_label("It may forget of the source").select_option("")
    shown.get_by_label("Target labels you have").fill("10")
    assert picks() == ["adabn"]
    text = shown.locator(".shortlist").inner_text()
    assert "finetune and frozen: measured with 40 target labels, you have 10." in text
    shown.get_by_label("unlabelled target data").uncheck()
    assert "the fewest here are 40" in shown.locator(".shortlist").inner_text()
    shown.reload()
    assert shown.get_by_label("Target labels you have").input_value() == "10"
    assert not shown.get_by_label("unlabelled target data").is_checked()


def test_only_limits_that_are_set_are_to_be_widened(opened, row):
    constant = {"most_common_share": 0.99, "most_common_target_share": 0.3}
    rows = [row("finetune", seed, 0.5, task=f"toy/t{at}", **constant) for seed in range(2) for at in range(2)]
    shown = opened(rows)
    empty = lambda: shown.locator(".empty").inner_text()  # noqa: E731
    assert empty() == "Nothing can be recommended. The reasons are below."
    shown.get_by_label("Milliseconds per example").fill("3")
    assert empty().endswith("within these limits. The reasons are below: allow more milliseconds.")


def test_two_strategies_are_compared_and_turned_round(opened, row):
    rows = [row(name, seed, score) for seed in range(3) for name, score in (("frozen", 0.5), ("finetune", 0.7))]
    shown = opened(rows, "#/compare?by=strategy&a=frozen&b=finetune")
    assert "+0.200" in shown.locator("tbody").inner_text()
    assert "upper bound" in shown.locator("tbody").inner_text()  # no draws are stored
    assert "finetune against frozen: 1 better." in shown.locator("main").inner_text()
    shown.get_by_role("button", name="Swap A and B").click()
    assert "−0.200" in shown.locator("tbody").inner_text()
    assert "frozen against finetune: 1 worse." in shown.locator("main").inner_text()
    assert "a=finetune&b=frozen" in shown.url


def test_a_comparison_begins_with_a_pair_that_has_something_in_common(opened, row):
    seeds = range(3)
    rows = [row("adabn", seed, 0.5, task="toy/one", access=("target-inputs",)) for seed in seeds]
    rows += [row(name, seed, 0.5 + seed / 10, task="toy/two") for seed in seeds for name in ("mixed", "zero")]
    shown = opened(rows, "#/compare")
    assert "zero against mixed" in shown.locator("main").inner_text()
    choices = shown.locator("form select").nth(2).locator("option").all_inner_texts()
    assert choices == ["adabn (nothing in common)", "zero"]
    shown.get_by_label("Domain or task").select_option("toy/one")
    assert "no results that answer the same question in toy/one" in shown.locator("main").inner_text()
    for name, links in (("adabn", 0), ("zero", 1)):
        assert opened(rows, f"#/strategy/{name}").get_by_text("Compare it with another").count() == links


def test_in_pictures_better_is_to_the_right(opened, row):
    rows = [row("slow", 0, 0.5, p50_ms=9.0), row("fast", 0, 0.6, p50_ms=0.1)]
    shown = opened(rows, "#/tradeoff?on=toy&x=p50_ms")
    places = {
        name: shown.locator(f'a.point[aria-label^="{name}"] circle').bounding_box()["x"] for name in ("slow", "fast")
    }
    assert places["fast"] > places["slow"]
    assert "good" in shown.locator("svg.chart").text_content()
    shown.locator('a.point[aria-label^="fast"]').focus()
    shown.keyboard.press("Enter")
    shown.wait_for_selector("h1:has-text('fast on blobs')")


def test_a_run_shows_what_is_stored_beside_it(opened, row, tmp_path):
    random = np.random.default_rng(0)
    made = stored_row(
        row,
        tmp_path,
        random.dirichlet(np.ones(3), 60).astype(np.float32),
        random.integers(0, 3, 60),
        np.array(list("abc")),
    )
    write_json(tmp_path / "latency" / "abc.json", {"raw_ms": [0.1 + number / 1000 for number in range(200)]})
    made = dataclasses.replace(
        made,
        latency="abc",
        training_loss=(2.0, 1.0, 0.5, 0.4),
        score_curve=((1, 0.1, 0.3), (9, 0.9, 0.5)),
        training_scores=(0.4, 1.0),
        analyses={"cka": {"block": 0.5}},
        train_gap=0.2,
        eager_score=0.5,
    )
    shown = opened([made], start=made, board=tmp_path)
    text = shown.locator("main").inner_text()
    for word in ("Errors", "Each class", "Training", "Latency", "Analyses", "Overfitted", "Repeat it"):
        assert word in text
    charts = {chart.get_attribute("aria-label").split(":")[0] for chart in shown.locator("svg.chart").all()}
    assert charts == {"Calibration", "Training loss", "Target score in training", "Histogram of latencies"}
    curve = shown.locator("svg.chart", has_text="Target score in training")
    assert "training labels: 0.4 at 0.1, 1 at 0.9" in curve.text_content()
    assert shown.locator(".matrix tbody tr").count() == 3


def test_several_budgets_make_a_curve(opened, row):
    rows = [
        row("finetune", 0, 0.5 + count / 1000, label_budget=count, budget_rule=str(count)) for count in (10, 50, 100)
    ]
    shown = opened(rows, "#/task/toy/blobs")
    assert "Score over labels" in shown.locator("main").inner_text()
    assert shown.locator("svg polyline.line").count() == 1


def test_labels_are_a_cost_only_where_there_are_several_budgets(opened, row):
    rows = [row("finetune", 0, 0.5, label_budget=count, budget_rule=str(count)) for count in (10, 50)]
    rows += [row("adabn", 0, 0.4, access=("target-inputs",), label_budget=50), row("finetune", 0, 0.5, task="toy/b")]
    shown = opened(rows, "#/tradeoff?on=toy/blobs&x=label_budget")
    assert shown.locator("a.point").count() == 2  # adabn has no labels
    shown.get_by_label("Domain or task").select_option("toy/b")
    assert "labels" not in shown.get_by_label("Score against").inner_text()
    assert "x=retention" in shown.url


@pytest.mark.parametrize(
    "fragment",
    [
        "#/run/none",
        "#/task/%E0%A4%A",
        "#/strategy/<b>",
        "#/nowhere",
        "#/board?sort=__proto__&page=-3",
        "#/task/__proto__",
    ],
)
def test_an_address_that_leads_nowhere_is_no_error(opened, rows, fragment):
    assert opened(rows, fragment).locator("h1").count() == 1


VISIT = """(fragment) => new Promise((done) => {
  const links = () => [...document.querySelectorAll("a")].map((link) => link.getAttribute("href"));
  addEventListener("hashchange", () => done(links()), { once: true });
  location.hash = fragment;
})"""


def test_text_of_rows_does_nothing(opened, row):
    tail = '<img src=x onerror="alert(1)"></script><script>alert(1)</script>'
    texts = [f"{text}{tail}" for text in EVIL.values()]
    cards = {text: Card(title=text, summary=text, facts={text: f"javascript:alert(1) {text}"}) for text in texts}
    about = Descriptions(strategies=cards, repeat=lambda row: row.strategy)
    shown = opened([made for text in texts for made in hostile_rows(row, text)[:3]], about=about)
    every = shown.evaluate(VISIT, "#/board")
    own = list(dict.fromkeys(link for link in every if link.startswith(("#/run/", "#/task/", "#/strategy/"))))
    assert len(own) > 2 * len(texts)
    for fragment in ["#/choose", "#/board?columns=full", "#/board?sort=label", "#/tradeoff?on=toy", "#/compare", *own]:
        links = shown.evaluate(VISIT, fragment)
        assert all(link.startswith(("#", "https://")) for link in links)
        assert not shown.locator("main img, main script, main iframe").count()


def test_ten_thousand_results_are_shown_a_page_at_a_time(opened, row):
    rows = [
        row(f"s{number % 20}", 0, (number * 7919 % 1000) / 1000, task=f"toy/t{number // 20}")
        for number in range(10_000)
    ]
    shown = opened(rows, "#/board")
    assert "10,000 results" in shown.locator("main").inner_text()
    shown.locator("thead th", has_text="Score").locator("button").click()
    assert len(names(shown)) == 250
    assert scores(shown)[:5] == [0.999] * 5
    shown.get_by_role("button", name="Next page").click()
    assert "Page 2 of 40" in shown.locator(".pager").inner_text()
    assert "page=2" in shown.url


def test_a_page_of_the_board_ends_with_a_task(opened, row):
    rows = [row(f"s{number}", 0, 0.5, task=f"toy/t{task:02d}") for task in range(5) for number in range(60)]
    shown = opened(rows, "#/board")
    assert len(names(shown)) == 240
    shown.get_by_role("button", name="Next page").click()
    assert shown.locator("tr.task").all_inner_texts()[0].startswith("toy/t04")
    assert len(names(shown)) == 60


def test_a_small_screen_sorts_by_a_choice_and_opens_flags(opened, row):
    rows = [
        row("a", 0, 0.5, most_common_share=0.99, most_common_target_share=0.3),
        row("b", 0, 0.7, task="toy/other", metric="macro-f1"),
    ]
    shown = opened(rows, "#/board", viewport=PHONE)
    shown.get_by_label("Sort").focus()
    shown.get_by_label("Sort").select_option("-score")
    assert names(shown) == ["b", "a"]
    assert shown.evaluate("document.activeElement.tagName") == "SELECT"
    assert "accuracy and macro-f1, which are not on one scale" in " ".join(shown.locator(".hint").all_inner_texts())
    shown.locator("details.flag summary").first.click()
    assert shown.locator("details.flag p").first.is_visible()


def test_colours_follow_the_system_and_a_switch(opened, rows):
    shown = opened(rows, color_scheme="dark")
    ground = lambda: shown.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    dark = ground()
    shown.get_by_role("button", name="Switch to light colours").click()
    assert ground() != dark
    shown.get_by_role("button", name="Switch to dark colours").click()
    assert ground() == dark


def test_on_paper_it_is_light_and_whole(opened, rows):
    shown = opened(rows, "#/compare?a=frozen&b=finetune", color_scheme="dark")
    run = opened(rows, "#/board").locator(".first .name").first.get_attribute("href")
    shown.emulate_media(media="print")
    assert not shown.locator("form.panel").is_visible()
    assert shown.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')") == "#1d1f21"
    shown.evaluate("(fragment) => { location.hash = fragment; }", run)
    facts = shown.locator("details:not([open]) dl")
    facts.first.wait_for()
    assert facts.first.bounding_box()["height"] > 10
    assert not shown.locator("button.quiet").first.is_visible()


PLACES = [
    "#/choose",
    "#/board",
    "#/board?columns=full&sort=-score",
    "#/board?status=skipped",
    "#/tradeoff?baselines=1",
    "#/compare",
    "#/about",
    "#/task/toy/task-0",
    "#/strategy/finetune",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_accessible_and_fits_the_screen(opened, row, rows, viewport, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    skipped = [skipped_row(row, f"s{at}", 0, task="toy/task-0") for at in range(3)]
    shown = opened([*rows, *skipped], viewport=viewport, color_scheme=scheme)
    run = shown.evaluate("document.querySelector('.pick a').getAttribute('href')")
    for fragment in [*PLACES, run]:
        shown.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        found = axe.Axe().run(shown).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert not serious, fragment
        assert shown.evaluate("document.documentElement.scrollWidth") <= viewport["width"], fragment
