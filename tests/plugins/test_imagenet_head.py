"""The classifier that a checkpoint of timm comes with, for what adaptation forgets of ImageNet."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch

from tlbench import BadInputError, BuildRequest, FitRequest, OwnHead, UsageError
from tlbench.engine import source_model
from tlbench.planning.catalog import load_catalog

TINY = "test_resnet"


@pytest.fixture(scope="module")
def spec():
    return load_catalog().backbone(f"timm/{TINY}")


def request(spec, path):
    options = {option.name: option.default for option in spec.options} | {"weights": str(path)}
    files = spec.checkpoint(options).files
    fitted = spec.fit(FitRequest(inputs=[], options=options, files=files))
    return BuildRequest(fitted=fitted, layout="pooled", options=options, files=files)


def saved(folder, **changes):
    torch.manual_seed(0)
    model = timm.create_model(TINY, **changes).eval()
    torch.save({"state_dict": {f"module.{name}": part for name, part in model.state_dict().items()}}, folder / "w.pth")
    return model


def test_the_head_on_the_encoder_s_features_is_the_library_s_model(spec, tmp_path):
    model = saved(tmp_path)
    asked = request(spec, tmp_path / "w.pth")
    encoder, own = spec.build(asked).eval(), spec.own_head(asked)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), np.uint8))
    with torch.no_grad():
        torch.testing.assert_close(own.head(encoder(images)), model(encoder.normalise(images)))
    place = {label: number for number, label in enumerate(own.labels)}
    # Numbers of classes as they are published: mug 504, mouse 673, crane 134 and 517.
    words = ("coffee mug", "coffee_mug", "computer mouse")
    assert [place[own.aliases[word]] for word in words] == [504, 504, 673]
    assert "crane" not in own.aliases


@pytest.mark.parametrize("classes", [0, 37])
def test_another_classifier_is_refused(spec, tmp_path, classes):
    saved(tmp_path, num_classes=classes)
    with pytest.raises(BadInputError, match=r"source\.mode=probe"):
        spec.own_head(request(spec, tmp_path / "w.pth"))


def changed(folder, change):
    state = saved(folder).state_dict()
    change(state)
    torch.save(state, folder / "w.pth")
    return folder / "w.pth"


def test_a_classifier_that_is_not_finite_is_refused(spec, tmp_path):
    path = changed(tmp_path, lambda state: state["fc.weight"].fill_(float("nan")))
    with pytest.raises(BadInputError, match=r"NaN or infinite weights \(1: fc.weight\)"):
        spec.own_head(request(spec, path))


def test_a_classifier_without_its_bias_is_refused_unless_partial(spec, tmp_path):
    path = changed(tmp_path, lambda state: state.pop("fc.bias"))
    asked = request(spec, path)
    with pytest.raises(BadInputError, match=r"1 missing from the file \(fc.bias\)"):
        spec.own_head(asked)
    own = spec.own_head(dataclasses.replace(asked, options={**asked.options, "partial": True}))
    assert not own.head.bias.any()


def head_for(labels, monkeypatch):
    own = OwnHead(head=torch.nn.Linear(2, 3), labels=("n1", "n2", "n3"), aliases={"mug": "n3", "cup": "n3"})
    monkeypatch.setattr(source_model, "build_request", lambda *_, **__: None)
    backbone = SimpleNamespace(name="timm/mine", own_head=lambda _: own)
    plan = SimpleNamespace(backbone=backbone, task=SimpleNamespace(name="vision/own"))
    return own.head, source_model._own_head(plan, SimpleNamespace(source_labels=labels))


def test_a_source_with_some_of_the_classes_gets_their_outputs_in_its_order(monkeypatch):
    head, state = head_for(("mug", "n1"), monkeypatch)
    assert torch.equal(state["weight"], head.weight[[2, 0]])
    assert torch.equal(state["bias"], head.bias[[2, 0]])


@pytest.mark.parametrize(
    ("labels", "says"), [(("mug", "spoon"), r"lacks labels .*\(spoon; it has n1"), (("mug", "cup"), "the same class")]
)
def test_labels_that_the_head_does_not_tell_apart_are_refused(monkeypatch, labels, says):
    with pytest.raises(UsageError, match=says):
        head_for(labels, monkeypatch)
