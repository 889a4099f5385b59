"""Encoders of texts: any encoder or decoder of transformers, with the pooling rule as an option.

Features are one a text (`mean` over its tokens, `cls`, the first, or `last`, which in a decoder has read all others),
one a word (its first piece), one a word of the context of a question, or one a token that is to be said: what the
model's own output layer is given.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tlbench import (
    Array,
    BadInputError,
    BuildRequest,
    LabelsRequest,
    OwnHead,
    PrepareRequest,
    SaveRequest,
    UnknownNameError,
    UsageError,
)
from tlbench.learning import Encoder, Inputs, TokenNumbers, TransferModel, blocks_of, encode
from tlbench_hf.encoding import SAYS_TOKENS
from tlbench_hf.find import positions_of
from tlbench_hf.load import auto_class, covered, load, write
from tlbench_hf.tokens import configuration, prepare, said, tokenizer_of

POOLINGS = ("mean", "cls", "last")
CAUSAL = ("next-token", "continuation")
"""Layouts of decoders alone."""


def build(request: BuildRequest) -> Encoder:
    """Return the encoder. Raises `UnknownNameError` for an unknown pooling."""
    pooling = str(request.options["pooling"])
    if pooling not in POOLINGS:
        raise UnknownNameError("pooling", pooling, POOLINGS)
    config = configuration(request.files, request.fitted)
    positions = positions_of(config.to_dict())
    if positions and int(request.options["max_length"]) > positions:
        raise UsageError(
            f"Invalid max_length {request.options['max_length']}: the model has only {positions} positions."
        )
    model, lacking = load(auto_class(request.layout), request.files, config, request.options)
    coverage = covered(model, lacking)
    encoder = TextEncoder(model, request.layout, pooling, segments=bool(request.fitted["segments"]))
    encoder.coverage = coverage
    if known := request.fitted.get("tokens"):
        encoder.token_numbers = TokenNumbers(known["mask"], tuple(known["special"]), known["count"])
    return encoder


class TextEncoder(Encoder):
    """Token ids + 1 `(N, T)`, segments `(N, T)`, positions + 1 `(N, W)` -> features `(N, D)` or `(N, W, D)`.

    In the layout `context` W counts the words of the context, else those of the text.
    """

    def __init__(self, model: Any, layout: str, pooling: str, segments: bool) -> None:
        super().__init__()
        self.layout, self.pooling, self.segments = layout, pooling, segments
        self.padding = model.config.pad_token_id or 0
        self.feature_dim = model.config.hidden_size
        if layout in SAYS_TOKENS:
            self.feature_dim = cut_output(model).in_features
        self.model = model

    def forward(self, ids: Tensor, *rest: Tensor) -> Tensor:
        mask = _attended(ids)
        states = self._states(ids, mask, rest)
        if self.layout in CAUSAL:
            return states
        return self.pooled(states, mask) if self.layout == "pooled" else _at(states, rest[-1].long() - 1)

    def token_states(self, *inputs: Tensor) -> Tensor:
        return self._states(inputs[0], _attended(inputs[0]), inputs[1:])

    def _states(self, ids: Tensor, mask: Tensor, rest: Sequence[Tensor]) -> Tensor:
        pieces = torch.where(ids > 0, ids - 1, self.padding).long()
        segments = {"token_type_ids": rest[0].long()} if self.segments else {}
        states: Tensor = self.model(input_ids=pieces, attention_mask=mask, **segments)[0]
        return states

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the feature `(N, D)` of each text."""
        if self.pooling == "mean":
            return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return states[:, 0] if self.pooling == "cls" else _at(states, mask.sum(1, keepdim=True) - 1)[:, 0]

    def blocks(self) -> list[nn.Module]:
        """Return embeddings and layers; a `final` normalisation, as OPT has it, runs last wherever it is registered."""
        final = {id(part) for name, part in self.named_modules() if name.rpartition(".")[2].startswith("final_")}
        return sorted(blocks_of(self), key=lambda block: id(block) in final)

    def units(self, *inputs: Tensor) -> Tensor | None:
        if self.layout == "pooled":
            return None
        return inputs[0 if self.layout == "next-token" else -1] > 0  # The last are marks, or places + 1.


def _attended(ids: Tensor) -> Tensor:
    """Return which positions are attended to, 1 or 0."""
    # An empty text still has one: a softmax over nothing is no number.
    first = torch.arange(ids.shape[1], device=ids.device) == 0
    return ((ids > 0) | first).long()


def _at(states: Tensor, positions: Tensor) -> Tensor:
    """Return the states `(N, W, D)` at positions `(N, W)`; those that stand for padding read the first."""
    return states.gather(1, positions.clamp(min=0)[..., None].expand(-1, -1, states.shape[2]))


def encode_labels(request: LabelsRequest) -> Array:
    """Return the feature of each name as a text by itself, `(C, D)`, by the pooling rule whatever the layout."""
    pooled = copy.copy(request.encoder)  # Of the same weights.
    pooled.layout = "pooled"
    names = PrepareRequest(
        inputs=request.names, fitted=request.fitted, layout="pooled", options=request.options, files=request.files
    )
    return encode(TransferModel(pooled, {}), Inputs(prepare(names)))


def cut_output(model: Any) -> nn.Linear:
    """Take the output layer out of a language model and return it: what is left gives the layer's inputs."""
    output = model.get_output_embeddings()
    if not isinstance(output, nn.Linear):
        raise UsageError(
            f"The output layer of {type(model).__name__} is not linear: use a model with a linear output layer."
        )
    name = next(name for name, module in model.named_modules() if module is output)
    model.set_submodule(name, nn.Identity())
    for module in list(model.modules()):  # BERT keeps a second name for the bias, which nothing uses now.
        for own, parameter in list(module._parameters.items()):
            if parameter is output.bias and parameter is not None:
                module.register_parameter(own, None)
    return output


def own_head(request: BuildRequest) -> OwnHead:
    """Return the language model's output layer with the names of the tokens. Raises `UsageError` for other layouts."""
    if request.layout not in SAYS_TOKENS:
        raise UsageError("The checkpoint's own head works only for language modelling: use --set source.mode=probe.")
    config = configuration(request.files, request.fitted)
    model, lacking = load(auto_class(request.layout), request.files, config, request.options)
    own = {f"{name}.weight" for name, module in model.named_modules() if module is model.get_output_embeddings()}
    if own & lacking:
        raise BadInputError("The checkpoint has no output layer of its own: use --set source.mode=probe.")
    output = cut_output(model)
    head = nn.Linear(output.in_features, output.out_features)
    with torch.no_grad():
        head.weight.copy_(output.weight)
        head.bias.copy_(output.bias if output.bias is not None else torch.zeros_like(head.bias))
    return OwnHead(head=head, labels=said(tokenizer_of(request.files, request.fitted), config, request.layout))


def save(request: SaveRequest) -> None:
    """Write config.json, model.safetensors and the tokenizer; a language model with its head, others without."""
    from transformers import PreTrainedTokenizerFast

    encoder = request.encoder
    assert isinstance(encoder, TextEncoder)
    model = encoder.model
    if request.layout in SAYS_TOKENS:
        assert isinstance(request.head, nn.Linear)
        model = _whole(model, request.layout, request.head)
    write(model, request.folder)
    tokenizer = tokenizer_of(request.files, request.fitted)
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    special |= {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    known = {role: token for role, token in special.items() if tokenizer.token_to_id(token) is not None}
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **known)  # type: ignore[no-untyped-call]
    made.save_pretrained(request.folder)


def _whole(model: Any, layout: str, head: nn.Linear) -> Any:
    """Return the language model with its output layer back in place; embeddings and outputs are no longer one."""
    config = type(model.config).from_dict({**model.config.to_dict(), "tie_word_embeddings": False})
    whole, _ = load(auto_class(layout), {}, config)
    whole.load_state_dict(model.state_dict(), strict=False)
    output = whole.get_output_embeddings()
    with torch.no_grad():
        output.weight.copy_(head.weight)
        if output.bias is not None:
            output.bias.copy_(head.bias)
    return whole
