from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from support import silent

from tlbench import BadInputError, ContractError, Side, Split, TaskData
from tlbench.engine.adaptation import check_promises, with_target_head
from tlbench.engine.models import build
from tlbench.engine.source_model import train_source
from tlbench.learning.model import TransferModel, state_hash

# Prepare


def test_all_four_splits_are_prepared_and_read_back(prepare_in, pairing_of):
    prepared = prepare_in(pairing_of("toy/shapes"))
    sizes = {name: len(prepared.split(name)) for name in ("source-train", "source-test", "target-train", "target-test")}
    assert sizes == {"source-train": 240, "source-test": 120, "target-train": 240, "target-test": 120}
    assert (len(prepared.source_labels), len(prepared.target_labels)) == (3, 4)


def test_preparing_twice_gives_the_same_bits_and_other_data_another_hash(prepare_in, pairing_of):
    first, second = (prepare_in(pairing_of("toy/names"), name) for name in "ab")
    assert first.sha256 == second.sha256
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == {
        path.name: path.read_bytes() for path in second.folder.iterdir()
    }
    noisy = pairing_of("toy/blobs", overrides={"task.noise": "2"})
    assert prepare_in(noisy, "c").sha256 != prepare_in(pairing_of("toy/blobs"), "d").sha256


def test_statistics_are_those_of_the_source_s_training_rows(prepare_in, pairing_of):
    prepared = prepare_in(pairing_of("toy/blobs"))
    rows = prepared.split("source-train").inputs.columns[0]
    np.testing.assert_allclose(prepared.fitted["mean"], rows.mean(0), rtol=1e-5)


def test_a_table_of_the_user_s_is_prepared_as_any_other(prepare_in, pairing_of, tmp_path):
    rows = np.random.default_rng(0).normal(size=(36, 6))
    table = np.column_stack([rows, np.arange(36) % 3, np.arange(36) % 2])
    np.savetxt(tmp_path / "rows.csv", table, delimiter=",")
    prepared = prepare_in(pairing_of("toy/table", overrides={"task.source": str(tmp_path)}))
    assert len(prepared.split("target-test")) == 6


def test_a_table_that_is_no_table_is_named(prepare_in, pairing_of, tmp_path):
    (tmp_path / "rows.csv").write_text("colour,size\nred,3\n")
    with pytest.raises(BadInputError, match=r'rows.csv" cannot be read as a table'):
        prepare_in(pairing_of("toy/table", overrides={"task.source": str(tmp_path)}))


def data_of(labels=("a", "b"), target_labels=None, train=(0, 1), test=(0, 1), rows=None):
    def split(values, size=None):
        return Split(inputs=np.zeros((len(values) if size is None else size, 6), np.float32), labels=list(values))

    source = Side(labels=labels, train=split(train, rows), test=split(test))
    return TaskData(source=source, target=dataclasses.replace(source, labels=target_labels or labels))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (data_of(train=()), 'Task "toy/blobs", source training split: no examples'),
        (data_of(test=()), 'Task "toy/blobs", source test split: no examples'),
        (data_of(rows=3), "source training split: 3 examples but 2 labels"),
        (data_of(train=(0, 2)), "source training split: a label index is outside the 2 labels"),
        (data_of(test=(-1, 0)), "source test split: a label index is outside the 2 labels"),
    ],
)
def test_data_that_makes_no_sense_is_refused_with_its_split(prepare_in, pairing_of, data, message):
    pairing = pairing_of("toy/blobs")
    task = dataclasses.replace(pairing.task, load=lambda request: data)
    with pytest.raises(BadInputError, match=message):
        prepare_in(dataclasses.replace(pairing, task=task))


def test_a_transductive_task_has_one_label_space(prepare_in, pairing_of):
    pairing = pairing_of("toy/blobs")
    task = dataclasses.replace(pairing.task, load=lambda request: data_of(target_labels=("a", "c")))
    with pytest.raises(ContractError, match='"toy/blobs" is transductive'):
        prepare_in(dataclasses.replace(pairing, task=task))


# Source and heads


def test_the_source_model_learns_and_its_seed_decides_it(source_of, pairing_of):
    pairing = pairing_of("toy/blobs")
    prepared, model = source_of(pairing)
    test = prepared.split("source-test")
    right = (
        model.eval()(*test.inputs.batch(np.arange(120)), head="source").units.argmax(1).numpy() == test.targets.values
    )
    assert right.mean() > 0.8
    again = train_source(pairing, prepared, "cpu", silent)
    other = train_source(dataclasses.replace(pairing, seed=1), prepared, "cpu", silent)
    assert state_hash(again) == state_hash(model) != state_hash(other)


def test_the_target_head_is_a_copy_where_the_labels_agree_and_new_where_they_do_not(prepare_in, pairing_of):
    for task, classes in (("toy/blobs", 3), ("toy/shapes", 4)):
        pairing = pairing_of(task)
        prepared = prepare_in(pairing, task.replace("/", "-"))
        source = build(pairing, prepared, "cpu", ["source"])
        model = with_target_head(pairing, prepared, source)
        assert model.heads["target"].out_features == classes
        assert torch.equal(model.heads["target"].weight, model.heads["source"].weight) == (task == "toy/blobs")
        assert model.heads["target"].weight is not model.heads["source"].weight
        assert list(source.heads) == ["source"]


# Promises


@pytest.fixture
def models(source_of, pairing_of):
    """A model with both heads, before and after an adaptation that changed nothing."""
    pairing = pairing_of("toy/blobs", backbones=["toy/mlp-batchnorm"])
    prepared, source = source_of(pairing)
    return with_target_head(pairing, prepared, source), with_target_head(pairing, prepared, source)


@pytest.fixture
def frozen(catalog):
    return catalog.strategy("frozen")


def test_a_strategy_that_keeps_its_promises_passes(models, frozen):
    before, after = models
    with torch.no_grad():
        after.heads["target"].weight.zero_()
    check_promises(frozen, before, after)


def test_a_moved_parameter_of_a_frozen_encoder_is_found(models, frozen):
    before, after = models
    with torch.no_grad():
        next(after.encoder.parameters()).add_(1e-3)
    with pytest.raises(ContractError, match='"frozen" declares trains_encoder=False'):
        check_promises(frozen, before, after)
    check_promises(dataclasses.replace(frozen, trains_encoder=True), before, after)


def test_moved_statistics_of_batchnorm_are_found(models, frozen):
    before, after = models
    after.encoder.train()(torch.randn(8, 6))
    with pytest.raises(ContractError, match="BatchNorm statistics"):
        check_promises(frozen, before, after)


def test_the_source_head_may_change(models, frozen):
    """LwF trains it without source data; forgetting then measures what happened."""
    before, after = models
    with torch.no_grad():
        after.heads["source"].bias.add_(1)
    check_promises(frozen, before, after)


@pytest.mark.parametrize("rubbish", [None, 5, {"heads": {}}])
def test_what_is_no_model_is_refused(models, frozen, rubbish):
    with pytest.raises(ContractError, match="must return a TransferModel with the heads source and target"):
        check_promises(frozen, models[0], rubbish)


def test_a_model_without_a_head_is_refused(models, frozen):
    before, after = models
    with pytest.raises(ContractError, match="heads source and target"):
        check_promises(frozen, before, TransferModel(after.encoder, {"target": after.heads["target"]}))


def test_a_model_of_other_shapes_is_refused(models, frozen):
    before, after = models
    after.heads["target"] = torch.nn.Linear(16, 7)
    with pytest.raises(ContractError, match=r'"frozen" changed the architecture: heads.target.bias'):
        check_promises(frozen, before, after)
