from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from support import units
from torch import Tensor, nn

from tlbench import CLASSIFICATION, BuildRequest, FitRequest, PrepareRequest
from tlbench.deploy.export import SENTINEL, TOLERANCE, Gap, check_parity, export_model, flips, run_session
from tlbench.deploy.onnx_graph import export_graph, fill, structure, unused_parameters, write_model
from tlbench.deploy.session import open_session
from tlbench.errors import ParityError
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.targets import Targets

KIND = CLASSIFICATION.create()


def labelled(inputs):
    """Inputs with label 0 each: the parity of outputs asks for no others."""
    return Examples(inputs, Targets.of(np.zeros(len(inputs), int)))


class Normed(Encoder):
    feature_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(6, 8), nn.BatchNorm1d(8)
        self.register_buffer("mean", torch.zeros(6))

    def forward(self, rows: Tensor) -> Tensor:
        return torch.relu(self.norm(self.linear(rows - self.mean)))


def normed(seed):
    """A model whose weights and running statistics are the seed's."""
    torch.manual_seed(seed)
    encoder = Normed()
    encoder.mean.normal_()
    encoder.train()(torch.randn(32, 6) * 3)
    return TransferModel(encoder, {"source": nn.Linear(8, 2), "target": nn.Linear(8, 3)}).eval()


@pytest.fixture(scope="module")
def rows():
    return Inputs((np.random.default_rng(0).normal(size=(70, 6)).astype(np.float32),))


@pytest.fixture(scope="module")
def graph(rows, tmp_path_factory):
    """The shared graph of the architecture, exported from one model of it."""
    path = tmp_path_factory.mktemp("graph") / "graph.onnx"
    export_graph(normed(0), rows, path)
    return path


def outputs_of(path, inputs):
    return run_session(open_session(path, "cpu", 1), inputs.batch(np.arange(len(inputs))))


def test_a_graph_with_weights_put_in_by_name_equals_an_ordinary_export(graph, rows, tmp_path):
    model = normed(1)
    write_model(fill(onnx.load(graph), model, rows), tmp_path / "filled.onnx")
    export_graph(model, rows, tmp_path / "ordinary.onnx", optimize=True)
    filled, ordinary = (outputs_of(tmp_path / f"{name}.onnx", rows) for name in ("filled", "ordinary"))
    np.testing.assert_allclose(filled, ordinary, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(filled, model(*rows.batch(np.arange(70))).units, rtol=1e-5, atol=1e-6)
    assert np.abs(filled - outputs_of(graph, rows)).max() > 0.1


def test_exporting_leaves_the_model_as_it_was(rows, tmp_path):
    model = normed(0).train()
    export_graph(model, rows, tmp_path / "graph.onnx")
    assert model.training


def test_the_structure_of_a_graph_does_not_depend_on_its_weights(graph, tmp_path):
    for seed in (1, 2):
        write_model(fill(onnx.load(graph), normed(seed), rows), tmp_path / f"{seed}.onnx")
    assert structure(tmp_path / "1.onnx") == structure(tmp_path / "2.onnx") != structure(graph)
    assert (tmp_path / "1.onnx").read_bytes() != (tmp_path / "2.onnx").read_bytes()


def test_a_written_file_names_no_file_of_the_machine(graph, tmp_path):
    """The exporter notes stack traces on nodes; they would publish where somebody works."""
    write_model(fill(onnx.load(graph), normed(1), rows), tmp_path / "model.onnx")
    assert b".py" in graph.read_bytes()
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()


def test_a_filled_graph_is_the_same_bytes_every_time(graph, tmp_path):
    for name in "ab":
        write_model(fill(onnx.load(graph), normed(1), rows), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_graph_that_lacks_a_parameter_or_has_another_shape_is_refused(graph, rows):
    model = normed(1)
    model.heads["target"] = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3))
    with pytest.raises(ParityError, match=r"no weights named head\.0\.bias, head\.0\.weight, head\.1\.bias"):
        fill(onnx.load(graph), model, rows)
    model = normed(1)
    model.heads["target"] = nn.Linear(8, 5)
    with pytest.raises(ParityError, match=r"head\.\w+ has the shape \[3"):
        fill(onnx.load(graph), model, rows)


def test_a_parameter_that_the_outputs_do_not_depend_on_needs_no_place_in_the_graph(graph, rows, tmp_path):
    model = normed(1)
    model.encoder.extra = nn.Linear(2, 2)
    assert unused_parameters(model, rows) == {"encoder.extra.weight", "encoder.extra.bias"}
    parity = export_model(model, graph, labelled(rows), KIND, tmp_path / "model.onnx", "cpu", 1)
    export_model(normed(1), graph, labelled(rows), KIND, tmp_path / "without.onnx", "cpu", 1)
    assert parity.relative < 1e-5
    assert structure(tmp_path / "model.onnx") == structure(tmp_path / "without.onnx")


def test_a_model_is_written_with_its_parity(graph, rows, tmp_path):
    model = normed(3)
    parity = export_model(model, graph, labelled(rows), KIND, tmp_path / "model.onnx", "cpu", 1)
    assert parity.relative < 1e-5
    assert parity.flips == 0
    served = KIND.postprocess.predict(units(outputs_of(tmp_path / "model.onnx", rows)))
    np.testing.assert_allclose(served, parity.predictions.values, rtol=1e-5, atol=1e-6)


def test_a_shared_graph_that_does_not_fit_is_replaced_by_an_export_of_the_model_s_own(graph, rows, tmp_path):
    """The graph computes something else although every name and shape is right."""
    other = onnx.load(graph)
    (relu,) = [node for node in other.graph.node if node.op_type == "Relu"]
    relu.op_type = "Sigmoid"
    onnx.save(other, tmp_path / "other.onnx")
    write_model(fill(other, normed(1), rows), tmp_path / "filled.onnx")
    with pytest.raises(ParityError, match="outputs differ by"):
        check_parity(normed(1), tmp_path / "filled.onnx", labelled(rows), KIND, "cpu", 1)
    parity = export_model(normed(1), tmp_path / "other.onnx", labelled(rows), KIND, tmp_path / "model.onnx", "cpu", 1)
    assert parity.relative < 1e-5


@pytest.mark.parametrize("layout", ["pooled", "sequence"])
def test_a_text_graph_serves_other_lengths_than_it_was_made_with(layout, tmp_path):
    bert = pytest.importorskip("tlbench_nlp.backbones.bert")
    options = {"vocabulary": 400, "max_length": 80, "hidden": 8, "layers": 1, "dropout": 0.1}
    sentences = [f"word{i % 7} and word{i % 5} again".split() * (1 + i % 4) for i in range(9)]
    fitted = bert.fit(FitRequest(inputs=sentences, options=options))
    raw = sentences if layout == "sequence" else [" ".join(words) for words in sentences]
    request = PrepareRequest(inputs=raw, fitted=fitted, layout=layout, options=options)
    encoder = bert.build(BuildRequest(fitted=fitted, layout=layout, options=options))
    model, inputs = TransferModel(encoder, {"target": nn.Linear(8, 3)}).eval(), Inputs(bert.prepare(request))
    export_graph(model, inputs, tmp_path / "graph.onnx")
    parity = export_model(model, tmp_path / "graph.onnx", labelled(inputs), KIND, tmp_path / "model.onnx", "cpu", 1)
    assert parity.relative < 1e-5
    session = open_session(tmp_path / "model.onnx", "cpu", 1)
    lengths = {inputs.batch(np.array([i]))[0].shape[1] for i in range(4)}
    assert len(lengths) == 4
    for place in range(4):
        batch = inputs.batch(np.array([place]))
        with torch.no_grad():
            expected = model.heads["target"](model.encoder(*batch))
        np.testing.assert_allclose(run_session(session, batch), expected, rtol=1e-4, atol=1e-5)


# The gate


def compare(onnx_outputs, eager_outputs):
    gap, decide = Gap(), KIND.postprocess.decide
    gap.add(onnx_outputs, eager_outputs)
    return gap.relative(), flips(decide(units(onnx_outputs)), decide(units(eager_outputs)))


EAGER = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 1.0 - 1e-5, 0.0]], np.float32)


def test_equal_outputs_pass():
    assert compare(EAGER, EAGER) == (0.0, 0)


def test_a_difference_within_the_tolerance_is_reported():
    onnx_outputs = EAGER.copy()
    onnx_outputs[0, 0] += 0.5 * TOLERANCE * 3
    assert compare(onnx_outputs, EAGER)[0] == pytest.approx(0.5 * TOLERANCE, rel=1e-2)


def test_a_perturbed_output_fails():
    onnx_outputs = EAGER.copy()
    onnx_outputs[1, 2] += 2 * TOLERANCE * 3
    with pytest.raises(ParityError, match=r"outputs differ by 2\.0e-04 of the largest; 1e-04 is allowed"):
        compare(onnx_outputs, EAGER)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2 * SENTINEL, -2 * SENTINEL])
def test_a_sentinel_fails_even_where_both_agree(value):
    outputs = EAGER.copy()
    outputs[0, 2] = value
    with pytest.raises(ParityError, match="not finite or are huge"):
        compare(outputs, outputs)


def test_a_decision_may_flip_at_a_near_tie():
    """The margin is 1e-5, the largest difference of that unit 1.2e-5: at most twice."""
    onnx_outputs = EAGER.copy()
    onnx_outputs[2] = [1.0 - 1.2e-5, 1.0, 0.0]
    assert compare(onnx_outputs, EAGER)[1] == 1


def test_a_decision_that_flips_at_no_tie_fails():
    onnx_outputs = EAGER.copy()
    onnx_outputs[1] = [0.0, 1.4, 1.6]
    with pytest.raises(ParityError, match="outputs differ by"):
        compare(onnx_outputs, EAGER)


def test_one_output_alone_decides_nothing():
    assert compare(EAGER[:, :1], EAGER[:, :1])[1] == 0


def test_decisions_of_whole_examples_are_compared_as_wholes():
    assert flips([np.array([1, 2]), np.array([], int), "ab"], [np.array([1, 2]), np.array([3]), "ac"]) == 2


def test_the_largest_difference_and_output_are_of_different_batches():
    gap = Gap()
    gap.add(EAGER[:1] + 1e-5, EAGER[:1])
    gap.add(EAGER[1:] * 100, EAGER[1:] * 100)
    assert gap.relative() == pytest.approx(1e-5 / 200, rel=1e-2)
