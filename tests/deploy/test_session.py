from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tlbench.deploy.session import ProviderError, open_session
from tlbench.errors import TlbenchError


@pytest.fixture
def doubling(tmp_path):
    """A model that adds its input to itself."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", value[:1], value[1:])
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "doubling.onnx")
    return tmp_path / "doubling.onnx"


def test_a_session_runs_on_the_processor_with_the_threads_asked_for(doubling):
    session = open_session(doubling, "cpu", 1)
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert session.get_session_options().intra_op_num_threads == 1
    np.testing.assert_array_equal(session.run(None, {"x": np.ones((3, 2), np.float32)})[0], 2)


def test_a_path_may_be_no_utf8(doubling):
    session = open_session(doubling.rename(doubling.with_name(os.fsdecode(b"caf\xe9.onnx"))), "cpu", 1)
    np.testing.assert_array_equal(session.run(None, {"x": np.ones((1, 2), np.float32)})[0], 2)


def test_a_provider_that_falls_back_silently_is_an_error(doubling, monkeypatch):
    """ONNX Runtime warns and goes on on the processor where CUDA's libraries cannot be loaded."""
    fallen = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *args, **keywords: fallen)
    message = "cannot load CUDAExecutionProvider: it would run on CPUExecutionProvider"
    with pytest.raises(ProviderError, match=message) as raised:
        open_session(doubling, "cuda", 1)
    assert isinstance(raised.value, TlbenchError)


def test_cuda_where_there_is_none_is_an_error(doubling):
    from tlbench.planning import fingerprints

    if fingerprints.graphics():
        pytest.skip("a CUDA device is visible")
    with pytest.raises(ProviderError, match="CUDAExecutionProvider"):
        open_session(doubling, "cuda", 1)
