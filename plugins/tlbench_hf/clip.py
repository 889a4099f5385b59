"""CLIP (Radford et al. 2021, arXiv:2103.00020): vectors of images and of texts in one space."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tlbench import Array, LabelsRequest
from tlbench_hf.load import load
from tlbench_hf.tokens import configuration, tokenizer_of

PROJECTED = "CLIPVisionModelWithProjection"
"""What the tower of images is called with the matrix that takes its features into the common space."""


def is_projected(config: Any) -> bool:
    """Return whether a configuration is that of a whole CLIP, or of a tower of images with its projection."""
    return config.model_type == "clip" or PROJECTED in (config.architectures or ())


def encode_labels(request: LabelsRequest) -> Array:
    """Return the vector of each name in the common space, `(C, P)`, by the tower of texts, which is never trained."""
    import transformers

    config = configuration(request.files, request.fitted)
    texts = config.text_config
    texts.projection_dim = config.projection_dim
    model, _ = load(transformers.CLIPTextModelWithProjection, request.files, texts, request.options)
    tokenizer = tokenizer_of(request.files, request.fitted)
    tokenizer.enable_truncation(texts.max_position_embeddings)
    encodings = tokenizer.encode_batch(list(request.names))
    model.eval()
    with torch.no_grad():  # One by one: what a batch is padded with differs between tokenizers.
        vectors = [model(input_ids=torch.tensor([encoding.ids])).text_embeds[0] for encoding in encodings]
    return np.stack([vector.numpy() for vector in vectors])
