"""The model whose latency stands for the speed of a machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def reference_model(folder: Path) -> Path:
    """Write the reference model: three 3x3 convolutions on a 32 x 32 image and a linear layer, fixed weights."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    random = np.random.default_rng(0)
    channels = (1, 16, 32, 32)
    nodes, weights, last = [], [], "image"
    for layer in range(3):
        weight = random.normal(0, 0.1, (channels[layer + 1], channels[layer], 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"weight_{layer}"))
        nodes.append(helper.make_node("Conv", [last, f"weight_{layer}"], [f"conv_{layer}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv_{layer}"], [f"relu_{layer}"]))
        last = f"relu_{layer}"
    weights.append(numpy_helper.from_array(random.normal(0, 0.1, (32, 10)).astype(np.float32), "weight_out"))
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "weight_out"], ["outputs"]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 32, 32])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model)
    path = folder / "reference.onnx"
    save(model, path)
    return path
