"""Kinds of problem that tlbench does not ship, each in a file of its own: from raw data to an export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from kind_helpers import Case, check_export, edit_distance, stored
from support import comparable, only

from tlbench import Access, LoadRequest, StrategySpec, training_options
from tlbench.cli.inspection import inspect_task
from tlbench.learning import Outputs, Predictions, Targets
from tlbench.testing import conformance

ANSWERS = Case("question_answering", "answers/colours", 0.5, ("finetune", "adversarial"))
BEEPS = Case("transcripts", "beeps/quiet", 0.5, ("finetune", "adversarial"))
BOXES = Case("boxes", "shapes/rectangles", 0.5)
STARS = Case("ordinal", "tabular/stars", 0.04, ("adversarial", "finetune"))
TOPICS = Case("label_names", "topics/others", 0.4, ("zero-shot", "finetune"), "text/bag")
CASES = {case.plugin: case for case in (ANSWERS, BEEPS, BOXES, STARS, TOPICS)}


@pytest.fixture(scope="module")
def results(tmp_path_factory, session_cache):
    """Runs a case once: (rows, board)."""
    done = {}

    def run(case):
        if case not in done:
            board = tmp_path_factory.mktemp(case.plugin)
            done[case] = case.run(board), board
        return done[case]

    return run


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_every_strategy_ends_as_an_exported_and_measured_file(case, results):
    rows, _ = results(case)
    baselines = {"constant", "source-only", "scratch", "all-labels", "classical"}
    assert {row.strategy for row in rows} == {*case.strategies, *baselines}
    skipped = {row.strategy for row in rows if row.status != "ok"}
    # A kind without a probe has no classical model.
    expected = {STARS: set(), TOPICS: {"source-only"}}.get(case, {"classical"})
    assert skipped == expected, [row.reason for row in rows]
    for row in rows:
        if row.status == "ok":
            assert row.parity < 1e-5
            assert row.parity_flips == 0
            assert row.score_low <= row.score <= row.score_high
            assert row.p50_ms > 0
    trained = only(rows, strategy="finetune")
    assert trained.train_gap is not None


def test_all_labels_teach_more_than_a_constant_prediction(case, results):
    rows, _ = results(case)
    best, least = (only(rows, strategy=name).score for name in ("all-labels", "constant"))
    assert best > least + case.margin


def test_the_same_seed_gives_the_same_row(case, results, tmp_path):
    rows, _ = results(case)
    both = case.train_anew(tmp_path), only(rows, strategy=case.strategies[0])
    again, first = (comparable(row.to_json()) for row in both)
    # Trained alone, it has no baselines to be compared with.
    of_others = ("transfer_gain", "negative_transfer", "gap_closed")
    assert {**again, **{name: first[name] for name in of_others}} == first


def test_an_export_makes_the_predictions_that_were_scored(case, results, tmp_path):
    rows, board = results(case)
    for name in ("all-labels", "constant"):
        done = case.export(only(rows, strategy=name), board, tmp_path / name)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        assert "tlbench" not in {word for line in _imports(tmp_path / name) for word in line.replace(".", " ").split()}


def test_the_card_of_a_kind_without_labels_lists_none(results, tmp_path):
    rows, board = results(ANSWERS)
    ANSWERS.export(only(rows, strategy="all-labels"), board, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "scores of a start and of an end of the answer" in card
    assert "In order" not in card


def _imports(folder):
    text = (folder / "postprocess.py").read_text()
    return [line for line in text.splitlines() if line.startswith(("import ", "from "))]


def test_an_export_with_another_number_of_predictions_is_found_out(results, tmp_path):
    rows, board = results(BOXES)
    BOXES.export(only(rows, strategy="all-labels"), board, tmp_path / "out")
    path = tmp_path / "out" / "examples" / "predictions.json"
    scored = json.loads(path.read_text())
    without = {name: {**known, "prediction": known["prediction"][:-1]} for name, known in scored.items()}
    path.write_text(json.dumps(without))
    done = check_export(tmp_path / "out")
    assert (done.returncode, "NOT the predictions" in done.stdout) == (1, True)


def test_the_conformance_suite_accepts_the_plugin(case, tmp_path):
    catalog = case.catalog()
    origins = [origin for origin in catalog.origins.values() if origin.distribution == "file"]
    specs = conformance.specs_of(catalog, origins)
    found = [result for spec in specs for result in conformance.check_spec(spec, catalog, tmp_path, plugin=case.path)]
    assert len(found) > 10
    assert [result for result in found if result.status in ("failed", "note")] == []
    assert {result.check for result in found if result.status == "skipped"} <= {"module is light"}


def test_references_reach_the_metric_and_the_board(results):
    rows, board = results(ANSWERS)
    kept = stored(board, only(rows, strategy="finetune"))
    references = [json.loads(text) for text in kept["references"]]
    assert len(references) == len(kept["counts"]) == 200
    right = [
        " ".join(known["words"][start : end + 1]) in known["answers"]
        for known, (start, end) in zip(references, kept["predictions"], strict=True)
    ]
    assert only(rows, strategy="finetune").scores["exact-match"] == pytest.approx(np.mean(right))


def choose(request):
    """Fine-tune, with a look at what the request says of references."""
    if len(request.target.train.targets.references) or not len(request.target.validation.targets.references):
        raise AssertionError("references are for scores alone")
    request.fit(request.model, request.target.train)
    if request.score(request.model, request.target.validation) < 0.2:
        raise AssertionError("validation has no score")
    return request.model


def test_references_do_not_reach_a_strategy_but_its_validation_scores(tmp_path, session_cache):
    spec = StrategySpec(
        name="choose",
        title="Choose",
        summary="Fine-tuning that scores a validation set.",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        selection="target-validation",
        options=training_options(steps=60, learning_rate=1e-2),
        adapt=choose,
    )
    row = only(ANSWERS.run(tmp_path, strategies=[spec]), strategy="choose")
    assert (row.status, row.reason) == ("ok", None)


def test_any_accepted_answer_counts_and_the_best_one():
    words = ["q", "a", "dark", "red", "."]
    references = [{"words": words, "answers": ["red", "dark red"]}] * 3
    spans = Targets(np.zeros((3, 2), np.int64), np.ones(3, np.int64), references)
    found = Predictions(np.array([[2, 3], [3, 3], [1, 3]]), np.ones(3, np.int64))
    metrics = ANSWERS.module.Span().metrics(())
    assert metrics["exact-match"](found, spans)(np.ones(3)) == pytest.approx(2 / 3)
    assert metrics["token-f1"](found, spans)(np.ones(3)) == pytest.approx((1 + 1 + 0.8) / 3)
    assert metrics["token-f1"](found, spans)(np.array([0.0, 0.0, 2.0])) == pytest.approx(0.8)


def test_the_best_span_is_legal():
    start, end = np.array([0.0, 9, 0, 0, 0, 0]), np.array([9.0, 0, 0, 1, 0, 8])
    outputs = Outputs(np.stack([start, end], 1), mask=np.array([[True] * 6]))
    # An end before the start, and one too far behind it, have larger sums.
    assert ANSWERS.module.BestSpan().predict(outputs)[0].tolist() == [[1, 3]]


def test_transcripts_have_their_own_number_of_characters(results):
    rows, board = results(BEEPS)
    kept = stored(board, only(rows, strategy="finetune"))
    own, wanted = kept["prediction_counts"], kept["counts"]
    assert (own == 0).any()
    assert (own == 0).sum() < len(own)
    assert own.sum() == len(kept["predictions"])
    assert (wanted == 0).any()
    assert only(rows, strategy="finetune").scores["silence"] == 1.0


def test_the_character_error_rate_is_that_of_plain_edit_distances():
    random, module = np.random.default_rng(3), BEEPS.module
    found, wanted = ([random.integers(3, size=random.integers(6)) for _ in range(40)] for _ in range(2))
    assert module.edits([], []) == 0
    pairs = [(one.tolist(), other.tolist()) for one, other in zip(found, wanted, strict=True)]
    distances = [edit_distance(*pair) for pair in pairs]
    assert [module.edits(*pair) for pair in pairs] == distances
    sizes = [np.array([len(part) for part in parts]) for parts in (found, wanted)]
    predictions, targets = Predictions(np.concatenate(found), sizes[0]), Targets(np.concatenate(wanted), sizes[1])
    weights = random.integers(3, size=40).astype(float)
    rate = weights @ distances / (weights @ sizes[1])
    assert module.character_accuracy(predictions, targets)(weights) == pytest.approx(1 - rate)


def test_a_path_is_collapsed_before_blanks_go():
    path = np.eye(5, dtype=np.float32)[[1, 1, 0, 1, 2, 2, 0, 0]]
    outputs = Outputs(np.concatenate([path, np.eye(5, dtype=np.float32)[[0, 0]]]), mask=np.arange(8) < [[8], [2]])
    assert [part.tolist() for part in BEEPS.module.BestPath().predict(outputs)] == [[0, 0, 1], []]


def test_images_have_their_own_number_of_boxes(results):
    rows, board = results(BOXES)
    kept = stored(board, only(rows, strategy="all-labels"))
    assert kept["predictions"].shape == (kept["prediction_counts"].sum(), 6)
    empty = kept["counts"] == 0
    assert (kept["prediction_counts"][empty] == 0).mean() > 0.8
    assert set(kept["prediction_counts"]) >= {0, 1, 2}
    nothing = stored(board, only(rows, strategy="constant"))
    assert nothing["predictions"].shape == (0, 6)


def test_the_map_is_smaller_than_the_image():
    encoder = BOXES.module.Strided(1)
    assert encoder(torch.zeros(2, 24, 24, 1, dtype=torch.uint8)).shape == (2, 6, 6, 32)


def test_average_precision_is_the_area_by_hand():
    box, other = [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]
    found = [[0, 0.9, *box], [0, 0.8, *box], [0, 0.7, *other]]
    predictions = Predictions(np.array(found), np.array([3, 0]))
    targets = Targets(np.array([[0, *box], [0, *other], [0, *box]]), np.array([2, 1]))
    score = BOXES.module.mean_average_precision(predictions, targets, 1)
    # A hit, the same box again, a hit: precision 1 and 2/3 at a half of the boxes each.
    assert score(np.array([1.0, 0.0])) == pytest.approx((1 + 2 / 3) / 2)
    # The second image's box is missed.
    assert score(np.array([1.0, 1.0])) == pytest.approx((1 + 2 / 3) / 3)
    # The first image twice: two hits, two misses, two hits.
    assert score(np.array([2.0, 0.0])) == pytest.approx((1 + 1 + 4 / 6 + 4 / 6) / 4)


def test_inspect_counts_each_box_and_no_class_of_spans():
    boxes, spans = (_inspect(case) for case in (BOXES, ANSWERS))
    wide = [box for label in BOXES.module.load(None).target.train.labels for box in label if box[0] == 0]
    (counted,) = [row for row in boxes.classes if row["class"] == "wide"]
    assert counted["target train"] == len(wide)
    assert (boxes.refused, spans.refused, spans.classes, spans.notes) == ([], [], [], [])


def _inspect(case):
    request = LoadRequest(task=case.task, options={}, data_root=None)
    return inspect_task(case.catalog().task(case.task), request, 24)


def test_names_of_labels_need_vectors(tmp_path, session_cache):
    rows = TOPICS.run(tmp_path, strategies=["zero-shot"], backbone=["text/bag", "text/nameless"])
    named, nameless = (only(rows, strategy="zero-shot", backbone=name) for name in ("text/bag", "text/nameless"))
    constant = only(rows, strategy="constant", backbone="text/bag")
    assert named.score > constant.score + 0.3
    assert named.forgetting_head == 0.0
    assert (nameless.status, 'requires vectors of label names, which "text/nameless" lacks' in nameless.reason) == (
        "skipped",
        True,
    )


def test_an_order_has_class_probabilities_and_numbers_have_not(tmp_path, session_cache):
    options = {"adversarial.conditional": True}
    rows = STARS.run(tmp_path, strategies=["adversarial"], options=options)
    rows += Case("ordinal", "tabular/liking", 0.5).run(tmp_path, strategies=["adversarial"], options=options)
    stars, liking = (only(rows, strategy="adversarial", task=name) for name in ("tabular/stars", "tabular/liking"))
    assert (stars.status, stars.score > only(rows, strategy="constant", task="tabular/stars").score) == ("ok", True)
    # Numbers are no probabilities to condition on: the plain form runs.
    assert (liking.status, liking.reason) == ("ok", None)
