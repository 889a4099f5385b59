"""Texts -> token ids, with the tokenizer of a checkpoint or one that was fitted.

Columns hold id + 1, for 0 is padding: so no token of padding is needed, which GPT-2 has none of. Raw examples are
texts, pairs of texts, or lists of words; where an answer is written, pairs of prompt and answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from tlbench import ANSWER_TOKENS, BadInputError, FitRequest, PrepareRequest, UsageError
from tlbench.assets import log_once
from tlbench.learning import Columns, Ragged
from tlbench_hf.find import positions_of

MASKS = ("[MASK]", "<mask>")
LONG = 256
"""Positions that are enough for most texts; models with fewer are rare."""
MASKED, MASK, OTHER = 0.15, 0.8, 0.9
"""Part of a text's tokens that is masked; of them 80 % become the mask, 10 % another token (Devlin et al. 2019)."""

SAYS_TOKENS = ("next-token", "masked-token", "continuation")
"""Layouts whose features are those that a language model's own output layer is given."""

Example = str | Sequence[str]


def fit(request: FitRequest, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return whether texts come in pairs that the model tells apart, and the names of the tokens where they are labels.

    `made` is what a new model has in place of a checkpoint's files.
    """
    config = configuration(request.files, made or {})
    pairs = isinstance(next(iter(request.inputs)), tuple) and request.layout != "continuation"
    fitted: dict[str, Any] = {"segments": pairs and int(getattr(config, "type_vocab_size", None) or 1) > 1}
    if request.layout == "pooled" and request.files:
        _say_how_many_are_cut(request, config)
    if request.layout in SAYS_TOKENS:
        tokenizer = tokenizer_of(request.files, made or {})
        fitted["vocabulary"] = said(tokenizer, config, request.layout)
    if request.layout == "masked-token":
        fitted["mask"] = mask_of(tokenizer)
        fitted["special"] = sorted(tokenizer.get_added_tokens_decoder())
    if request.layout in ("pooled", "sequence"):
        fitted["tokens"] = _numbers(tokenizer_of(request.files, made or {}), config.vocab_size)
    return fitted


def _numbers(tokenizer: Tokenizer, count: int) -> dict[str, Any] | None:
    """Return the fields of `TokenNumbers`, for ids + 1; None without a mask token."""
    mask = _mask(tokenizer)
    special = [0, *(1 + place for place in sorted(tokenizer.get_added_tokens_decoder()))]
    return None if mask is None else {"mask": 1 + mask, "special": special, "count": count}


def _say_how_many_are_cut(request: FitRequest, config: Any) -> None:
    """Log how many texts are longer than a model with few positions can read."""
    limit = positions_of(config.to_dict())
    if limit is None or limit >= LONG or int(request.options["max_length"]) < limit:
        return
    encodings = _encoded(tokenizer_of(request.files, {}), list(request.inputs))
    if cut := sum(len(encoding.ids) > limit for encoding in encodings):
        log_once(f"{cut} of {len(encodings)} texts are longer than the {limit} positions of the model, and are cut.")


def configuration(files: Mapping[str, Path], fitted: Mapping[str, Any]) -> Any:
    """Return the configuration of transformers that the files or a new model have.

    Raises `BadInputError` for a model that only its own code could make.
    """
    from transformers import AutoConfig

    if "config" not in files:
        return AutoConfig.for_model(**fitted["config"])
    try:
        return AutoConfig.from_pretrained(files["config"].parent, local_files_only=True, trust_remote_code=False)
    except ValueError as error:
        raise BadInputError(
            f'"{files["config"]}" describes a model that the installed transformers does not support. Code of a '
            f"checkpoint is never run: use another checkpoint or a newer transformers."
        ) from error
    except Exception as error:  # Any error of a field: the library has no class for them.
        raise BadInputError(f'"{files["config"]}" is invalid ({_one_line(error)}): download it again.') from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def tokenizer_of(files: Mapping[str, Path], fitted: Mapping[str, Any]) -> Tokenizer:
    """Return the tokenizer, without padding and truncation.

    Raises `BadInputError` for a damaged file, `UsageError` for a tokenizer that is not made of rules.
    """
    tokenizer = _read(files["tokenizer"]) if "tokenizer" in files else Tokenizer.from_str(fitted["tokenizer"])
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _read(path: Path) -> Tokenizer:
    if path.name != "tokenizer.json":
        return _converted(path.parent)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # The library raises nothing more special.
        raise BadInputError(f'"{path}" cannot be read as a tokenizer ({error}): download it again.') from error


def _converted(folder: Path) -> Tokenizer:
    """Return what transformers makes of the older files of a tokenizer, such as vocab.txt."""
    from transformers import AutoTokenizer

    made = AutoTokenizer.from_pretrained(folder, use_fast=True, local_files_only=True, trust_remote_code=False)
    tokenizer = getattr(made, "backend_tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise UsageError(f'The tokenizer of "{folder.name}" has no fast version: save a tokenizer.json in the folder.')
    return tokenizer


def vocabulary(tokenizer: Tokenizer, size: int) -> list[str]:
    """Return a name for each of `size` outputs, those without a token too."""
    names = {place: token for token, place in tokenizer.get_vocab().items()}
    return [names.get(place, f"no token {place}") for place in range(size)]


def said(tokenizer: Tokenizer, config: Any, layout: str) -> list[str]:
    """Return the names of a language model's outputs; the end of an answer has an empty one."""
    names = vocabulary(tokenizer, config.vocab_size)
    if layout == "continuation":
        names[_end(config)] = ""
    return names


def _end(config: Any) -> int:
    """Return the token that ends a text. Raises `UsageError` if there is none."""
    ends = config.eos_token_id
    end = ends[0] if isinstance(ends, list) and ends else ends
    if not isinstance(end, int):
        raise UsageError("config.json has no eos_token_id: add the token that ends a text.")
    return end


def plain(example: Example) -> str:
    """Return a text, a pair or a list of words as one text."""
    return example if isinstance(example, str) else " ".join(example)


def prepare(request: PrepareRequest) -> Columns:
    """Return token ids + 1; segments of pairs; then as the layout asks positions + 1, and targets. int32, ragged."""
    tokenizer = tokenizer_of(request.files, request.fitted)
    tokenizer.enable_truncation(int(request.options["max_length"]))
    if request.layout == "next-token":
        return _next_tokens(request, tokenizer)
    if request.layout == "continuation":
        return _answers(request, tokenizer)
    words = request.layout == "sequence"
    if words:
        tokenizer.pre_tokenizer = _with_prefix_space(tokenizer)
    encodings = _encoded(tokenizer, _checked(request, words), is_pretokenized=words)
    ids = [encoding.ids for encoding in encodings]
    columns = [Ragged.of([encoding.type_ids for encoding in encodings])] if request.fitted["segments"] else []
    _check_ids(request, ids)
    if words:
        firsts = [_first_pieces(e, len(raw)) for e, raw in zip(encodings, request.inputs, strict=True)]
        columns += [Ragged.of(firsts)]
    elif request.layout == "masked-token":
        ids, places, targets = _masked(encodings, request.fitted)
        columns += [Ragged.of(places), Ragged.of(targets)]
    return Ragged.of([[token + 1 for token in part] for part in ids]), *columns


def _encoded(tokenizer: Tokenizer, inputs: list[Any], **options: bool) -> list[Encoding]:
    """Raises `BadInputError` if a rule of the tokenizer fails on a text, such as a pattern that backtracks too long."""
    try:
        return tokenizer.encode_batch(inputs, **options)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Of Rust. It is no `Exception`, and no module exports it.
            raise
        raise BadInputError(f"The tokenizer failed ({_one_line(error)}): use another checkpoint.") from error


def _checked(request: PrepareRequest, words: bool) -> list[Any]:
    """Return the inputs. Raises `BadInputError` for examples of another form than the layout takes."""
    inputs, form = list(request.inputs), list if words else (str, tuple)
    if not all(isinstance(example, form) for example in inputs):
        raise BadInputError(f"Invalid example: expected a {'list of words' if words else 'text or a pair of texts'}.")
    return inputs


def _check_ids(request: PrepareRequest, ids: Sequence[Sequence[int]]) -> None:
    """Raise `BadInputError` for a token that the model has no embedding of."""
    known = getattr(configuration(request.files, request.fitted), "vocab_size", None)
    highest = max((max(part, default=0) for part in ids), default=0)
    if known is not None and highest >= known:
        raise BadInputError(
            f"The tokenizer gives the token number {highest}, but the model has embeddings of {known} tokens only: use "
            f"the model's own tokenizer, or resize the embeddings (resize_token_embeddings) and train them."
        )


def _with_prefix_space(tokenizer: Tokenizer) -> Any:
    """Return the tokenizer's division into words, byte-level ones with a space before each: as within a sentence."""
    state = json.loads(tokenizer.to_str())
    rules = state["pre_tokenizer"] or {}
    for rule in (rules, *rules.get("pretokenizers", ())):
        if rule.get("type") == "ByteLevel":
            rule["add_prefix_space"] = True
    return Tokenizer.from_str(json.dumps(state)).pre_tokenizer


def _first_pieces(encoding: Encoding, words: int) -> list[int]:
    """Return 1 + the position of each word's first piece; of a word behind the cut, or without one, the last."""
    first: dict[int, int] = {}
    for position, word in enumerate(encoding.word_ids):
        if word is not None:
            first.setdefault(word, position)
    return [1 + first.get(word, max(0, len(encoding.ids) - 1)) for word in range(words)]


def _next_tokens(request: PrepareRequest, tokenizer: Tokenizer) -> Columns:
    """Return the token before each, + 1, and each; before the first stands the model's own start."""
    config = configuration(request.files, request.fitted)
    start = config.bos_token_id if config.bos_token_id is not None else config.eos_token_id
    if start is None:
        raise UsageError("config.json has neither bos_token_id nor eos_token_id: add the token that starts a text.")
    texts = _encoded(tokenizer, [plain(example) for example in request.inputs], add_special_tokens=False)
    _check_ids(request, [text.ids for text in texts])
    before = [[1 + token for token in [start, *text.ids][: len(text.ids)]] for text in texts]
    return Ragged.of(before), Ragged.of([text.ids for text in texts])


def _answers(request: PrepareRequest, tokenizer: Tokenizer) -> Columns:
    """Return ids + 1, marks of the answer, and the ids of the answer, which stands behind a line break.

    A long prompt is cut at its end, a long answer to `ANSWER_TOKENS`.
    """
    tokenizer.no_truncation()
    config = configuration(request.files, request.fitted)
    end = _end(config)
    start = config.bos_token_id if config.bos_token_id is not None else end
    room = int(request.options["max_length"]) - ANSWER_TOKENS
    pairs = [(example, None) if isinstance(example, str) else example for example in request.inputs]
    texts = [prompt for prompt, _ in pairs] + ["\n"] + [answer or "" for _, answer in pairs]
    ids = [encoding.ids for encoding in _encoded(tokenizer, texts, add_special_tokens=False)]
    _check_ids(request, ids)
    prompts, between, answers = ids[: len(pairs)], ids[len(pairs)], ids[len(pairs) + 1 :]
    room -= len(between)
    if room < 1:
        raise BadInputError(
            f"Invalid max_length {request.options['max_length']}: prompt and answer take at least "
            f"{ANSWER_TOKENS + len(between) + 1} tokens."
        )
    columns = []
    for prompt, answer, (_, text) in zip(prompts, answers, pairs, strict=True):
        told = [] if text is None else [*answer, end][:ANSWER_TOKENS]
        before = [start, *prompt[:room], *between]
        marks = [0] * (len(before) - 1) + [1] * max(1, len(told))
        columns.append(([1 + token for token in [*before, *told[:-1]]], marks, told))
    tokens, marked, targets = zip(*columns, strict=True)
    return Ragged.of(tokens), Ragged.of(marked), Ragged.of(targets)


def mask_of(tokenizer: Tokenizer) -> int:
    """Return the mask token. Raises `UsageError` if there is none."""
    mask = _mask(tokenizer)
    if mask is None:
        raise UsageError(f"The tokenizer has no mask token ({' or '.join(MASKS)}): use another checkpoint.")
    return mask


def _mask(tokenizer: Tokenizer) -> int | None:
    return next((int(place) for name in MASKS if (place := tokenizer.token_to_id(name)) is not None), None)


def _masked(
    encodings: Sequence[Encoding], fitted: Mapping[str, Any]
) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Return ids with a part of them masked, always the same; 1 + the places of these, and what stood there."""
    size, special = len(fitted["vocabulary"]), np.array(fitted["special"])
    inputs, places, targets = [], [], []
    for encoding in encodings:
        # A text is masked alike wherever it stands: the draw depends on its tokens.
        ids, random = np.array(encoding.ids), np.random.default_rng(encoding.ids)
        free = np.flatnonzero(~np.isin(ids, special))
        chosen = np.sort(random.choice(free, min(len(free), max(1, round(MASKED * len(free)))), replace=False))
        targets.append(ids[chosen].tolist())
        rule, others = random.random(len(chosen)), random.integers(size, size=len(chosen))
        ids[chosen] = np.where(rule < MASK, fitted["mask"], np.where(rule < OTHER, others, ids[chosen]))
        inputs.append(ids.tolist())
        places.append((chosen + 1).tolist())
    return inputs, places, targets
