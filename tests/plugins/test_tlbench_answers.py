"""Extractive question answering: spans, their scores beside torchmetrics, contexts for encoders, and the small task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.hf_backbones import Made
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tlbench import BadInputError, BuildRequest, FitRequest, PrepareRequest
from tlbench.assets import context_words
from tlbench.learning import Outputs, Predictions, Targets
from tlbench.planning.catalog import load_catalog
from tlbench_answers.examples import Question, marks, split_of
from tlbench_answers.kind import Span
from tlbench_answers.scores import best, overlap, same
from tlbench_answers.spans import LONGEST, Spans, best_span
from tlbench_answers.tasks import facts
from tlbench_baselines.classical.contexts import NEAR, with_question
from tlbench_nlp.preprocess import preprocessor, split_words

ANSWERS = (
    "",
    "the",
    "The cat.",
    "a cat",
    "cat",
    "cat dog",
    "dog cat",
    "cat cat dog",
    "Cat, dog!",
    "an  AN the",
    "1990s",
)
CONTEXT = "Anna lives in Port Maule. Boris (a cook) has two goats."


def outputs_of(*scores):
    """Outputs of examples with scores `(W, C)` of their own number of words."""
    return Outputs.packed(np.concatenate(scores).astype(np.float32), [len(part) for part in scores])


def by_definition(scores):
    """The best span by trying all of them."""
    found = [(-np.inf, None)]
    for first in range(len(scores)):
        for last in range(first, min(len(scores), first + LONGEST)):
            if (total := scores[first, 0] + scores[last, 1]) > found[0][0]:
                found = [(total, (first, last))]
    return found[0]


@pytest.mark.parametrize("width", [2, 3])
def test_the_best_span_is_that_of_all_legal_ones(width):
    random = np.random.default_rng(width)
    for words in (1, 2, 7, 45):
        for _ in range(20):
            scores = random.integers(-3, 4, (words, width)).astype(np.float64)
            total, span = by_definition(scores)
            none = width == 3 and 2 * scores[:, 2].mean() > total
            assert best_span(scores).tolist() == ([] if none else [list(span)])


def test_an_answer_has_a_bounded_length_and_may_be_none():
    scores = np.zeros((50, 2))
    scores[0, 0] = scores[49, 1] = 9.0
    first, last = best_span(scores)[0]
    assert last - first < LONGEST
    assert best_span(np.zeros((0, 2))).shape == (0, 2)
    # Equal scores: the first word.
    assert best_span(np.ones((4, 3))).tolist() == [[0, 0]]


def squad(answer, references):
    """Exact match and F1 of one answer by torchmetrics, from 0 to 1."""
    from torchmetrics.functional.text import squad

    known = {"answers": {"answer_start": [0] * len(references), "text": references}, "id": "1"}
    scores = squad([{"prediction_text": answer, "id": "1"}], [known])
    return scores["exact_match"].item() / 100, scores["f1"].item() / 100


@pytest.mark.parametrize("answer", ANSWERS)
def test_scores_are_those_of_torchmetrics(answer):
    for references in [[one] for one in ANSWERS] + [list(ANSWERS[1:4]), list(ANSWERS[4:])]:
        found = best(same, answer, references), best(overlap, answer, references)
        assert found == pytest.approx(squad(answer, references), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aAnthe cd.,-é'\t", max_size=12), st.lists(st.text("aAnthe cd.,-é'", max_size=12), min_size=1))
def test_scores_of_any_texts_are_those_of_torchmetrics(answer, references):
    found = best(same, answer, references), best(overlap, answer, references)
    assert found == pytest.approx(squad(answer, references), abs=1e-6)


SCRIPT = json.loads((Path(__file__).parent / "squad_vectors.json").read_text(encoding="utf-8"))
"""Scores by the published script's code, from `squad_vectors.py`."""


@pytest.mark.parametrize("measure", [same, overlap])
def test_scores_are_those_of_the_published_script(measure):
    column = 2 if measure is same else 3
    for reference, answer, *scores in SCRIPT["pairs"]:
        expected = scores[column - 2]
        assert best(measure, answer, [reference]) == pytest.approx(expected, abs=1e-12), (reference, answer)


@pytest.mark.parametrize(("prefix", "chosen"), [("", None), ("HasAns_", True), ("NoAns_", False)])
def test_means_with_questions_without_answers_are_those_of_the_published_script(prefix, chosen):
    questions = [(answer, known) for answer, known in SCRIPT["questions"] if chosen in (None, bool(known))]
    assert len(questions) == SCRIPT["evaluated"][f"{prefix}total"] > 10
    for name, measure in (("exact", same), ("f1", overlap)):
        scores = [best(measure, answer, known) for answer, known in questions]
        assert 100 * np.mean(scores) == pytest.approx(SCRIPT["evaluated"][prefix + name], abs=1e-9)


def test_no_answer_is_right_only_where_there_is_none():
    references = [{"context": CONTEXT, "answers": []}, {"context": CONTEXT, "answers": ["two"]}]
    targets = Targets(np.zeros((28, 3), np.int64), np.array([14, 14]), references)
    none = Predictions(np.zeros((0, 2), np.int32), np.array([0, 0]))
    for metric in Span().metrics(("no answer",)).values():
        assert metric(none, targets)(np.ones(2)) == 0.5
        assert metric(none, targets)(np.array([1.0, 0.0])) == 1.0


def test_the_text_is_cut_out_of_the_original_context():
    question = Question(question="Where?", context=CONTEXT, answers=(("Port Maule", 14),))
    split = split_of([question])
    (marked,) = split.labels
    span = np.array([[np.flatnonzero(marked & 1)[0], np.flatnonzero(marked & 2)[0]]])
    targets = Targets(np.zeros((len(marked), 2), np.int64), np.array([len(marked)]), split.references)
    metrics = Span().metrics(())
    for metric in metrics.values():
        assert metric(Predictions(span, np.array([1])), targets)(np.ones(1)) == 1.0
    shorter = Predictions(np.subtract(span, [[0, 1]]), np.array([1]))
    assert metrics["token-f1"](shorter, targets)(np.ones(1)) == pytest.approx(2 / 3)
    shown = Spans().describe(span, split.inputs[0], ())
    assert shown == "Where? -> Port Maule   (Anna lives in [Port Maule]. Boris (a cook) has two goats.)"


def test_answers_inside_words_mark_the_whole_words():
    assert marks(Question(question="?", context="In the 1990s, so", answers=(("1990", 7),))).tolist() == [0, 0, 3, 0, 0]
    assert marks(Question(question="?", context="one two three", answers=(("ne two th", 1),))).tolist() == [1, 0, 2]
    assert marks(Question(question="?", context="one two", answers=())).tolist() == [0, 0]


def test_the_loss_is_the_mean_of_both_cross_entropies():
    torch.manual_seed(0)
    scores = [torch.randn(5, 2), torch.randn(3, 2)]
    outputs = Outputs(torch.cat(scores), torch.arange(5) < torch.tensor([[5], [3]]))
    targets = Span().targets([[0, 1, 0, 2, 0], [0, 0, 3]], ())
    wanted = [(1, 3), (2, 2)]
    losses = [
        torch.nn.functional.cross_entropy(part.T, torch.tensor(places))
        for part, places in zip(scores, wanted, strict=True)
    ]
    assert Span().loss(outputs, targets.batch()).item() == pytest.approx(torch.stack(losses).mean().item(), abs=1e-6)


def test_no_answer_is_a_class_of_the_loss():
    scores = torch.zeros(4, 3)
    outputs = Outputs(scores, torch.ones(1, 4, dtype=torch.bool))
    targets = Span().targets([[0, 0, 0, 0]], ("no answer",))
    assert targets.values.tolist() == [[0, 0, 1]] * 4
    # Four words and no answer, all alike: one of five.
    assert Span().loss(outputs, targets.batch()).item() == pytest.approx(np.log(5), abs=1e-6)
    scores[:, 2] = 30.0
    assert Span().loss(outputs, targets.batch()).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("label", "said"), [([1, 0], "1 starts and 0 ends"), ([0, 0], "0 starts"), ([3, 1], "2 starts")]
)
def test_marks_that_make_no_answer_are_refused(label, said):
    with pytest.raises(BadInputError, match=said):
        Span().targets([label], ())


def test_the_constant_is_the_first_word_or_none():
    kind = Span()
    plain = kind.constant(kind.targets([[3, 0]], ()).values, 2)
    assert kind.postprocess.predict(outputs_of(np.tile(plain, (2, 1))))[0].tolist() == [[0, 0]]
    for labels, expected in (([[0, 0], [0, 0], [3, 0]], []), ([[0, 0], [3, 0], [1, 2]], [[0, 0]])):
        constant = kind.constant(kind.targets(labels, ("no answer",)).values, 3)
        assert kind.postprocess.predict(outputs_of(np.tile(constant, (4, 1))))[0].tolist() == expected


def test_a_probe_gives_starts_and_ends():
    random = np.random.default_rng(0)
    labels = [[0, 1, 2, 0, 0, 0], [0, 0, 0, 3, 0, 0], [0, 0, 1, 0, 2, 0]] * 20
    targets = Span().targets(labels, ())
    features = np.concatenate([targets.values * 2.0, random.normal(size=(len(targets.values), 2))], 1)
    probe = Span().probe(features, targets.values, 2)
    made = Spans().predict(Outputs.packed(probe.outputs(features), targets.counts))
    assert [part.tolist() for part in made[:3]] == [[[1, 2]], [[3, 3]], [[2, 4]]]


def half_unanswerable(seed, spotted):
    """Features and targets of 200 questions with 10 to 30 words, every other one without an answer.

    The first and the last word of an answer differ from others by `spotted` standard deviations.
    """
    random = np.random.default_rng(seed)
    labels = []
    for number in range(200):
        label = np.zeros(random.integers(10, 31), np.int64)
        first = random.integers(len(label) - 2)
        if number % 2:
            label[first], label[first + random.integers(1, 3)] = 1, 2
        labels.append(label)
    targets = Span().targets(labels, ("no answer",))
    noise = random.normal(size=(len(targets.values), 4))
    return noise + np.pad(spotted * targets.values[:, :2], ((0, 0), (0, 2))), targets


def right(features, targets, probe):
    """The share of right answers to questions with and without one."""
    predicted = Spans().predict(Outputs.packed(probe.outputs(features), targets.counts))
    expected = [Spans().name(part, ()) for part in targets.split()]
    found = [[Spans().name_words(one)] for one in predicted]
    answered = Span().strata(targets) == 1
    same = np.array([one == two for one, two in zip(found, expected, strict=True)])
    return same[answered].mean(), same[~answered].mean()


def test_a_probe_compares_no_answer_with_the_best_one():
    features, targets = half_unanswerable(0, 3)
    with_answer, without = right(*half_unanswerable(1, 3), Span().probe(features, targets.values, 3))
    # With the log-odds as they are 0.59 have the right answer.
    assert with_answer > 0.65
    assert without > 0.85


def test_a_probe_that_finds_no_answer_says_so():
    features, targets = half_unanswerable(0, 0)
    with_answer, without = right(*half_unanswerable(1, 0), Span().probe(features, targets.values, 3))
    assert with_answer < 0.1
    assert without > 0.9


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_the_words_of_an_export_are_those_of_the_host(text):
    assert split_words(text) == [text[start:end] for start, end in context_words(text)]


def fitted(backbone, inputs, **options):
    spec = load_catalog().backbone(backbone)
    options = {option.name: option.default for option in spec.options} | options
    request = FitRequest(inputs=inputs, options=options, layout="context")
    return spec, options, spec.fit(request)


PAIRS = [
    ("Where does Anna live?", CONTEXT),
    ("How many goats has Boris?", CONTEXT),
    ("Why " * 90 + "?", "word " * 200),
    ("", "東京 is Anna"),
]


@pytest.mark.parametrize("backbone", ["text/bert-tiny", "text/bert", "text/gpt2"])
def test_each_word_of_a_context_reads_its_first_token(backbone):
    spec, options, learnt = fitted(backbone, PAIRS, max_length=40)
    request = PrepareRequest(inputs=PAIRS, fitted=learnt, layout="context", options=options)
    ids, *_, places = spec.prepare(request)
    assert ids.lengths.max() <= 40
    tokenizer = Tokenizer.from_str(learnt["tokenizer"])
    for (question, context), tokens, of_words in zip(PAIRS, ids.split(), places.split(), strict=True):
        words = [context[start:end] for start, end in context_words(context)]
        assert len(of_words) == len(words)
        for word, place in zip(words, of_words, strict=True):
            if place == 1 and question:
                continue  # behind the cut
            token = int(tokens[place - 1]) - (0 if backbone == "text/bert-tiny" else 1)
            text = tokenizer.id_to_token(token).replace("Ġ", "")
            assert text == "" or word.encode()[:1] in _bytes(text)  # A token may hold several words of one character.
    model = spec.build(BuildRequest(fitted=learnt, layout="context", options=options)).eval()
    batch = tuple(torch.from_numpy(column.take(np.arange(4))) for column in (ids, *_, places))
    features, mask = model(*batch), model.units(*batch)
    assert features.shape[:2] == mask.shape
    assert mask.sum(1).tolist() == [len(context_words(context)) for _, context in PAIRS]


def _bytes(text):
    from tlbench_nlp.preprocess import byte_letters

    values = {letter: byte for byte, letter in enumerate(byte_letters())}
    return bytes(values[letter] for letter in text)


def test_words_behind_the_cut_read_the_start_token():
    _, options, learnt = fitted("text/bert-tiny", PAIRS, max_length=40)
    prepare = preprocessor(learnt, options, "context")
    ids, segments, places = prepare(("Who?", "word " * 60))
    assert (len(ids), len(segments)) == (40, 40)
    assert (places[:5] > 1).all()
    assert (places[-5:] == 1).all()


def test_words_of_the_question_are_marked_in_the_context():
    _, options, learnt = fitted("text/bert-tiny", PAIRS)
    _, segments, places = preprocessor(learnt, options, "context")(PAIRS[0])
    words = [CONTEXT[start:end] for start, end in context_words(CONTEXT)]
    assert [word for word, place in zip(words, places, strict=True) if segments[place - 1] == 2] == ["Anna"]


def test_a_checkpoint_reads_a_question_beside_its_context(folders):
    pairs = [("is it good", "the plot is good, but the ending was bad"), ("is it", "not very dull " * 20)]
    made = Made(folders["bert"], pairs, "context", max_length=20)
    ids, segments, places = made.columns
    assert segments.split()[0].tolist() == [0] * 5 + [1] * (len(ids.split()[0]) - 5)
    assert places.split()[0].tolist() == [*range(6, 16)]
    cut = places.split()[1]
    assert (len(cut), ids.lengths[1]) == (60, 20)
    assert (cut[:15].tolist(), set(cut[15:].tolist())) == ([*range(5, 20)], {1})
    model = made.model(outputs=2)
    outputs = model(*(torch.from_numpy(column.take(np.arange(2))) for column in made.columns))
    assert outputs.counts.tolist() == [10, 60]
    # A question of many tokens leaves a half for the context.
    ids, _, places = Made(folders["bert"], [("is it good " * 9, "the plot is good")], "context", max_length=20).columns
    assert (ids.lengths[0], (places.values > 1).sum()) == (15, 4)


def test_words_that_a_question_shares_with_a_context_are_counted():
    random = np.random.default_rng(0)
    question, context = np.array([5, 6, 7]), random.integers(5, 12, 20)
    tokens = torch.from_numpy(np.concatenate([[0], question, [0], context, [0, 0]]))[None]
    places = torch.arange(5, 25)[None]
    numbers = torch.arange(20)[None]
    found = with_question(tokens, places, numbers, numbers)
    here = np.isin(context, question)
    assert found[0][0][0].tolist() == here.tolist()
    for word in range(20):
        assert found[1][0][0, word] == here[max(0, word - NEAR) : word].sum()
        assert found[1][1][0, word] == here[word + 1 : word + 1 + NEAR].sum()
    assert [part[0, 0].item() for part in found[5][:2]] == [5, 6]


def test_questions_about_ships_ask_for_what_is_said():
    words = {"place": "moored", "number": "sail", "colour": "hull", "year": "launch", "cargo": "cargo"}
    assert words.keys() == facts.SHIPS.facts.keys()
    for sort, fact in facts.SHIPS.facts.items():
        for text in (*fact.said, *fact.asked):
            assert [name for name, word in words.items() if word in text] == [sort]


def test_the_generated_answers_stand_at_their_places():
    data = facts.load(None)
    for side in (data.source, data.target):
        for split in (side.train, side.test):
            for (_, context), label, known in zip(split.inputs, split.labels, split.references, strict=True):
                (first,), (last,) = (np.flatnonzero(label & bit) for bit in (1, 2))
                words = context_words(context)
                assert len(words) <= 40
                assert [context[words[first][0] : words[last][1]]] == known["answers"]
