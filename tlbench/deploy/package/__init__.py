"""A row's model, ready to serve: the ONNX file with what it needs, a runnable example and a model card."""
