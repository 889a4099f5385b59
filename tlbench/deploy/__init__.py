"""ONNX: export, parity with the model it came from, latency, and a folder that is ready to serve."""
