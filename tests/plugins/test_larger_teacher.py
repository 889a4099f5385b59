"""Distillation of a larger backbone, against the strategy `frozen` on that backbone and against fine-tuning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from plain_steps import fine_tune_beside_unlabelled
from support import silent

from tlbench import Access, ContractError, Option
from tlbench.contract.backbone_specs import Checkpoint
from tlbench.engine.adaptation import adapt, adapt_request
from tlbench.engine.given import declared_parts, labelled_positions
from tlbench.engine.teaching import teach
from tlbench.engine.withheld import Withheld, write_changed
from tlbench.errors import UsageError
from tlbench.learning.model import apply_head, encode, state_hash
from tlbench.planning.repeat import repeat_command
from tlbench.planning.teachers import with_teacher
from tlbench.testing.specs import spec_fields_are_valid
from tlbench_ensembles.distillation import distilled

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


def probe_of(request):
    """The probe that stands for the teacher."""
    target = request.target
    return target.kind.probe(request.teacher.train, target.train.targets.values, len(target.labels))


class TestWhatTheTeacherSays:
    def test_its_probe_answers_as_frozen_features_of_that_backbone(self, taught, pairing_of, source_of):
        pairing, prepared, source = taught()
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        probe = probe_of(request)
        answers = probe.outputs(request.teacher.unlabelled)

        alone = pairing_of("toy/blobs", "frozen", backbones=[TEACHER])
        own, of_teacher = source_of(alone)
        frozen = adapt(alone, own, of_teacher, silent).model
        inputs = own.split("target-train").inputs
        features = encode(frozen, inputs)
        expected = apply_head(frozen.heads["target"], features)
        order = [int(np.flatnonzero((seen == features).all(1))[0]) for seen in request.teacher.unlabelled]
        assert sorted(order) == list(range(len(inputs)))
        np.testing.assert_allclose(answers, expected[order], rtol=1e-4, atol=1e-4)

    def test_its_examples_are_those_of_the_student_in_the_same_order(self, taught):
        pairing, prepared, source = taught("toy/shapes")
        target = prepared.split("target-train")
        np.save(prepared.taught / "features.npy", np.arange(len(target), dtype=np.float32)[:, None])
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        drawn, budget = (part[:, 0].astype(int) for part in (request.teacher.unlabelled, request.teacher.train))
        np.testing.assert_array_equal(request.target.unlabelled.columns[0], target.inputs.columns[0][drawn])
        np.testing.assert_array_equal(request.target.train.inputs.columns[0], target.inputs.columns[0][budget])

    def test_a_fold_that_is_held_out_has_no_labels_for_the_teacher_either(self, taught):
        pairing, prepared, source = taught()
        positions = labelled_positions(pairing, prepared.split("target-train"), "target-labels")
        np.save(prepared.taught / "features.npy", np.arange(len(prepared.split("target-train")))[:, None])
        parts = declared_parts(pairing, prepared, without=positions[:10])
        request = adapt_request(pairing, prepared, source, parts)
        assert set(request.teacher.train[:, 0]) == set(positions[10:])

    def test_other_labels_of_the_target_give_the_same_features(self, taught, tmp_path):
        pairing, prepared, _ = taught()
        before = np.load(prepared.taught / "features.npy")

        def other_labels(request):
            data = pairing.task.load(request)
            train = data.target.train
            permuted = dataclasses.replace(train, labels=np.random.default_rng(0).permutation(train.labels))
            return dataclasses.replace(data, target=dataclasses.replace(data.target, train=permuted))

        task = dataclasses.replace(pairing.task, load=other_labels)
        teach(dataclasses.replace(pairing.teacher, task=task), prepared, tmp_path, "cpu", silent)
        np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), before)

    def test_a_part_that_is_not_declared_is_refused(self, taught):
        pairing, prepared, source = taught()
        alone = dataclasses.replace(pairing.strategy, access=frozenset({Access.TARGET_LABELS}))
        pairing = dataclasses.replace(pairing, strategy=alone)
        request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
        assert len(request.teacher.train)
        with pytest.raises(ContractError, match=r"teacher\.unlabelled without declaring it: add Access\.TARGET_INPUTS"):
            _ = request.teacher.unlabelled

    def test_an_audit_replaces_what_the_teacher_sees_of_withheld_examples(self, taught, tmp_path):
        _, prepared, _ = taught()
        before = np.load(prepared.taught / "features.npy")
        kept, withheld = np.arange(5), np.arange(5, len(before))
        hidden = {"target-train": Withheld(labels=withheld, inputs=withheld)}
        for how in ("permuted", "replaced"):
            write_changed(prepared, hidden, how, tmp_path / how, 0)
            after = np.load(tmp_path / how / "features.npy")
            np.testing.assert_array_equal(after[kept], before[kept])
            assert (after[withheld] != before[withheld]).any()


class TestTheStudent:
    def test_without_weight_it_is_fine_tuning_behind_the_same_draws(self, taught):
        pairing, prepared, source = taught(**{"larger-teacher.weight": 0.0})

        own = adapt(pairing, prepared, source, silent).model
        plain = dataclasses.replace(pairing.strategy, adapt=fine_tune_beside_unlabelled)
        tuned = adapt(dataclasses.replace(pairing, strategy=plain), prepared, source, silent).model
        assert state_hash(own) == state_hash(tuned)

    def test_with_much_weight_it_says_what_the_teacher_says(self, taught):
        """Labels apart, distillation regresses on the probe's probabilities: the student agrees with it more."""
        agreed = {}
        for weight in (0.0, 100.0):
            pairing, prepared, source = taught(
                **{"larger-teacher.weight": weight, "larger-teacher.learning_rate": 0.01}
            )
            request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared))
            said = torch.from_numpy(probe_of(request).outputs(request.teacher.unlabelled) / 2.0).softmax(1)
            student = adapt(pairing, prepared, source, silent).model
            own = torch.from_numpy(apply_head(student.heads["target"], encode(student, request.target.unlabelled)))
            agreed[weight] = float(distilled(own, said, 2.0))
            (prepared.taught / "features.npy").unlink()
            prepared.taught.rmdir()
        assert agreed[100.0] < agreed[0.0] / 2


class TestThePlan:
    def test_the_option_names_the_teacher_with_a_hash_of_what_it_is_made_of(self, pairing_of, catalog, tmp_path):
        start = pairing_of("toy/blobs", "larger-teacher", **STUDENT, overrides=OF_TEACHER)
        name, _, digits = start.strategy_options["backbone"].partition("#")
        assert (name, len(digits)) == (TEACHER, 12)
        spec = catalog.backbones[TEACHER]
        longer = dataclasses.replace(spec, recipe={**spec.recipe, "source.steps": 7})
        one, two = (self.of_file(spec, tmp_path, content) for content in ("one", "two"))
        named = [self.taught_by(start, catalog, other, tmp_path) for other in (longer, one, two)]
        assert len({digits, *(pairing.strategy_options["backbone"].partition("#")[2] for pairing in named)}) == 4
        assert len({pairing.key() for pairing in (start, *named)}) == 4
        assert [pairing.teacher.source_mode for pairing in named] == ["train", "probe", "probe"]

    def test_another_teacher_than_the_one_that_is_pinned_is_refused(self, pairing_of, catalog, tmp_path):
        start = pairing_of("toy/blobs", "larger-teacher", **STUDENT, overrides=OF_TEACHER)
        pinned = start.strategy_options["backbone"]
        again = pairing_of("toy/blobs", "larger-teacher", **STUDENT, overrides={"larger-teacher.backbone": pinned})
        assert again.key() == start.key()
        other = self.of_file(catalog.backbones[TEACHER], tmp_path, "other")
        known = dataclasses.replace(catalog, backbones={**catalog.backbones, TEACHER: other})
        with pytest.raises(UsageError, match=f'but "{pinned}" was asked for'):
            with_teacher(start, known, tmp_path / "cache")

    @staticmethod
    def of_file(spec, tmp_path, content):
        """Return a backbone with a checkpoint of this content."""
        path = tmp_path / f"{content}.bin"
        path.write_text(content)
        checkpoint = Checkpoint(files={"weights": path}, origin="a file")
        return dataclasses.replace(spec, checkpoint=lambda options: checkpoint)

    @staticmethod
    def taught_by(start, catalog, spec, tmp_path):
        """Return a pairing whose teacher is another backbone of the same name."""
        known = dataclasses.replace(catalog, backbones={**catalog.backbones, spec.name: spec})
        asked = dataclasses.replace(start, strategy_options={**start.strategy_options, "backbone": spec.name})
        return with_teacher(asked, known, tmp_path / "cache")

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
    named = row.strategy_options["backbone"]
    assert (row.status, named.partition("#")[0], row.plugins["teacher"]) == ("ok", TEACHER, row.plugins["backbone"])
    assert row.seconds["teach"] > 0
    words = repeat_command(row, catalog)
    assert f"larger-teacher.backbone={named}" in words
    again = run_pairings(catalog, **asked_for, overrides=OF_TEACHER)
    assert again.computed == 0
    other = run_pairings(catalog, **asked_for, overrides={"larger-teacher.backbone": "toy/mlp"})
    assert {row.key} != {one.key for one in other.rows}
