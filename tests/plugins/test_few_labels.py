"""Learning from few labels: each method against another implementation, or a property that its paper states."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.checkpoints import bert_folder
from fakes.hf_backbones import Made, pieces, the_library_s
from support import silent
from torch import nn

from tlbench import ContractError, LabelsRequest, NotApplicable, UsageError
from tlbench.engine.adaptation import adapt, adapt_request
from tlbench.engine.given import declared_parts, seen_labels
from tlbench.learning.model import encode, state_hash
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench_few_labels.episodes import draw_episode
from tlbench_few_labels.fixmatch import pseudo_label_loss
from tlbench_few_labels.mean_teacher import AveragedModel, average, ramp_up
from tlbench_few_labels.prototypes import episode_loss, nearest_mean
from tlbench_few_labels.reptile import episode_batches, meta_step

TOPICS = Path(__file__).parents[1] / "methods" / "label_names.py"


def replayed(made, method):
    """Return what another method makes of the same source model, with the same options and data."""
    pairing, prepared, source, _ = made
    strategy = dataclasses.replace(pairing.strategy, adapt=method)
    return adapt(dataclasses.replace(pairing, strategy=strategy), prepared, source, silent).model


def random_outputs(seed, *sizes):
    generator = torch.Generator().manual_seed(seed)
    return [3 * torch.randn(size, generator=generator) for size in sizes]


class TestFixMatch:
    def test_the_loss_is_that_of_the_paper(self):
        """Sohn et al. 2020, equation 4, example by example."""
        weak, strong = random_outputs(0, (40, 5), (40, 5))
        total, confident = 0.0, 0
        for q, p in zip(weak.tolist(), strong.tolist(), strict=True):
            best = q.index(max(q))
            if math.exp(q[best]) / sum(map(math.exp, q)) >= 0.8:
                total += math.log(sum(map(math.exp, p))) - p[best]
                confident += 1
        assert 5 < confident < 35
        assert float(pseudo_label_loss(weak, strong, 0.8)) == pytest.approx(total / 40, rel=1e-6)

    def test_a_threshold_above_1_is_supervised_training_bit_for_bit(self, adapted):
        def supervised(request):
            model, size = request.model, request.options["ratio"] * request.options["batch_size"]
            labelled = request.batches(request.target.train)
            unlabelled = request.batches(request.target.unlabelled, augment=("weak", "strong"), size=size)

            def loss(progress):
                inputs, targets, _ = next(labelled)
                next(unlabelled)
                return request.target.kind.loss(model(*inputs), targets)

            request.train([model.encoder, model.heads["target"]], loss)
            return model

        made = adapted("fixmatch", options={"steps": 12, "threshold": 1.1})
        assert state_hash(made.model) == state_hash(replayed(made, supervised))
        confident = adapted("fixmatch", options={"steps": 12, "threshold": 0.5})
        assert state_hash(confident.model) != state_hash(made.model)

    def test_both_views_are_of_the_same_examples_one_weak_and_one_strong(self, pairing_of, source_of):
        pairing = pairing_of("toy/blobs", "fixmatch")
        prepared, source = source_of(pairing)
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        (weak, strong), _, positions = next(request.batches(request.target.unlabelled, augment=("weak", "strong")))
        (plain,) = request.target.unlabelled.batch(positions.numpy())
        moved = [float((view[0] - plain).abs().mean()) for view in (weak, strong)]
        assert 0 < 5 * moved[0] < moved[1]
        with pytest.raises(ContractError, match="views=3"):
            request.batches(request.target.unlabelled, 3, augment=("weak", "strong"))

    def test_without_transformations_it_is_skipped(self, pairing_of):
        assert "two views" in pairing_of("toy/shapes", "fixmatch").skip


class TestMeanTeacher:
    def test_with_a_decay_of_0_the_teacher_is_the_student(self, adapted):
        def student_alone(request):
            model = request.model
            labelled, unlabelled = request.batches(request.target.train), request.batches(request.target.unlabelled, 2)

            def loss(progress):
                inputs, targets, _ = next(labelled)
                next(unlabelled)
                return request.target.kind.loss(model(*inputs), targets)

            request.train([model.encoder, model.heads["target"]], loss)
            return model

        made = adapted("mean-teacher", options={"steps": 12, "decay": 0.0, "weight": 0.0})
        assert state_hash(made.model) == state_hash(replayed(made, student_alone))
        assert state_hash(adapted("mean-teacher", options={"steps": 12, "decay": 0.0}).model) != state_hash(made.model)

    def test_the_average_is_that_of_torch_behind_the_first_steps(self):
        """Tarvainen & Valpola 2017: the plain mean while 1 - 1 / (t + 1) is less than the decay."""
        weights = random_outputs(1, *[(4,)] * 30)
        ours = weights[0]
        for count, new in enumerate(weights):
            ours = average(ours, new, count, 0.9)
            if count < 10:
                torch.testing.assert_close(ours, torch.stack(weights[: count + 1]).mean(0))
        theirs = AveragedModel(
            held(torch.stack(weights[:10]).mean(0)), multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
        )
        theirs.n_averaged.fill_(10)
        for new in weights[10:]:
            theirs.update_parameters(held(new))
        torch.testing.assert_close(ours, theirs.module.bias.detach())

    def test_what_is_returned_is_the_mean_of_the_students(self, adapted, monkeypatch):
        students, update = [], AveragedModel.update_parameters

        def noting(teacher, student):
            students.append([weight.detach().clone() for weight in student.parameters()])
            update(teacher, student)

        monkeypatch.setattr(AveragedModel, "update_parameters", noting)
        *_, model = adapted("mean-teacher", options={"steps": 5})
        assert len(students) == 5
        for weight, *of_students in zip(model.parameters(), *students, strict=True):
            torch.testing.assert_close(weight.detach(), torch.stack(of_students).mean(0), rtol=1e-4, atol=1e-6)

    def test_the_weight_rises_to_1(self):
        assert ramp_up(0.0) == pytest.approx(math.exp(-5))
        assert ramp_up(0.1) < ramp_up(0.2) < ramp_up(4 / 15) == ramp_up(1.0) == 1.0


def held(value):
    """Return a module that holds a value as its bias."""
    module = nn.Linear(1, len(value))
    with torch.no_grad():
        module.bias.copy_(value)
    return module


class TestPrototypes:
    @pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")
    @pytest.mark.parametrize("task", ["toy/shapes", "toy/names"])
    def test_it_answers_as_nearest_centroid_of_scikit_learn(self, adapted, task):
        from sklearn.neighbors import NearestCentroid

        pairing, prepared, source, model = adapted("prototypes", task, options={"steps": 4})
        assert state_hash(model.encoder) != state_hash(source.encoder)
        budget = seen_labels(pairing, prepared)
        known, unknown = encode(model, budget.inputs), encode(model, prepared.split("target-test").inputs)
        theirs = NearestCentroid().fit(known, budget.targets.values)
        outputs = model.heads["target"](torch.from_numpy(unknown)).detach().numpy()
        np.testing.assert_array_equal(outputs.argmax(1), theirs.predict(unknown))
        distances = np.square(unknown[:, None] - theirs.centroids_).sum(2)
        np.testing.assert_allclose(np.square(unknown).sum(1, keepdims=True) - outputs, distances, atol=1e-3, rtol=1e-4)

    def test_without_episodes_they_are_the_means_of_the_source_s_features(self, adapted):
        pairing, prepared, source, model = adapted("prototypes", options={"steps": 0})
        assert state_hash(model.encoder) == state_hash(source.encoder)
        budget = seen_labels(pairing, prepared)
        means = [encode(source, budget.inputs)[budget.targets.values == label].mean(0) for label in range(3)]
        np.testing.assert_allclose(model.heads["target"].weight.detach().numpy(), 2 * np.stack(means), rtol=1e-5)

    def test_the_loss_of_an_episode_is_that_of_the_paper(self):
        """Snell et al. 2017, algorithm 1, query by query."""
        (features,) = random_outputs(2, (12, 3))
        labels = torch.tensor([4, 4, 1, 1, 7, 7, 4, 4, 1, 1, 7, 2])  # The last has no support.
        support = torch.arange(12) < 6
        means = {k: features[:6][labels[:6] == k].mean(0) for k in (4, 1, 7)}
        losses = []
        for query, label in zip(features[6:11], labels[6:11].tolist(), strict=True):
            distance = {k: float(((query - mean) ** 2).sum()) for k, mean in means.items()}
            losses.append(distance[label] + math.log(sum(math.exp(-other) for other in distance.values())))
        assert float(episode_loss(features, labels, support)) == pytest.approx(sum(losses) / 5, rel=1e-4)

    def test_a_class_without_an_example_is_never_the_answer(self):
        (features,) = random_outputs(3, (50, 4))
        outputs = nearest_mean(features.numpy(), np.repeat([0, 2], 25), 3).outputs(50 * features.numpy())
        assert set(outputs.argmax(1)) == {0, 2}


def test_an_episode_has_its_classes_and_no_example_twice():
    """Examples with several classes, as sentences and images of pixels have them; class 3 has one example."""
    present = np.random.default_rng(0).random((60, 4)) < [0.9, 0.3, 0.3, 0]
    present[7, 3] = True
    for seed in range(20):
        drawn = draw_episode(present, 2, 6, torch.Generator().manual_seed(seed))
        places = np.concatenate(list(drawn.values()))
        assert len(drawn) == 2
        assert 3 not in drawn
        assert len(set(places)) == len(places) == 12
        assert all(present[of, label].all() for label, of in drawn.items())


class TestReptile:
    def test_with_one_step_an_episode_is_sgd_with_the_product_of_the_rates(self):
        """Nichol et al. 2018: with k = 1 Reptile is SGD on the mean loss of the episodes."""
        torch.manual_seed(0)
        model, inputs, labels = nn.Linear(4, 3), torch.randn(10, 4), torch.randint(3, (10,))
        start = [weight.detach().clone() for weight in model.parameters()]
        gradients = torch.autograd.grad(nn.functional.cross_entropy(model(inputs), labels), model.parameters())
        expected = [phi - 0.3 * 0.1 * gradient for phi, gradient in zip(start, gradients, strict=True)]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
        meta_step(start, model.parameters(), 0.3)
        for phi, weight, wanted in zip(start, model.parameters(), expected, strict=True):
            torch.testing.assert_close(phi, wanted)
            assert torch.equal(phi, weight.detach())

    def test_the_rate_is_the_part_of_the_way_that_is_kept(self, adapted):
        """One episode of three steps, without tuning: theta - phi, its half, and nothing."""
        options = {"steps": 3, "inner_steps": 5, "tuning_steps": 0}
        whole, half, none = (
            adapted("reptile", "toy/shapes", options={**options, "meta_rate": rate}) for rate in (3.0, 1.5, 0.0)
        )
        _, _, source, _ = whole
        assert state_hash(none.model.encoder) == state_hash(source.encoder)
        for phi, all_, part in zip(
            *(model.encoder.parameters() for model in (source, whole.model, half.model)), strict=True
        ):
            assert (all_ - phi).abs().max() > 1e-4
            torch.testing.assert_close(part - phi, (all_ - phi) / 2, rtol=1e-3, atol=1e-6)

    def test_the_outputs_of_classes_are_drawn_anew_for_each_episode(self, pairing_of, source_of):
        pairing = pairing_of("toy/shapes", "reptile", overrides={"reptile.inner_steps": 2})
        prepared, source = source_of(pairing)
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        batches = episode_batches(request)
        known = {tuple(row): label for row, label in zip(*rows_of(request.source.train), strict=True)}
        found = []
        for _ in range(6):
            outputs = [{(known[tuple(row)], int(label)) for row, label in rows(*next(batches))} for _ in range(2)]
            both = dict(outputs[0] | outputs[1])
            assert len(both) == len(set(both.values())) == len(outputs[0] | outputs[1]) == 3
            found.append(tuple(sorted(both.items())))
        assert len(set(found)) > 1


def rows(inputs, labels):
    return zip(inputs[0].tolist(), labels, strict=True)


def rows_of(examples):
    return examples.inputs.columns[0].tolist(), examples.targets.values.tolist()


class TestZeroShot:
    @pytest.fixture
    def topics(self, plan_of, source_of):
        """The pairing of texts on topics with a strategy that reads no label, and its source model."""

        def make(**overrides):
            catalog = load_catalog(also=[plugin_file(TOPICS)])
            request = {"tasks": ["topics/others"], "strategies": ["zero-shot"], "overrides": overrides}
            (pairing,) = plan_of(catalog, **request).pairings
            return pairing, *source_of(pairing)

        return make

    def test_it_answers_with_the_largest_cosine_of_scikit_learn(self, topics):
        from sklearn.metrics.pairwise import cosine_similarity

        pairing, prepared, source = topics()
        request = adapt_request(pairing, prepared, source, {})
        model = adapt(pairing, prepared, source, silent).model
        features = encode(model, prepared.split("target-test").inputs)
        expected = cosine_similarity(features, request.encode_labels()).argmax(1)
        outputs = model.heads["target"](torch.from_numpy(features)).detach().numpy()
        np.testing.assert_array_equal(outputs.argmax(1), expected)
        assert len(set(expected)) == 4

    def test_a_template_without_a_place_is_refused(self, topics):
        pairing, prepared, source = topics(**{"zero-shot.template": "a text"})
        with pytest.raises(UsageError, match=r'"a text".*\{\}'):
            adapt(pairing, prepared, source, silent)

    def test_names_that_the_backbone_cannot_tell_apart_are_no_labels(self, pairing_of, source_of):
        """All labels of the sentences are words that the source never showed."""
        pairing = pairing_of("toy/names", "zero-shot")
        with pytest.raises(NotApplicable, match="tell the names"):
            adapt(pairing, *source_of(pairing), silent)

    @pytest.mark.parametrize("layout", ["pooled", "sequence", "masked-token"])
    def test_a_name_of_transformers_is_the_mean_of_its_tokens(self, tmp_path, layout):
        folder = bert_folder(tmp_path / "bert")
        texts = [["good"], ["bad", "plot"]] if layout == "sequence" else ["good", "bad plot"]
        made, names = Made(folder, texts, layout), ("good", "very bad", "dull plot")
        encoder = made.spec.build(made.request).eval()
        vectors = made.spec.encode_labels(
            LabelsRequest(
                names=names, encoder=encoder, fitted=made.fitted, layout=layout, options=made.options, files=made.files
            )
        )
        assert encoder.layout == layout
        whole = Made(folder, names)
        with torch.no_grad():
            expected = [the_library_s(folder)(torch.tensor([ids]))[0][0].mean(0) for ids in pieces(whole.columns[0])]
        if layout != "masked-token":  # The output layer of masked words reads what another layer made of them.
            np.testing.assert_allclose(vectors, torch.stack(expected).numpy(), atol=1e-5)
        assert vectors.shape == (3, 16)
