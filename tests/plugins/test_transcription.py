"""The kind transcription: targets, loss, best path, and scores beside those of another library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from tlbench import BadInputError
from tlbench.learning import BatchTargets, Outputs, Predictions, Targets

pytest.importorskip("jiwer")
pytest.importorskip("torchmetrics")

from torchmetrics.text import CharErrorRate, WordErrorRate

from tlbench_speech.transcripts.best_path import BestPath, text_of
from tlbench_speech.transcripts.kind import Transcription
from tlbench_speech.transcripts.recordings import frames_needed, normalised

LABELS = (" ", "a", "b", "c")
KIND = Transcription()


def encoded(texts, of=Predictions):
    targets = KIND.targets(texts, LABELS)
    return of(targets.values, targets.counts)


def scores(predicted, truth, weights=None):
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, float)
    found, wanted = encoded(predicted), encoded(truth, Targets)
    return {name: metric(found, wanted)(weights) for name, metric in KIND.metrics(LABELS).items()}


def defined(predicted, truth):
    return KIND.metrics(LABELS)["wer"](encoded(predicted), encoded(truth, Targets)).defined(np.ones(len(truth)))


def library(predicted, truth):
    return [float(rate(predicted, truth)) for rate in (WordErrorRate(), CharErrorRate())]


def texts(random, size):
    words = ["a", "b", "ab", "cab", "bc", "aab"]
    return [" ".join(random.choice(words, random.integers(5)).tolist()) for _ in range(size)]


@pytest.mark.parametrize("seed", range(8))
def test_error_rates_are_those_of_torchmetrics(seed):
    random = np.random.default_rng(seed)
    predicted, truth = texts(random, 30), texts(random, 30)
    found, (words, characters) = scores(predicted, truth), library(predicted, truth)
    assert found["wer"] == pytest.approx(words, abs=1e-6)
    assert found["cer"] == pytest.approx(characters, abs=1e-6)
    assert found["word-accuracy"] == pytest.approx(1 - words, abs=1e-6)
    weights = random.integers(0, 3, 30)
    again = [list(np.repeat(side, weights)) for side in (predicted, truth)]
    assert scores(predicted, truth, weights)["wer"] == pytest.approx(library(*again)[0], abs=1e-6)


@pytest.mark.parametrize(
    ("predicted", "truth", "rates"),
    [
        ([""], ["a b"], (1.0, 1.0)),
        (["a b"], ["a b"], (0.0, 0.0)),
        (["", "a"], ["", "a"], (0.0, 0.0)),
        (["b c", "a"], ["", "a"], (2.0, 3.0)),
        (["a b c"], ["a"], (2.0, 4.0)),
        (["ab"], ["a b"], (1.0, 1 / 3)),
    ],
)
def test_edges_are_those_of_torchmetrics_and_by_hand(predicted, truth, rates):
    found = scores(predicted, truth)
    assert (found["wer"], found["cer"]) == pytest.approx(rates)
    assert library(predicted, truth) == pytest.approx(rates)


def test_without_a_word_that_is_there_rates_are_undefined_and_finite():
    assert scores([""], [""]) == {"word-accuracy": 1.0, "wer": 0.0, "cer": 0.0}
    assert scores(["a b"], [""])["word-accuracy"] == -1.0
    assert not defined(["a b"], [""])
    assert defined(["a b", ""], ["", "a"])


def test_spaces_at_the_ends_and_double_ones_are_no_errors():
    assert scores([" a  b "], ["a b"]) == {"word-accuracy": 1.0, "wer": 0.0, "cer": 0.0}
    assert text_of([0, 1, 0, 0, 2, 0], LABELS) == "a b"


def test_a_path_is_collapsed_before_blanks_go():
    best = np.eye(5, dtype=np.float32)
    outputs = Outputs(best[[2, 2, 0, 2, 1, 3, 3, 0, 0, 0]], mask=np.arange(8) < [[8], [2]])
    assert [part.tolist() for part in BestPath().predict(outputs)] == [[1, 1, 0, 2], []]
    assert BestPath().describe(BestPath().predict(outputs)[0], None, LABELS) == "aa b"


def test_only_a_clip_s_own_frames_are_kept():
    outputs, samples = np.zeros((10, 5)), np.zeros(1000)
    kept = [len(BestPath().crop(outputs, None, [samples, np.array(own)])) for own in (1000, 901, 900, 1, 0)]
    assert kept == [10, 10, 9, 1, 1]
    assert len(BestPath().crop(outputs, None, [samples])) == 10


def test_the_loss_is_that_of_all_alignments():
    """Sum the probabilities of all paths that collapse to the transcript."""
    torch.manual_seed(0)
    units, labels = torch.randn(4, 3), ["ab"]
    targets = KIND.targets(labels, ("a", "b"))
    mask = torch.ones(1, 4, dtype=torch.bool)
    logs = units.log_softmax(-1)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        outputs = Outputs(np.eye(3, dtype=np.float32)[list(path)], mask=mask.numpy())
        if BestPath().predict(outputs)[0].tolist() == [0, 1]:
            total += float(sum(logs[place, output] for place, output in enumerate(path)).exp())
    loss = KIND.loss(Outputs(units, mask), targets.batch())
    assert float(loss) == pytest.approx(-np.log(total) / 2, rel=1e-5)


def test_what_cannot_be_aligned_counts_as_nothing_and_empty_transcripts_count():
    units = torch.randn(5, 5, requires_grad=True)
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    targets = KIND.targets(["abc", "", "aa"], LABELS).batch()
    loss = KIND.loss(Outputs(units, mask), targets)
    loss.backward()
    assert torch.isfinite(loss)
    moved = units.grad.abs().sum(1) > 0
    assert moved.tolist() == [False, False, True, True, False]


def test_a_character_outside_the_alphabet_is_named():
    with pytest.raises(BadInputError, match='"ad" contains "d"'):
        KIND.targets(["ab", "ad"], LABELS)
    with pytest.raises(BadInputError, match='"ch": each'):
        KIND.targets(["a"], ("a", "ch"))


def test_an_unknown_character_of_a_test_transcript_is_shown_and_never_learnt():
    targets = KIND.targets(["a\ufffdb"], LABELS)
    assert targets.values.tolist() == [1, 4, 2]
    assert BestPath().name(targets.values, LABELS) == ["a\ufffdb"]
    outputs = Outputs(torch.randn(6, 5), torch.ones(1, 6, dtype=torch.bool))
    with pytest.raises(BadInputError, match="character that the alphabet lacks"):
        KIND.loss(outputs, targets.batch())


def test_targets_and_the_constant():
    targets = KIND.targets(["ba", "", "c"], LABELS)
    assert (targets.values.tolist(), targets.counts.tolist()) == ([2, 1, 3], [2, 0, 1])
    assert isinstance(targets.batch(), BatchTargets)
    constant = KIND.constant(targets.values, 5)
    outputs = Outputs(np.tile(constant, (6, 1)), mask=np.ones((2, 3), bool))
    assert [len(part) for part in BestPath().predict(outputs)] == [0, 0]
    assert KIND.head(7, LABELS)(torch.zeros(2, 3, 7)).shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,  WORLD!", "hello world"),
        ("don’t 'quote' it", "don't quote it"),
        ("‘stop’, said he", "stop said he"),
        ("‘Stop it!’ ‘The dog’s’", "stop it the dog's"),
        ("the dogs’ and the cats' beds, ’tis", "the dogs' and the cats' beds 'tis"),
        ("co\u00adope\u200drate \u200e!", "cooperate"),
        ("''' 'a'", "a"),
        ("e\u0301te\u0301 — 50%", "\u00e9t\u00e9 50"),
        (" ' - ' ", ""),
    ],
)
def test_normalised_text(text, expected):
    assert normalised(text) == expected


def test_equal_neighbours_need_a_frame_more():
    assert [frames_needed(text) for text in ("", "ab", "aab", "aaa")] == [0, 2, 4, 5]
