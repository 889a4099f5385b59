"""Methods of the library peft whose updates become a part of the weights: LoRA, DoRA and (IA)^3.

peft is imported where it is used, because that takes many seconds. The encoder is in training mode, as in full
fine-tuning: dropout is on, and BatchNorm takes the target's statistics.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from torch import nn

from tlbench.learning import AdaptRequest, TransferModel
from tlbench_peft.layers import adaptable, by_output, is_linear, last_layers


def lora(request: AdaptRequest) -> TransferModel:
    """Train B and A of W + alpha / r B A in each layer, and the head; B starts as 0."""
    return _low_rank(request, adaptable(request.model.encoder))


def dora(request: AdaptRequest) -> TransferModel:
    """Train m, B and A of m (W + alpha / r B A) / |W + alpha / r B A|; a row of 0 has no direction."""
    layers = adaptable(request.model.encoder)
    layers = {name: layer for name, layer in layers.items() if by_output(layer).flatten(1).norm(dim=1).all()}
    return _low_rank(request, layers, use_dora=True)


def ia3(request: AdaptRequest) -> TransferModel:
    """Train a factor for each input of the last linear layer of a block, and for each output of the others.

    Of convolutions the inputs are scaled: BatchNorm behind them would undo a factor of the outputs.
    """
    from peft import IA3Config

    layers = adaptable(request.model.encoder, convolutions=[nn.Conv2d])  # peft has it for no Conv1d.
    last = last_layers(request.model.encoder, layers)
    inputs = [name for name, layer in layers.items() if name in last or not is_linear(layer)]
    return _merged(request, IA3Config(target_modules=_exactly(layers), feedforward_modules=_exactly(inputs)))


def _low_rank(request: AdaptRequest, layers: Iterable[str], use_dora: bool = False) -> TransferModel:
    from peft import LoraConfig

    rank, alpha = request.options["rank"], request.options["alpha"]
    return _merged(request, LoraConfig(r=rank, lora_alpha=alpha, target_modules=_exactly(layers), use_dora=use_dora))


def _merged(request: AdaptRequest, config: Any) -> TransferModel:
    """Put what the config says into the encoder, train it and the head, and merge."""
    from peft import get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a layer of GPT-2 is stored transposed, which peft finds by itself
        tuned = get_peft_model(request.model.encoder, config)
    request.fit(request.model, request.target.train)
    tuned.merge_and_unload()
    return request.model


def _exactly(names: Iterable[str]) -> str:
    """Return a pattern for these modules alone: of a list of names peft also takes modules that end like one."""
    return "|".join(map(re.escape, names))
