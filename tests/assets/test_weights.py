"""Weights from files, and into modules."""

from __future__ import annotations

import argparse
import collections
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tlbench import BadInputError
from tlbench.assets.weight_files import log_once, read_weights
from tlbench.assets.weights import load_into


def small():
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.bin"])
@pytest.mark.parametrize("prefix", ["", "module.", "module.backbone."])
def test_weights_are_put_in_whatever_stands_before_their_names(tmp_path, name, prefix):
    module, other = small(), small()
    state = {f"{prefix}{key}": part for key, part in other.state_dict().items()}
    if name.endswith("safetensors"):
        save_file(state, tmp_path / name)
    else:
        torch.save({"state_dict": state, "epoch": 3}, tmp_path / name)
    load_into(module, read_weights(tmp_path / name), name)
    assert all(torch.equal(part, other.state_dict()[key]) for key, part in module.state_dict().items())


def test_weights_without_a_place_are_named_in_the_log_once(caplog):
    log_once.cache_clear()
    state = {f"net.{name}": part for name, part in small().state_dict().items()}
    state |= {"net.fc.weight": torch.ones(1), "neck": torch.ones(1)}
    with caplog.at_level(logging.WARNING, logger="tlbench"):
        for _ in range(2):
            assert load_into(small(), state, "file.pth", without=["fc."]) is None
    (record,) = caplog.records
    assert '"file.pth" has weights that the model does not use (1: neck)' in record.message


def test_old_files_without_counters_of_batches_fit():
    state = {name: part for name, part in small().state_dict().items() if not name.endswith("batches_tracked")}
    assert load_into(small(), state, "file.pth") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"0.weight": None}, r"1 missing from the file \(0.weight\)"),
        ({"1.running_mean": None, "1.running_var": None}, r"2 missing from the file \(1.running_mean, 1.running_var\)"),
        ({"0.bias": torch.ones(5)}, r"1 with another shape or type \(0.bias\)"),
        ({"0.weight": torch.ones(2, 3, dtype=torch.int8)}, r"1 with another shape or type \(0.weight\)"),
        ({"2.weight": torch.ones(2, 2)}, r"1 of blocks or layers that the model lacks \(2.weight\)"),
    ],
)
def test_a_file_that_fits_in_part_is_refused_unless_that_is_allowed(change, says):
    state = {name: part for name, part in {**small().state_dict(), **change}.items() if part is not None}
    module = small()
    before = {name: part.clone() for name, part in module.state_dict().items()}
    with pytest.raises(BadInputError, match=rf'"file.pth" fits the model only in part. Weights: {says}.*partial=true'):
        load_into(module, state, "file.pth")
    assert all(torch.equal(part, before[name]) for name, part in module.state_dict().items())
    lacking = sum(name in before for name in change)
    assert load_into(module, state, "file.pth", partial=True) == ((6 - lacking, 6) if lacking else None)


def test_prefixes_that_fit_equally_well_are_refused_by_name():
    two = {f"{net}.{name}": part for net in ("student", "teacher") for name, part in small().state_dict().items()}
    for partial in (False, True):
        with pytest.raises(BadInputError, match=r"equally well.*'student\.' and 'teacher\.'"):
            load_into(small(), two, "file.pth", partial=partial)
    del two["teacher.0.bias"]
    assert load_into(small(), two, "file.pth") is None, "one of them fits better"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_weights_that_are_not_finite_are_refused(value):
    state = small().state_dict()
    state["0.bias"] = torch.tensor([0.0, value], dtype=torch.float64)
    with pytest.raises(BadInputError, match=r'"file.pth" has NaN or infinite weights \(1: 0.bias\)'):
        load_into(small(), state, "file.pth")
    state = {**small().state_dict(), "fc.weight": torch.tensor([value])}
    assert load_into(small(), state, "file.pth", without=["fc."]) is None, "what is not used may be anything"


@pytest.mark.parametrize("name", ["model_best.pth.tar", "last.ckpt"])
def test_averaged_weights_are_taken_from_a_file_of_timm_s_training_and_said(tmp_path, caplog, name):
    log_once.cache_clear()
    states = {"state_dict": small().state_dict(), "state_dict_ema": small().state_dict()}
    torch.save({"epoch": 3, "args": argparse.Namespace(lr=0.1), **states}, tmp_path / name)
    with caplog.at_level(logging.WARNING, logger="tlbench"):
        found = read_weights(tmp_path / name)
    assert torch.equal(found["0.weight"], states["state_dict_ema"]["0.weight"])
    assert '"state_dict_ema"' in caplog.text


def test_a_file_with_two_sets_of_weights_is_refused(tmp_path):
    torch.save({"model": small().state_dict(), "net": small().state_dict()}, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=r"several sets of weights \(model, net\)"):
        read_weights(tmp_path / "w.pth")
    torch.save({"student": small().state_dict(), "teacher": small().state_dict()}, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=r"weights \(student, teacher\)"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("save", [torch.save, lambda module, path: torch.jit.script(module).save(path)])
def test_nobody_is_told_to_run_the_code_of_a_whole_model(tmp_path, save):
    save(small(), tmp_path / "whole.pt")
    says = "TorchScript archive" if save is not torch.save else r"object of torch.nn.modules.container.Sequential\)"
    with pytest.raises(BadInputError, match=f"{says}.*never run") as no:
        read_weights(tmp_path / "whole.pt")
    assert "weights_only" not in str(no.value)


def test_weights_of_which_none_fits_are_refused():
    with pytest.raises(BadInputError, match=r'No weight of "file.pth" fits'):
        load_into(small(), {"conv.weight": torch.ones(1)}, "file.pth")


def test_a_file_that_holds_code_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"state_dict": Trap()}, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=r"cannot be read as weights: .*code") as no:
        read_weights(tmp_path / "w.pth")
    assert "weights_only" not in str(no.value), "nobody is told to run the code"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_damaged_file_of_weights_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x08\x00not weights at all")
    with pytest.raises(BadInputError, match=f'{name}" cannot be read as weights'):
        read_weights(tmp_path / name)


def test_other_things_than_weights_are_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "w.pt")
    (tmp_path / "w.csv").write_text("")
    with pytest.raises(BadInputError, match=r"weights \(epoch\)"):
        read_weights(tmp_path / "w.pt")
    with pytest.raises(BadInputError, match="Invalid weights file"):
        read_weights(tmp_path / "w.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "contains no weights"),
        ({"model": {0: torch.ones(2), 1: torch.ones(2)}}, r"weights \(0, 1\)"),
        ({"a.weight": torch.ones(2), "a._extra_state": None}, r"Not a dense tensor with a name: a._extra_state\)"),
        ({"a.weight": torch.ones(2), "b": torch.ones(2, device="meta")}, r"Not a dense tensor with a name: b\)"),
        ({"a.weight": torch.ones(2), "b": torch.eye(2).to_sparse()}, r"Not a dense tensor with a name: b\)"),
    ],
    ids=["nothing", "numbers-for-names", "an-entry-of-none", "no-values", "sparse"],
)
def test_what_is_no_weight_is_named(tmp_path, content, says):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=says):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (lambda one, two: {"student": one, "teacher": two, "epoch": 3}, "teacher"),
        (lambda one, two: {"state_dict": one, "state_dict_ema": two}, "state_dict_ema"),
        (lambda one, two: {"state_dict_ema": one, "state_dict": two}, "state_dict"),
        (lambda one, two: {"a": {"model": one}, "b": {"model": two}}, "b"),
        (lambda one, two: {"a": {"one.net": one, "two.net": two}}, "a.two.net"),
        (
            lambda one, two: {"state_dict": named("module.encoder_q", one) | named("module.encoder_k", two)},
            "module.encoder_k",
        ),
        (lambda one, two: named("q", one) | named("k", two), "k"),
    ],
)
def test_a_key_chooses_one_of_several_sets(tmp_path, content, key):
    one, two = ({name: part + shift for name, part in small().state_dict().items()} for shift in (0, 1))
    torch.save(content(one, two), tmp_path / "w.pth")
    module = small()
    load_into(module, read_weights(tmp_path / "w.pth", key), "w.pth")
    assert all(torch.equal(part, two[name]) for name, part in module.state_dict().items())


def named(prefix, state):
    return {f"{prefix}.{name}": part for name, part in state.items()}


def test_a_key_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    torch.save({"state_dict": named("module.q", small().state_dict())}, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=r'nothing under the key "k". Its names begin with module.q'):
        read_weights(tmp_path / "w.pth", "k")
    torch.save({"student": small().state_dict(), "teacher": small().state_dict(), "epoch": 3}, tmp_path / "w.pth")
    for key in ("", "techer"):
        with pytest.raises(BadInputError, match=r"backbone.key=student or backbone.key=teacher$"):
            read_weights(tmp_path / "w.pth", key)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS.*git lfs pull"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "an HTML page"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file.*quantised"),
    ],
)
@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.bin"])
def test_a_failed_download_is_named_as_what_it_is(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=f'{name}" is {says}'):
        read_weights(tmp_path / name)


def test_a_truncated_file_is_named(tmp_path):
    torch.save(small().state_dict(), tmp_path / "w.pth")
    (tmp_path / "w.pth").write_bytes((tmp_path / "w.pth").read_bytes()[:-100])
    with pytest.raises(BadInputError, match="is truncated"):
        read_weights(tmp_path / "w.pth")


def test_plain_values_of_training_scripts_are_no_code(tmp_path):
    numbers = {
        "best": np.float64(71.5),
        "step": np.int64(3),
        "counts": collections.defaultdict(dict),
        "args": Path("/x"),
    }
    torch.save({"state_dict": small().state_dict(), **numbers}, tmp_path / "w.pth")
    assert len(read_weights(tmp_path / "w.pth")) == 7
