"""Soups, ensembles and distillation, each against its formula, a library or a limit case."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from plain_steps import fine_tune_beside_unlabelled
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from tlbench import AugmentRequest, BuildRequest, Checkpoint, FitRequest, Option, PrepareRequest, UsageError
from tlbench.deploy.export import export_model, run_session
from tlbench.deploy.onnx_graph import export_graph
from tlbench.deploy.session import open_session
from tlbench.engine.job import job_of, packed, unpacked
from tlbench.learning import Classification, Inputs, ScaledLinear, TransferModel
from tlbench.learning.model import state_hash
from tlbench_ensembles.concat import find
from tlbench_ensembles.distillation import distilled, soft_targets
from tlbench_ensembles.ensemble import Committee
from tlbench_ensembles.members import fine_tuned
from tlbench_ensembles.soup import averaged

NORMALISED = ["toy/mlp-batchnorm"]


class TestSoup:
    def test_a_soup_of_one_model_is_this_model(self, adapted):
        soup = adapted("uniform-soup", options={"models": 1}, backbones=NORMALISED)
        plain = adapted("finetune", backbones=NORMALISED)
        assert state_hash(soup.model) == state_hash(plain.model)

    def test_its_weights_and_statistics_are_those_of_torch_s_average(self, adapted):
        seen = []

        def cook(request):
            seen.extend(fine_tuned(request, 3))
            return request.model

        adapted("uniform-soup", function=cook, backbones=NORMALISED)
        soup = adapted("uniform-soup", options={"models": 3}, backbones=NORMALISED)
        expected = AveragedModel(seen[0], use_buffers=True)
        for model in seen:
            expected.update_parameters(model)
        for name, value in soup.model.state_dict().items():
            torch.testing.assert_close(value, expected.module.state_dict()[name], rtol=1e-6, atol=1e-7)
        assert not torch.equal(seen[0].heads["target"].weight, seen[1].heads["target"].weight)

    def test_the_greedy_soup_is_that_of_the_paper_s_recipe(self, adapted):
        """Recipe 1 of Wortsman et al. 2022, written with indices; a high rate makes models that differ."""
        made = {}

        def plain(request):
            models = fine_tuned(request, 5)

            def score(chosen):
                return request.score(averaged([models[i] for i in chosen]), request.target.validation)

            order = sorted(range(5), key=lambda i: -score([i]))
            chosen = [order[0]]
            for i in order[1:]:
                if score([*chosen, i]) >= score(chosen):
                    chosen.append(i)
            made.update(chosen=chosen, scores=[score([i]) for i in range(5)], soup=score(chosen))
            return averaged([models[i] for i in chosen])

        rough = {"options": {"learning_rate": 0.2, "steps": 10}, "label_budgets": ["150"]}
        expected = adapted("greedy-soup", function=plain, **rough)
        soup = adapted("greedy-soup", **rough)
        assert state_hash(soup.model) == state_hash(expected.model)
        assert len(set(made["scores"])) > 1
        assert 1 < len(made["chosen"]) < 5
        assert made["soup"] >= max(made["scores"])


class TestEnsemble:
    def test_the_exported_file_gives_the_mean_probabilities_of_members_trained_alone(self, adapted, tmp_path):
        seen = []

        def cook(request):
            seen.extend(fine_tuned(request, 2))
            return request.model

        adapted("uniform-soup", function=cook, backbones=NORMALISED)
        made = adapted("ensemble", options={"models": 2}, backbones=NORMALISED)
        test = made.prepared.split("target-test")
        export_graph(made.model, test.inputs, tmp_path / "graph.onnx")
        file = tmp_path / "model.onnx"
        export_model(made.model, tmp_path / "graph.onnx", test, Classification(), file, "cpu", 1)
        batch = test.inputs.batch(np.arange(20))
        served = torch.from_numpy(run_session(open_session(file, "cpu", 1), batch)).softmax(1)
        with torch.no_grad():
            members = [model(*batch).units.softmax(1) for model in seen]
        torch.testing.assert_close(served, torch.stack(members).mean(0), rtol=1e-4, atol=1e-6)
        assert (members[0] - members[1]).abs().max() > 1e-3

    def test_an_ensemble_of_one_is_fine_tuning_and_keeps_the_source_head(self, adapted):
        one = adapted("ensemble", options={"models": 1})
        plain = adapted("finetune")
        batch = one.prepared.split("target-test").inputs.batch(np.arange(20))
        with torch.no_grad():
            for head in ("source", "target"):
                expected = plain.model(*batch, head=head).units.softmax(1)
                torch.testing.assert_close(one.model(*batch, head=head).units.softmax(1), expected)

    def test_numbers_are_averaged_as_they_are(self):
        heads = [ScaledLinear(4, 2), ScaledLinear(4, 2)]
        features = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
        expected = (heads[0](features[:, :4]) + heads[1](features[:, 4:])) / 2
        torch.testing.assert_close(Committee(heads)(features), expected)


class TestDistillation:
    LOGITS = torch.tensor([[1.0, -0.5, 0.2], [0.0, 2.0, -1.0]])
    TAUGHT = torch.tensor([[0.4, 0.1, -0.5], [-1.0, 0.5, 0.5]])

    def test_the_loss_is_the_divergence_at_the_temperature_times_its_square(self):
        for temperature in (1.0, 4.0):
            p, q = (np.exp(part.numpy() / temperature) for part in (self.TAUGHT, self.LOGITS))
            p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
            expected = temperature**2 * (p * np.log(p / q)).sum(1).mean()
            wanted = (self.TAUGHT / temperature).softmax(1)
            assert float(distilled(self.LOGITS, wanted, temperature)) == pytest.approx(expected, rel=1e-5)

    def test_at_temperature_1_hard_answers_give_the_cross_entropy(self):
        labels = torch.tensor([2, 0])
        wanted = functional.one_hot(labels, 3).float()
        torch.testing.assert_close(distilled(self.LOGITS, wanted, 1.0), functional.cross_entropy(self.LOGITS, labels))

    def test_at_a_high_temperature_logits_are_matched(self):
        """Equation 4 of Hinton et al. 2015: the gradient tends to (z - v) / C for logits with mean 0."""
        logits, taught = (part - part.mean(1, keepdim=True) for part in (self.LOGITS, self.TAUGHT))
        student = logits.clone().requires_grad_(True)
        distilled(student, (taught / 1000).softmax(1), 1000.0).backward()
        torch.testing.assert_close(len(logits) * student.grad, (logits - taught) / 3, rtol=1e-2, atol=1e-3)

    def test_teachers_answer_with_the_mean_of_their_probabilities(self):
        class Raw(nn.Module):
            feature_dim = 3

            def forward(self, inputs):
                return inputs

            def units(self, inputs):
                return None

        class Half(nn.Module):
            def forward(self, features):
                return features / 2

        teachers = [TransferModel(Raw(), {"target": head}) for head in (nn.Identity(), Half())]
        expected = ((self.LOGITS / 2).softmax(1) + (self.LOGITS / 4).softmax(1)) / 2
        torch.testing.assert_close(soft_targets(teachers, (self.LOGITS,), 2.0), expected)

    def test_without_weight_it_is_fine_tuning_behind_the_teachers_draws(self, adapted):
        def plain(request):
            fine_tuned(request, 2)
            return fine_tune_beside_unlabelled(request)

        distilled_ = adapted("distillation", options={"teachers": 2, "weight": 0.0})
        tuned = adapted("distillation", function=plain, options={"teachers": 2})
        assert state_hash(distilled_.model) == state_hash(tuned.model)

    def test_numbers_have_no_probabilities_to_teach(self, catalog, pairing_of):
        assert "class probabilities" in pairing_of("robotics/payload", "distillation").skip


class TestConcat:
    IMAGES = "image/resnet-small+image/resnet-strided"

    @staticmethod
    def fitted(spec, layout, raw):
        """What `prepare` and `build` of a backbone take besides raw examples."""
        options = {option.name: option.default for option in spec.options}
        learnt = spec.fit(FitRequest(inputs=raw, options=options, layout=layout))
        return {"fitted": json.loads(json.dumps(learnt)), "layout": layout, "options": options}

    @pytest.mark.parametrize(
        ("names", "layout"),
        [
            (("image/resnet-small", "image/resnet-strided"), "pooled"),
            (("text/bert-tiny", "words/window"), "sequence"),
        ],
    )
    def test_features_are_those_of_both_encoders_side_by_side(self, catalog, names, layout):
        random = np.random.default_rng(0)
        raw = [["a", "lens", "of", "Ærø"][: 1 + i] for i in range(4)]
        if layout == "pooled":
            raw = list(random.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
        joined = catalog.backbone(f"concat/{'+'.join(names)}")
        whole = self.fitted(joined, layout, raw)
        encoder = joined.build(BuildRequest(**whole)).eval()
        batch = Inputs(joined.prepare(PrepareRequest(inputs=raw, **whole))).batch(np.arange(4))
        features = []
        for name, own in zip(names, (encoder.first, encoder.second), strict=True):
            spec = catalog.backbone(name)
            alone = Inputs(spec.prepare(PrepareRequest(inputs=raw, **self.fitted(spec, layout, raw))))
            with torch.no_grad():
                features.append(own(*alone.batch(np.arange(4))))
        with torch.no_grad():
            torch.testing.assert_close(encoder(*batch), torch.cat(features, -1), rtol=0, atol=0)
        assert encoder.feature_dim == sum(part.shape[-1] for part in features)

    def test_options_and_files_reach_their_part_and_new_models_get_no_weights(self, catalog, tmp_path):
        made = {}

        def part(name):
            def build(request):
                made[name] = (dict(request.options), dict(request.files))
                return catalog.backbone("toy/mlp").build(dataclasses.replace(request, options={"hidden": 4}))

            def checkpoint(options):
                return Checkpoint(files={"config": tmp_path / name, "weights": tmp_path / f"{name}.pt"}, origin=name)

            width = Option(name="width", default=1, summary="w")
            return dataclasses.replace(
                catalog.backbone("toy/mlp"), name=f"toy/{name}", options=(width,), build=build, checkpoint=checkpoint
            )

        joined = find("a+b", part)
        files = joined.checkpoint({"first_width": 1, "second_width": 2})
        assert (files.origin, files.pretrained) == ("a + b", True)
        whole = self.fitted(joined, "pooled", np.eye(3))
        whole["options"] = {"first_width": 5, "second_width": 6}
        for pretrained in (True, False):
            given = {role: path for role, path in files.files.items() if pretrained or role != "weights"}
            joined.build(BuildRequest(files=given, **whole))
            for name, width in (("a", 5), ("b", 6)):
                weights = {"weights": tmp_path / f"{name}.pt"} if pretrained else {}
                assert made[name] == ({"width": width}, {"config": tmp_path / name, **weights})

    def test_both_parts_get_the_same_variation(self, catalog):
        joined = catalog.backbone(f"concat/{self.IMAGES}")
        images = torch.randint(256, (6, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        varied = joined.augment(
            AugmentRequest(
                inputs=(images, images),
                names=("affine", "noise"),
                fitted={"first": {"fitted": {}}, "second": {"fitted": {}}},
                generator=torch.Generator().manual_seed(1),
            )
        )
        assert torch.equal(*varied)
        assert not torch.equal(varied[0], images)

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("image/resnet-small", "use concat/A\\+B"),
            ("image/resnet-small+text/bert-tiny", "image inputs.*text inputs"),
            ("image/resnet-small+image/unet-small", "gives pooled.*map"),
            ("image/resnet-small+image/none", 'Unknown backbone "image/none"'),
        ],
    )
    def test_backbones_that_do_not_fit_together_are_refused(self, catalog, name, said):
        with pytest.raises(UsageError, match=said):
            catalog.backbone(f"concat/{name}")

    def test_a_run_loads_the_plugins_of_both_parts(self, catalog, pairing_of, settings):
        pairing = pairing_of("toy/blobs", backbones=["concat/toy/mlp+tabular/mlp"])
        plugins = {name.partition(" ")[0] for name in job_of(pairing, catalog, settings).plugins}
        assert {"toy", "anomaly", "ensembles", "finetune"} <= plugins
        assert [part.name for part in unpacked(packed(pairing), catalog).backbone.parts] == ["toy/mlp", "tabular/mlp"]
