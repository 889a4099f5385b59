"""Attributions: known functions give known numbers, and captum's axioms hold for our segments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("captum")

from tlbench import AnalysisRequest, NotApplicable
from tlbench.learning import Encoder, Inputs, InputSpec, Signature, Targets, TransferModel
from tlbench_analyses import attribution_picture
from tlbench_analyses.attribution import (
    Prediction,
    _integrated,
    _occluded,
    by_segment,
    deletion,
    explained,
    integrated_gradients,
    occlusion,
    rank_correlation,
)
from tlbench_analyses.examples import in_turn, of_each_class, positions_of_some, predicted_classes
from tlbench_analyses.segments import absent, segments


class Rows(Encoder):
    """Columns `(N, 4)` -> features; with an embedding, tokens `(N, T)`."""

    def __init__(self, modality="tabular", tokens=0):
        super().__init__()
        self.feature_dim = 3
        self.embedding = nn.Embedding(tokens, 4) if tokens else None
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        self.signature = Signature(modality=modality, layout="pooled", inputs=(InputSpec("float32", (4,)),))

    def forward(self, inputs):
        return self.layers(inputs if self.embedding is None else self.embedding(inputs).mean(1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TransferModel(Rows(), {"source": nn.Linear(3, 2), "target": nn.Linear(3, 2)}).eval()


def prediction(model, first, label=1):
    return Prediction(model, "target", (first,), absent(first, model.encoder), label)


def asked(model, after=None, examples=4, counts=1, inputs=None):
    columns = np.random.default_rng(0).normal(size=(examples, 4)).astype(np.float32) if inputs is None else inputs
    return AnalysisRequest(
        before=model,
        after=after or model,
        inputs=Inputs((columns,)),
        targets=Targets(np.zeros(len(columns) * counts, np.int64), np.full(len(columns), counts)),
        source_inputs=None,
        labels=("a", "$b$"),
        generator=torch.Generator().manual_seed(0),
        options={"examples": 3},
    )


def test_occlusion_is_the_fall_of_the_probability_in_loops(model):
    first = torch.tensor([[0.3, -1.0, 2.0, 0.7]])
    found = prediction(model, first)
    values = _occluded(found, segments(first, model.encoder))
    with torch.no_grad():
        for column in range(4):
            without = first.clone()
            without[0, column] = 0
            assert values[column] == pytest.approx(float(found(first) - found(without)), abs=1e-6)


def test_integrated_gradients_add_up_to_the_difference_from_the_absent_input(model):
    first = torch.tensor([[0.3, -1.0, 2.0, 0.7]])
    found = prediction(model, first)
    values = _integrated(found, segments(first, model.encoder))
    with torch.no_grad():
        difference = float(found(first) - found(torch.zeros_like(first)))
    assert values.sum() == pytest.approx(difference, abs=1e-3)


def test_tokens_are_integrated_over_their_embedding():
    torch.manual_seed(0)
    model = TransferModel(Rows("text", tokens=9), {"target": nn.Linear(3, 2)}).eval()
    first = torch.tensor([[3, 5, 0, 8]])
    found = prediction(model, first)
    values = _integrated(found, segments(first, model.encoder))
    with torch.no_grad():
        difference = float(found(first) - found(torch.zeros_like(first)))
    assert values.sum() == pytest.approx(difference, abs=1e-3)
    assert values[2] == pytest.approx(0, abs=1e-9)


def test_deleting_what_counts_first_lowers_the_probability_fastest(model):
    with torch.no_grad():
        model.encoder.layers[0].weight[:, 1:] = 0
    first = torch.full((1, 4), 2.0)
    with torch.no_grad():
        change = model(first).units.softmax(-1) - model(torch.zeros_like(first)).units.softmax(-1)
    label = int(change.argmax())
    found = prediction(model, first, label)
    mask = segments(first, model.encoder)
    curves = [deletion(found, mask, np.roll(np.arange(4), shift)) for shift in range(4)]
    with torch.no_grad():
        whole, without = float(found(first)), float(found(torch.zeros_like(first)))
    assert curves[0] == pytest.approx((whole + 3 * without) / 4, abs=1e-6)
    assert curves[0] == min(curves)
    one = explained(found, mask, _occluded, torch.Generator().manual_seed(0))
    assert one.deletion == pytest.approx(curves[0], abs=1e-6)
    assert one.deletion < one.random


@pytest.mark.parametrize(
    ("modality", "shape", "number"),
    [("image", (1, 3, 28, 21), 49), ("image", (1, 1, 4, 9), 28), ("audio", (1, 4000), 20), ("series", (1, 3, 50), 20),
     ("series", (1, 3, 7), 7), ("text", (1, 11), 11), ("tabular", (1, 5), 5)],
)  # fmt: skip
def test_segments_cover_every_place_and_differ_little_in_size(modality, shape, number):
    mask = segments(torch.zeros(shape), Rows(modality))
    assert mask.shape == shape[1:]
    sizes = torch.bincount(mask.flatten())
    assert len(sizes) == number
    assert sizes.max() <= 2 * sizes.min()


def test_what_has_no_segments_is_said():
    with pytest.raises(NotApplicable, match="no segments"):
        segments(torch.zeros(1, 2, 3), Rows("tabular"))


def test_bytes_of_an_image_are_replaced_by_the_mean_of_their_channel():
    image = torch.arange(24, dtype=torch.uint8).view(1, 2, 3, 4)
    base = absent(image, Rows("image"))
    assert base.dtype == torch.uint8
    assert base[0, :, 0, 0].tolist() == [6, 18]


def test_the_places_of_a_segment_are_added_or_averaged():
    values, mask = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0, 1, 1, 1])
    assert by_segment(values, mask, "sum").tolist() == [1, 9]
    assert by_segment(values, mask, "mean").tolist() == [1, 3]


def test_rank_correlation_goes_by_order_alone():
    values = np.random.default_rng(0).normal(size=20)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -(values**3)) == pytest.approx(-1)
    # 1 - 6 sum d^2 / (n (n^2 - 1)), for ranks 1, 2, 3, 4 and 2, 1, 4, 3.
    assert rank_correlation(np.arange(4.0), np.array([1.0, 0, 3, 2])) == pytest.approx(1 - 6 * 4 / 60)
    assert rank_correlation(values, np.zeros(20)) == 0


@pytest.mark.parametrize("analyse", [occlusion, integrated_gradients])
def test_models_that_agree_have_equal_attributions(model, analyse):
    model.heads["source"].load_state_dict(model.heads["target"].state_dict())
    found = analyse(asked(model))
    assert found.numbers["agreement"] == pytest.approx(1)
    assert found.numbers["before, deletion"] == found.numbers["after, deletion"]
    assert found.picture.startswith(b"\x89PNG\r\n\x1a\n")


def test_other_labels_before_have_no_attributions(model):
    model.heads["source"] = nn.Linear(3, 5)
    assert occlusion(asked(model)).numbers.keys() == {"after, deletion", "after, deletion at random"}


def test_predictions_of_units_are_not_explained(model):
    with pytest.raises(NotApplicable, match="one prediction for each example"):
        occlusion(asked(model, counts=2))


def halves(model):
    """Let the first column alone decide between the two classes; return inputs, every tenth of the second."""
    with torch.no_grad():
        for head in model.heads.values():
            head.load_state_dict({"weight": torch.tensor([[-1.0, 0, 0], [1, 0, 0]]), "bias": torch.zeros(2)})
        model.encoder.layers = nn.Linear(4, 3, bias=False)
        model.encoder.layers.weight.copy_(torch.eye(3, 4))
    columns = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)
    columns[:, 0] = np.where(np.arange(40) % 10 == 9, 1, -1) * (1 + np.arange(40) / 40)
    return columns


def test_examples_are_taken_from_each_class_in_turn():
    assert in_turn([7, 7, 3, 7, 3, 5]) == [0, 2, 5, 1, 4, 3]
    assert in_turn([]) == []


def test_a_picture_has_examples_of_each_predicted_class(model):
    inputs = Inputs((halves(model),))
    drawn = [0, 1, 2, 3]
    shown = of_each_class(model, inputs, drawn)
    assert shown[::2] == [0, 1], "those that were drawn come first"
    assert predicted_classes(model, inputs.select(np.array(shown))) == [0, 1, 0, 1]
    assert of_each_class(model, inputs, drawn) == shown


def test_numbers_are_of_the_examples_that_were_drawn_whatever_is_shown(model):
    request = asked(model, inputs=halves(model))
    generator = torch.Generator().manual_seed(0)
    places = positions_of_some(40, 3, generator)
    assert of_each_class(model, request.inputs, places) != places
    firsts = [request.inputs.batch(np.array([place]))[0] for place in places]
    labels = predicted_classes(model, request.inputs.select(np.array(places)))
    deletions = []
    for first, label in zip(firsts, labels, strict=True):
        mask = segments(first, model.encoder)
        explained(prediction(model, first, label), mask, _occluded, generator)
        deletions.append(explained(prediction(model, first, label), mask, _occluded, generator).random)
    found = occlusion(request).numbers
    # Before and after are the same model, each with random orders of its own.
    assert found["after, deletion at random"] == float(np.mean(deletions))


def test_panels_share_a_scale_and_name_the_predicted_and_the_true_class(model, monkeypatch):
    figures = []
    monkeypatch.setattr(attribution_picture, "png", lambda figure: figures.append(figure) or b"")
    model.heads["source"] = nn.Linear(3, 2)
    occlusion(asked(model, inputs=halves(model)))
    (figure,) = figures
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert {axes.get_title().partition(":")[0] for axes in figure.axes} == {"before", "after"}
    titles = {axes.get_title() for axes in figure.axes if axes.get_title().startswith("after")}
    assert titles == {"after: predicted a\ntrue a", "after: predicted $b$\ntrue a"}
    assert {label.get_text() for label in figure.axes[0].get_yticklabels()} == {f"column {n}" for n in (1, 2, 3, 4)}
    assert "red adds to it, blue takes from it" in figure.get_supxlabel()


def test_a_second_image_or_row_beside_the_first_is_refused(model):
    request = asked(model)
    beside = replace(request, inputs=Inputs((*request.inputs.columns, np.ones((4, 2), np.float32))))
    for analysis in (occlusion, integrated_gradients):
        with pytest.raises(NotApplicable, match="not several backbones side by side"):
            analysis(beside)


def test_columns_with_names_are_called_by_them(model, monkeypatch):
    figures = []
    monkeypatch.setattr(attribution_picture, "png", lambda figure: figures.append(figure) or b"")
    names = ("age", "$cost$", "x" * 30, "service=http")
    occlusion(replace(asked(model, inputs=halves(model)), columns=names))
    shown = {label.get_text() for label in figures[0].axes[0].get_yticklabels()}
    assert shown == {"age", "$cost$", "x" * 21 + "...", "service=http"}
