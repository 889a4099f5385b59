"""Prompt tuning (Lester et al. 2021): trained vectors before the embedded tokens of a fixed transformer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, Encoder, TransferModel


class Prompted(nn.Module):
    """A transformer that reads its prompt before each text; its states are those of the text alone."""

    def __init__(self, model: Any, length: int) -> None:
        super().__init__()
        self.model, self.first, self.places = model, *positions(model)
        if self.places is not None and self.places <= length:
            raise NotApplicable(f"A prompt of {length} vectors leaves none of the encoder's {self.places} positions.")
        self.prompt = nn.Parameter(0.02 * torch.randn(length, self.table.embedding_dim))

    @property
    def table(self) -> nn.Embedding:
        """The embeddings of the tokens."""
        table: nn.Embedding = self.model.get_input_embeddings()
        return table

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **rest: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        texts, size = len(input_ids), len(self.prompt)
        rest = {name: value for name, value in rest.items() if value is not None}
        for name, value, fill in (
            ("attention_mask", attention_mask, 1),
            ("token_type_ids", rest.get("token_type_ids"), 0),
        ):
            if value is not None:
                rest[name] = torch.cat([value.new_full((texts, size), fill), value], 1)
        if self.places is not None:
            # A model has no more positions than its longest text: the tokens at its end share the last one.
            count = torch.arange(size + input_ids.shape[1], device=input_ids.device)
            rest["position_ids"] = self.first + count.clamp(max=self.places - 1)[None]
        embedded = torch.cat([self.prompt.expand(texts, -1, -1), self.table(input_ids)], 1)
        states = self.model(inputs_embeds=embedded, **rest)[0]
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states[:, size:])


def positions(model: Any) -> tuple[int, int | None]:
    """Return the first position of a transformer and how many it has; None if it is not given positions."""
    count: int | None = getattr(model.config, "max_position_embeddings", None)
    if count is None or "position_ids" not in inspect.signature(model.forward).parameters:
        return 0, None
    tables = (part for part in model.modules() if isinstance(part, nn.Embedding) and part.num_embeddings == count)
    # RoBERTa counts positions from behind the number of its padding token.
    first = max((table.padding_idx + 1 for table in tables if table.padding_idx is not None), default=0)
    return first, count - first


def extend(model: TransferModel, options: Mapping[str, Any]) -> TransferModel:
    """Put a prompt into the transformer of a text encoder. Raises `NotApplicable` for other encoders."""
    name = _transformer_of(model.encoder)
    inner = model.encoder.get_submodule(name)
    device = next(inner.parameters()).device
    model.encoder.set_submodule(name, Prompted(inner, options["length"]).to(device))
    return model


def prompt(request: AdaptRequest) -> TransferModel:
    """Train the prompt, which starts as the embeddings of random tokens, and the head."""
    model = request.model
    (prompted,) = (part for part in model.encoder.modules() if isinstance(part, Prompted))
    drawn = torch.randint(prompted.table.num_embeddings, (len(prompted.prompt),), generator=request.generator)
    with torch.no_grad():
        prompted.prompt.copy_(prompted.table.weight[drawn.to(prompted.prompt.device)])
    model.encoder.requires_grad_(False)
    prompted.prompt.requires_grad_(True)
    request.fit(model, request.target.train)
    return model


def _transformer_of(encoder: Encoder) -> str:
    from transformers import PreTrainedModel

    models: dict[str, Any] = {name: part for name, part in encoder.named_modules() if isinstance(part, PreTrainedModel)}
    inner = [name for name in models if not any(other.startswith(f"{name}.") for other in models)]
    found = [name for name in inner if _reads_tokens(models[name])]
    if len(found) != 1:
        raise NotApplicable("The encoder has no single transformer of the library transformers that reads tokens.")
    return found[0]


def _reads_tokens(model: Any) -> bool:
    try:
        table = model.get_input_embeddings()
    except NotImplementedError:
        return False
    return isinstance(table, nn.Embedding) and "inputs_embeds" in inspect.signature(model.forward).parameters
