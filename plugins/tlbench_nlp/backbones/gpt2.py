"""A small GPT-2 (Radford et al. 2019) over byte pairs learnt from source training text; it writes answers to prompts.

It is transformers' GPT2Model with random weights. Raw examples are pairs of prompt and answer; features are those from
which each piece of the answer is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from transformers import GPT2Config, GPT2Model

from tlbench import BuildRequest, FitRequest, PrepareRequest
from tlbench.learning import Columns, Encoder, Ragged, as_bad_input
from tlbench_nlp.pieces import learn_pieces
from tlbench_nlp.preprocess import ANSWER, END, Continued


def fit(request: FitRequest) -> dict[str, Any]:
    """Return a tokenizer as JSON, its pieces learnt from prompts and answers, and their names."""
    texts = (text for example in request.inputs for text in _texts(example))
    tokenizer = learn_pieces(texts, int(request.options["vocabulary"]), (END, ANSWER))
    names = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    return {"tokenizer": tokenizer.to_str(), "vocabulary": ["", *names[1:]]}


def _texts(example: str | Sequence[str]) -> Sequence[str]:
    return (example,) if isinstance(example, str) else example


def prepare(request: PrepareRequest) -> Columns:
    """Return ids + 1, marks of the answer, and the ids of the answer; int32, ragged."""
    with as_bad_input():
        continued = Continued(request.fitted, request.options)
    tokens, marks, told = zip(*map(continued, request.inputs), strict=True)
    return Ragged.of(tokens), Ragged.of(marks), Ragged.of(told)


def build(request: BuildRequest) -> Encoder:
    """Return the decoder."""
    return SmallGpt2(request.fitted, request.options)


class SmallGpt2(Encoder):
    """Ids + 1 `(N, T)` and marks `(N, T)` -> features `(N, T, D)`; marked positions are units."""

    def __init__(self, fitted: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        super().__init__()
        self.feature_dim = int(options["hidden"])
        dropout = float(options["dropout"])
        config = GPT2Config(
            vocab_size=len(fitted["vocabulary"]),
            n_embd=self.feature_dim,
            n_layer=int(options["layers"]),
            n_head=4,
            n_inner=2 * self.feature_dim,
            n_positions=int(options["max_length"]),
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
            use_cache=False,
        )
        self.decoder = GPT2Model(config)

    def forward(self, ids: Tensor, marks: Tensor) -> Tensor:
        mask = (ids > 0).long()
        states: Tensor = self.decoder(input_ids=(ids.long() - 1).clamp(min=0), attention_mask=mask).last_hidden_state
        return states

    def units(self, *inputs: Tensor) -> Tensor | None:
        return inputs[1] > 0
