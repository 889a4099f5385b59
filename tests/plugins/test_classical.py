"""The baseline `classical`: each modality's model against scikit-learn's, and its features against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, IsolationForest
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from torch import nn
from torchaudio.functional import create_dct, melscale_fbanks

from tlbench.learning import Encoder, Ragged, choose_strength
from tlbench_baselines.classical import images, series, sound, texts, trees, words
from tlbench_baselines.classical.linear import STRENGTHS, fit_linear
from tlbench_baselines.classical.pooling import cells

RANDOM = np.random.default_rng(0)


def served(encoder, head, *inputs):
    """Return what a model gives, as an array."""
    with torch.no_grad():
        return head(encoder(*map(torch.from_numpy, inputs))).numpy()


def softmax(outputs):
    return torch.from_numpy(outputs).softmax(-1).numpy()


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def searched(folds):
    """Return logistic regression whose strength scikit-learn chooses on these folds."""
    return GridSearchCV(LogisticRegression(max_iter=1000), {"C": STRENGTHS}, scoring="neg_log_loss", cv=folds)


class TestTrees:
    rows = RANDOM.normal(size=(80, 5)).astype(np.float32)
    unseen = RANDOM.normal(size=(200, 5)).astype(np.float32)

    def outputs(self, targets, outputs, isolating=False):
        head = trees.Trees(outputs, isolating)
        trees.fit_trees(head, self.rows, targets)
        return served(trees.Rows(5), head, self.unseen)

    @pytest.mark.parametrize("labels", [2, 3])
    def test_classes_are_those_of_gradient_boosting(self, labels):
        targets = RANDOM.integers(labels, size=80)
        expected = GradientBoostingClassifier(**trees.BOOSTING).fit(self.rows, targets).predict_proba(self.unseen)
        close(softmax(self.outputs(targets, labels)), expected)

    def test_a_label_without_an_example_is_the_least_probable(self):
        outputs = self.outputs(np.where(self.rows[:, 0] > 0, 3, 1), 4)
        assert (softmax(outputs)[:, [0, 2]] < 0.05).all()
        assert set(outputs.argmax(1)) == {1, 3}

    def test_one_label_alone_is_predicted(self):
        assert set(self.outputs(np.full(80, 2), 3).argmax(1)) == {2}

    def test_numbers_are_those_of_gradient_boosting_in_any_unit(self):
        targets = np.stack([1e3 + 1e3 * self.rows[:, 0], 1e-3 * self.rows[:, 1]], 1)
        outputs = self.outputs(targets, 2)
        means, spreads = targets.mean(0, dtype=np.float64), targets.std(0, dtype=np.float64)
        for place, (mean, spread) in enumerate(zip(means, spreads, strict=True)):
            standard = GradientBoostingRegressor(**trees.BOOSTING).fit(self.rows, (targets[:, place] - mean) / spread)
            close((outputs[:, place] - mean) / spread, standard.predict(self.unseen))

    def test_labels_of_any_number_have_a_model_each(self):
        targets = np.stack([self.rows[:, 0] > 0, self.rows[:, 1] > 1, np.zeros(80, bool)], 1).astype(np.int64)
        outputs = self.outputs(targets, 3)
        for place in (0, 1):
            expected = GradientBoostingClassifier(**trees.BOOSTING).fit(self.rows, targets[:, place])
            close(outputs[:, place], expected.decision_function(self.unseen))
        assert (outputs[:, 2] < -4).all()

    def test_normal_rows_alone_have_an_isolation_forest(self):
        forest = IsolationForest(n_estimators=trees.TREES, max_samples=80, random_state=0).fit(self.rows)
        outputs = self.outputs(np.zeros(80, np.int64), 2, isolating=True)
        close(-(2.0 ** outputs[:, 1]), forest.score_samples(self.unseen))


def padded(sequences):
    ragged = Ragged.of(sequences)
    return ragged.take(np.arange(len(ragged)))


class TestTexts:
    tokens = tuple(RANDOM.integers(1, 40, size=size) for size in RANDOM.integers(1, 12, size=60))
    labels = np.array([int((text < 12).mean() > 0.25) + int((text < 5).any()) for text in tokens])

    def test_texts_are_classified_as_by_tf_idf_and_logistic_regression(self):
        def grams(text):
            return [str(text[i : i + n]) for n in (1, 2, 3) for i in range(len(text) - n + 1)]

        encoder, head = texts.Counts(), nn.Sequential(texts.TfIdf(), nn.Linear(texts.BUCKETS, 3))
        ids = padded(self.tokens)
        texts.fit_counts(head, encoder(torch.from_numpy(ids)).numpy(), self.labels)
        folds = StratifiedKFold(4, shuffle=True, random_state=0)
        pipeline = make_pipeline(TfidfVectorizer(analyzer=grams, sublinear_tf=True), searched(folds))
        found, expected = softmax(served(encoder, head, ids)), pipeline.fit(self.tokens, self.labels)
        # A few n-grams of so many share a place.
        assert np.abs(found - expected.predict_proba(self.tokens)).max() < 0.02

    def test_equal_counts_give_scikit_learn_s_probabilities(self):
        from sklearn.feature_extraction.text import TfidfTransformer

        encoder, head = texts.Counts(), nn.Sequential(texts.TfIdf(), nn.Linear(texts.BUCKETS, 3))
        ids = padded(self.tokens)
        counts = encoder(torch.from_numpy(ids)).numpy()
        texts.fit_counts(head, counts, self.labels)
        folds = StratifiedKFold(4, shuffle=True, random_state=0)
        pipeline = make_pipeline(TfidfTransformer(sublinear_tf=True), searched(folds)).fit(counts, self.labels)
        np.testing.assert_allclose(softmax(served(encoder, head, ids)), pipeline.predict_proba(counts), atol=1e-5)

    def test_padding_counts_for_nothing(self):
        encoder, text = texts.Counts(), torch.tensor([[5, 6]])
        assert torch.equal(encoder(text), encoder(torch.tensor([[5, 6, 0, 0, 0]])))
        assert encoder(text).sum() == 3  # two tokens and their pair

    def test_letters_count_without_regard_to_case_if_the_tokens_are_known(self):
        encoder = texts.SpelledCounts(("", "", " Ab", " ab", "c"))
        first, second = encoder(torch.tensor([[2, 4], [3, 4]]))
        assert torch.equal(first, second)
        assert first.sum() == 2 + 1 + 3  # " a", "ab" and " ab"; two tokens and their pair
        assert encoder(torch.tensor([[1, 0]])).sum() == 0  # special tokens

    def test_words_are_classified_by_what_several_of_them_have(self):
        ids = padded(self.tokens)
        encoder, head = words.Words(1, Encoder()), words.SumOfWeights(2)
        there = ids > 0
        labels = (ids[there] < 12).astype(np.int64)
        places = encoder(torch.from_numpy(ids)).numpy()[there]
        words.fit_words(head, places, labels, there.sum(1))
        kept = np.flatnonzero(np.bincount(places.astype(int).ravel(), minlength=words.BUCKETS) > 1)
        named = [{str(place): 1.0 for place in row if place in kept} for row in places]
        sentences = np.repeat(np.arange(len(ids)), there.sum(1))
        folds = StratifiedGroupKFold(4, shuffle=True, random_state=0).split(places, labels, sentences)
        pipeline = make_pipeline(DictVectorizer(), searched(list(folds)))
        expected = pipeline.fit(named, labels).predict_proba(named)
        np.testing.assert_allclose(softmax(head(torch.from_numpy(places)).detach().numpy()), expected, atol=1e-5)

    @pytest.mark.parametrize("spelled", [False, True])
    def test_a_word_s_features_do_not_depend_on_padding(self, spelled):
        tokens = ("", "", "", *["ab", "c", "D1", "e-", "f", "g", "h"])
        encoder = words.SpelledWords(2, Window(), tokens) if spelled else words.Words(2, Window())
        ids, places = torch.tensor([[1, 8, 9, 7, 2]]), torch.tensor([[1, 3]])
        wide = encoder(torch.tensor([[1, 8, 9, 7, 2, 0, 0]]), torch.tensor([[1, 3, 0, 0]]))
        assert torch.equal(encoder(ids, places), wide[:, :2])

    def test_shapes_and_ends_of_words_do_not_depend_on_how_they_are_cut(self):
        tokens = ("", " Paris", " Pa", "ris", " NATO", " NA", "TO", " x9", " Boris", " R2D2")
        encoder = words.SpelledWords(2, Window(), tokens)
        ids, places = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8, 9]]), torch.tensor([[0, 1, 3, 4, 6, 7, 8]])
        word, shape, _, _, end, short = encoder(ids, places)[0, :, :6].T.tolist()
        paris, cut_paris, nato, cut_nato, x9, boris, robot = range(7)
        assert shape[paris] == shape[cut_paris] == shape[boris] != shape[nato] == shape[cut_nato]
        assert len({shape[one] for one in (paris, nato, x9, robot)}) == 4
        assert end[paris] == end[cut_paris] == end[boris] != end[nato]
        assert short[paris] == short[cut_paris]
        assert len({word[one] for one in (paris, nato, x9, boris, robot)}) == 5


class TestStrength:
    features = csr_matrix(RANDOM.normal(size=(80, 10)))
    clear = (features.toarray()[:, 0] > 0).astype(np.int64)

    def test_labels_alone_choose_it(self):
        noise = np.random.default_rng(1).integers(2, size=80)
        for labels, strength in ((self.clear, STRENGTHS[-1]), (noise, STRENGTHS[0])):
            found = fit_linear(self.features, labels, 2)
            expected = LogisticRegression(C=strength, max_iter=1000).fit(self.features, labels)
            np.testing.assert_allclose(found.weight[1] - found.weight[0], expected.coef_[0], rtol=1e-3, atol=1e-5)

    def test_no_fold_parts_a_sentence(self):
        sentences = np.repeat(np.arange(40), 4)
        labels = np.random.default_rng(2).integers(2, size=40)[sentences]
        words = csr_matrix(np.eye(40)[sentences])  # What is known of a word tells of its own sentence alone.
        assert choose_strength(words, labels, STRENGTHS) == STRENGTHS[-1]
        assert choose_strength(words, labels, STRENGTHS, sentences) == STRENGTHS[0]

    def test_too_few_examples_have_the_middle(self):
        labels = np.array([0, 1, 1, 1])
        assert choose_strength(self.features[:4], labels, STRENGTHS) == STRENGTHS[1]
        assert choose_strength(self.features[:4], np.array([0, 0, 1, 1]), STRENGTHS, labels) == STRENGTHS[1]

    @pytest.mark.parametrize("size", [80, 5])
    def test_numbers_have_the_penalty_of_the_best_folds(self, size):
        numbers = self.features.toarray()[:size, :2] + RANDOM.normal(size=(size, 2))
        model = Ridge(1 / STRENGTHS[1])
        if size == 80:
            model = GridSearchCV(Ridge(), {"alpha": 1 / STRENGTHS}, cv=GroupKFold(4))
        model.fit(self.features[:size], numbers, **({"groups": np.arange(size)} if size == 80 else {}))
        close(
            fit_linear(self.features[:size], numbers, 2).outputs(self.features.toarray()), model.predict(self.features)
        )


class Window(Encoder):
    """Words with places from 0, of which one is padding."""

    def units(self, *inputs):
        return inputs[1] >= 0


class TestDense:
    def test_cells_are_means_of_equal_parts(self):
        values = torch.arange(12.0)
        assert torch.allclose(cells(12, 4) @ values, values.view(4, 3).mean(1))
        assert torch.allclose(cells(5, 2) @ torch.arange(5.0), torch.tensor([0.8, 3.2]))
        assert torch.equal(cells(2, 8), torch.eye(2))

    def test_an_edge_counts_for_its_direction(self):
        image = np.zeros((1, 3, 16, 16), np.uint8)
        image[..., 8:] = 255  # lighter on the right
        encoder = images.Pooled(3, 16, 16)
        features = encoder(torch.from_numpy(image))[0]
        assert len(features) == encoder.feature_dim
        directions = features[3 * 64 :].view(images.DIRECTIONS, -1).sum(1)
        assert directions.argmax() == 0
        assert directions[images.DIRECTIONS // 2] < 1e-3

    def test_pixels_have_means_and_spreads_of_their_windows(self):
        image = RANDOM.integers(256, size=(1, 1, 24, 24)).astype(np.uint8)
        encoder = images.Pixels(1)
        features = encoder(torch.from_numpy(image))[0].numpy()
        scaled = image[0, 0] / 255
        mean, square = (ndimage.uniform_filter(values, 7) for values in (scaled, scaled**2))
        spread = np.sqrt(square - mean**2 + 1e-4)
        assert features.shape == (24, 24, encoder.feature_dim)
        for place, expected in ((0, scaled), (3, mean), (4, spread), (7 + 3, mean**2)):
            close(features[4:-4, 4:-4, place], expected[4:-4, 4:-4])

    def test_cepstra_are_those_of_torchaudio_s_bands(self):
        rate, window = 8000, 256
        bands = melscale_fbanks(window // 2 + 1, 0.0, rate / 2, sound.MELS, rate, mel_scale="htk").T
        np.testing.assert_allclose(sound.mels(window, rate), bands, atol=1e-5)
        np.testing.assert_allclose(sound.cosines(), create_dct(sound.COEFFICIENTS, sound.MELS, "ortho"), atol=1e-6)
        clip = torch.from_numpy(RANDOM.integers(-9999, 9999, size=2000).astype(np.int16))
        encoder = sound.Cepstrum(2000, rate)
        spectrum = torch.stft(
            clip.float(), window, window // 2, window=torch.hann_window(window), center=False, return_complex=True
        )
        power = bands @ spectrum.abs().square() + sound.SILENCE
        logarithm = (power / power.max()).clamp(min=sound.FLOOR).log()
        expected = logarithm.T @ create_dct(sound.COEFFICIENTS, sound.MELS, "ortho")
        found = encoder.coefficients(clip[None])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
        assert encoder(clip[None]).shape == (1, encoder.feature_dim)

    def test_series_have_their_statistics(self):
        values = RANDOM.normal(3, 2, size=(1, 2, 40)).astype(np.float32)
        encoder = series.Statistics(2, 40)
        found = encoder(torch.from_numpy(values))[0].numpy()
        assert len(found) == encoder.feature_dim
        (each, correlation), channel = (found[:-1].reshape(2, -1), found[-1]), values[0, 1]
        change = np.diff(channel)
        close(each[1, :2], [channel.mean(), channel.std()])
        close(each[1, [2, 5, 8]], [channel.min(), np.sort(channel)[20], channel.max()])
        close(each[1, 9:11], [np.abs(change).mean(), change.std()])
        close(each[1, 11:15], channel.reshape(4, 10).mean(1))
        power = np.abs(np.fft.fft((channel - channel.mean()) / channel.std())[1:11]) ** 2 / 40
        close(each[1, 15:], np.log(cells(10, series.BANDS).numpy() @ power + 1e-3))
        close(correlation, np.corrcoef(*values[0])[0, 1])

    def test_noise_of_a_constant_channel_is_not_blown_up(self):
        constant = torch.full((1, 1, 40), 1234.567)
        assert torch.equal(series.Statistics(1, 40)(constant)[0, 15:], torch.full((8,), 1e-3).log())
