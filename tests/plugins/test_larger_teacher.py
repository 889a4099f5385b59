"""Distillation of a larger backbone, against the strategy `frozen` on that backbone and against fine-tuning."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from support import silent

from tlbench import ContractError, Option
from tlbench.contract.backbone_specs import Checkpoint
from tlbench.engine.adaptation import adapt, adapt_request
from tlbench.engine.given import declared_parts, labelled_positions
from tlbench.engine.teaching import teach
from tlbench.errors import UsageError
from tlbench.learning import Inputs
from tlbench.learning.data import Examples
from tlbench.learning.model import apply_head, encode, state_hash
from tlbench.planning.repeat import repeat_command
from tlbench.planning.teachers import with_teacher
from tlbench.testing.specs import spec_fields_are_valid
from tlbench_ensembles.distillation import distilled, features_of

TEACHER = "toy/mlp-batchnorm"
STUDENT = {"backbones": ["toy/mlp"]}
OF_TEACHER = {"larger-teacher.backbone": TEACHER}


@pytest.fixture
def taught(pairing_of, source_of, tmp_path):
    """A pairing with a teacher, its prepared data with the teacher's features, and its source model."""

    def make(task="toy/blobs", **overrides):
        pairing = pairing_of(task, "larger-teacher", **STUDENT, overrides={**OF_TEACHER, **overrides})
        prepared, source = source_of(pairing)
        folder = tmp_path / "taught"
        folder.mkdir()
        teach(pairing.teacher, prepared, folder, "cpu", silent)
        return pairing, dataclasses.replace(prepared, taught=folder), source

    return make


def asked(pairing, prepared, source, function):
    """Adapt with another function in the place of the strategy's own."""
    return adapt(
        dataclasses.replace(pairing, strategy=dataclasses.replace(pairing.strategy, adapt=function)),
        prepared,
        source,
        silent,
    ).model


class TestWhatTheTeacherSays:
    def test_its_probe_answers_as_frozen_features_of_that_backbone(self, taught, pairing_of, source_of):
        pairing, prepared, source = taught()
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        target, teacher = request.target, request.teacher
        probe = target.kind.probe(features_of(teacher.train.inputs), teacher.train.targets.values, len(target.labels))
        answers = probe.outputs(features_of(teacher.unlabelled))

        alone = pairing_of("toy/blobs", "frozen", backbones=[TEACHER])
        own, of_teacher = source_of(alone)
        frozen = adapt(alone, own, of_teacher, silent).model
        inputs = own.split("target-train").inputs
        expected = apply_head(frozen.heads["target"], encode(frozen, inputs))
        order = [
            int(np.flatnonzero((features == encode(frozen, inputs)).all(1))[0])
            for features in features_of(teacher.unlabelled)
        ]
        assert sorted(order) == list(range(len(inputs)))
        np.testing.assert_allclose(answers, expected[order], rtol=1e-4, atol=1e-4)

    def test_its_examples_are_those_of_the_student_in_the_same_order(self, taught):
        pairing, prepared, _ = taught("toy/shapes")
        seen, parts = prepared.seen_by_teacher(), declared_parts(pairing, prepared)
        marked = dataclasses.replace(prepared, folder=prepared.folder)
        places = np.arange(len(seen), dtype=np.float32)[:, None]
        np.save(prepared.taught / "features.npy", places)
        by_place = declared_parts(pairing, marked)
        drawn = by_place["teacher.unlabelled"].columns[0][:, 0].astype(int)
        np.testing.assert_array_equal(
            parts["target.unlabelled"].columns[0], prepared.split("target-train").inputs.columns[0][drawn]
        )
        budget = by_place["teacher.train"].inputs.columns[0][:, 0].astype(int)
        np.testing.assert_array_equal(budget, labelled_positions(pairing, seen, "target-labels"))
        assert isinstance(parts["teacher.train"], Examples)
        assert isinstance(parts["teacher.unlabelled"], Inputs)

    def test_a_fold_that_is_held_out_has_no_labels_for_the_teacher_either(self, taught):
        pairing, prepared, _ = taught()
        positions = labelled_positions(pairing, prepared.split("target-train"), "target-labels")
        parts = declared_parts(pairing, prepared, without=positions[:10])
        assert len(parts["teacher.train"]) == len(parts["target.train"]) == len(positions) - 10
        np.testing.assert_array_equal(parts["teacher.train"].targets.values, parts["target.train"].targets.values)

    def test_other_labels_give_the_same_features(self, taught, tmp_path):
        pairing, prepared, _ = taught()
        before = np.load(prepared.taught / "features.npy")
        path = prepared.folder / "target-train-targets.npy"
        np.save(path, np.load(path)[::-1])
        with pytest.raises(Exception, match="other examples"):
            teach(pairing.teacher, prepared, tmp_path, "cpu", silent)
        np.save(path, np.load(path)[::-1])
        teach(pairing.teacher, prepared, tmp_path, "cpu", silent)
        np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), before)


class TestTheStudent:
    def test_without_weight_it_is_fine_tuning_behind_the_same_draws(self, taught):
        pairing, prepared, source = taught(**{"larger-teacher.weight": 0.0})

        def plain(request):
            student, other = copy.deepcopy(request.model), request.batches(request.target.unlabelled)
            batches = request.batches(request.target.train)

            def loss(progress):
                inputs, targets, _ = next(batches)
                next(other)
                return request.target.kind.loss(student(*inputs), targets)

            request.train([student.encoder, student.heads["target"]], loss)
            return student

        own = adapt(pairing, prepared, source, silent).model
        assert state_hash(own) == state_hash(asked(pairing, prepared, source, plain))

    def test_with_much_weight_it_says_what_the_teacher_says(self, taught):
        """Labels apart, distillation regresses on the probe's probabilities: the student agrees with it more."""
        agreed = {}
        for weight in (0.0, 100.0):
            pairing, prepared, source = taught(
                **{"larger-teacher.weight": weight, "larger-teacher.learning_rate": 0.01}
            )
            request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
            target, teacher = request.target, request.teacher
            probe = target.kind.probe(
                features_of(teacher.train.inputs), teacher.train.targets.values, len(target.labels)
            )
            said = torch.from_numpy(probe.outputs(features_of(teacher.unlabelled)) / 2.0).softmax(1)
            student = adapt(pairing, prepared, source, silent).model
            own = torch.from_numpy(apply_head(student.heads["target"], encode(student, target.unlabelled)))
            agreed[weight] = float(distilled(own, said, 2.0))
            (prepared.taught / "features.npy").unlink()
            prepared.taught.rmdir()
        assert agreed[100.0] < agreed[0.0] / 2


class TestThePlan:
    def test_the_option_names_the_teacher_with_a_hash_of_its_weights(self, catalog, pairing_of, tmp_path):
        pairing, weights = self.with_weights(catalog, pairing_of, tmp_path, "one")
        named = f"{TEACHER}#{weights}"
        assert pairing.strategy_options["backbone"] == named
        assert pairing.teacher.backbone.name == TEACHER
        assert pairing.teacher.source_mode == "probe"
        other, _ = self.with_weights(catalog, pairing_of, tmp_path, "two")
        assert other.key() != pairing.key()

    def test_other_weights_than_those_that_are_pinned_are_refused(self, catalog, pairing_of, tmp_path):
        with pytest.raises(UsageError, match=r'have the hash ".{12}", but 0123456789ab was asked for'):
            self.with_weights(catalog, pairing_of, tmp_path, "one", pin="#0123456789ab")
        _, weights = self.with_weights(catalog, pairing_of, tmp_path, "one")
        self.with_weights(catalog, pairing_of, tmp_path, "one", pin=f"#{weights}")

    @staticmethod
    def with_weights(catalog, pairing_of, tmp_path, content, pin=""):
        """Return a pairing whose teacher has a checkpoint with this content, and the hash in its name."""
        path = tmp_path / "weights.bin"
        path.write_text(content)
        spec = dataclasses.replace(
            catalog.backbones[TEACHER],
            checkpoint=lambda options: Checkpoint(files={"weights": path}, origin="a file"),
        )
        known = dataclasses.replace(catalog, backbones={**catalog.backbones, TEACHER: spec})
        start = pairing_of("toy/blobs", "larger-teacher", **STUDENT, overrides=OF_TEACHER)
        options = {**start.strategy_options, "backbone": f"{TEACHER}{pin}"}
        pairing = with_teacher(dataclasses.replace(start, strategy_options=options), known, tmp_path / "cache")
        return pairing, pairing.teacher.weights[:12]

    @pytest.mark.parametrize(
        ("task", "overrides", "reason"),
        [
            ("toy/blobs", {}, "name one with --set larger-teacher.backbone=BACKBONE"),
            ("toy/blobs", {"larger-teacher.backbone": "words/window"}, '"words/window" takes text inputs'),
            ("toy/alone", OF_TEACHER, '"toy/alone" no source domain to train it on'),
            ("toy/names", {"larger-teacher.backbone": "words/window"}, "one prediction for each example"),
        ],
    )
    def test_what_cannot_teach_is_skipped_with_the_reason(self, pairing_of, task, overrides, reason):
        backbones = ["words/window"] if task == "toy/names" else ["toy/mlp"]
        assert reason in pairing_of(task, "larger-teacher", backbones=backbones, overrides=overrides).skip

    def test_an_option_that_names_a_backbone_has_no_default_and_is_alone(self, catalog):
        with pytest.raises(ContractError, match='its default must be ""'):
            Option(name="backbone", default="toy/mlp", summary="a teacher", backbone=True)
        spec = catalog.strategies["larger-teacher"]
        second = Option(name="second", default="", summary="another teacher", backbone=True)
        with pytest.raises(ContractError, match="backbone, second: one option of a strategy alone"):
            spec_fields_are_valid(dataclasses.replace(spec, options=(*spec.options, second)), None)

    def test_an_unknown_backbone_is_an_error(self, pairing_of):
        with pytest.raises(UsageError, match="toy/mpl"):
            pairing_of("toy/blobs", "larger-teacher", **STUDENT, overrides={"larger-teacher.backbone": "toy/mpl"})


def test_a_run_is_resumed_and_repeated(catalog, run_pairings):
    asked_for = {"tasks": ["toy/blobs"], "strategies": ["larger-teacher"], "references": ["none"], **STUDENT}
    first = run_pairings(catalog, **asked_for, overrides=OF_TEACHER)
    (row,) = first.rows
    assert (row.status, row.strategy_options["backbone"]) == ("ok", TEACHER)
    assert row.seconds["teach"] > 0
    words = repeat_command(row, catalog)
    assert f"larger-teacher.backbone={TEACHER}" in words
    again = run_pairings(catalog, **asked_for, overrides=OF_TEACHER)
    assert again.computed == 0
    other = run_pairings(catalog, **asked_for, overrides={"larger-teacher.backbone": "toy/mlp"})
    assert {row.key} != {one.key for one in other.rows}
