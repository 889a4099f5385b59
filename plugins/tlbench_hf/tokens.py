"""Texts -> token ids, with the tokenizer of a checkpoint or one that was fitted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel

from tlbench import ANSWER_TOKENS, BadInputError, FitRequest, PrepareRequest, UsageError
from tlbench.assets import log_once
from tlbench.learning import Columns, Ragged, as_bad_input
from tlbench_hf.encoding import SAYS_TOKENS, encoded, encoder
from tlbench_hf.find import positions_of

SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""Stands for a space in the pieces of SentencePiece."""
MASKS = ("[MASK]", "<mask>")
LONG = 256
"""Positions that are enough for most texts; models with fewer are rare."""


def fit(request: FitRequest, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what `encoding` reads: the tokenizer, how many tokens the model knows, and what the layout asks for.

    `segments` is whether texts come in pairs that the model tells apart; the names of tokens are there if these are
    labels. `made` is what a new model has in place of a checkpoint's files.
    """
    config = configuration(request.files, made or {})
    pairs = isinstance(next(iter(request.inputs)), tuple) and request.layout != "continuation"
    tokenizer = tokenizer_of(request.files, made or {})
    fitted: dict[str, Any] = {
        "tokenizer": tokenizer.to_str(),
        "size": getattr(config, "vocab_size", None),
        "segments": pairs and int(getattr(config, "type_vocab_size", None) or 1) > 1,
    }
    if request.layout == "pooled" and request.files:
        _say_how_many_are_cut(request, config)
    if request.layout in SAYS_TOKENS:
        fitted["vocabulary"] = said(tokenizer, config, request.layout)
    if request.layout == "masked-token":
        fitted["mask"] = mask_of(tokenizer)
        fitted["special"] = sorted(tokenizer.get_added_tokens_decoder())
    if request.layout in ("pooled", "sequence", "context"):
        fitted["tokens"] = _numbers(tokenizer, config.vocab_size)
    if request.layout == "next-token":
        fitted["start"] = _start(config)
    if request.layout == "continuation":
        end = _end(config)
        start = end if config.bos_token_id is None else int(config.bos_token_id)
        fitted |= {"start": start, "end": end, "answer_tokens": ANSWER_TOKENS}
    return fitted


def _start(config: Any) -> int:
    """Return the token before the first. Raises `UsageError` if the configuration names none."""
    start = config.bos_token_id if config.bos_token_id is not None else config.eos_token_id
    if start is None:
        raise UsageError("config.json has neither bos_token_id nor eos_token_id: add the token that starts a text.")
    return int(start)


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
    with as_bad_input():
        encodings = encoded(tokenizer_of(request.files, {}), list(request.inputs))
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
    """Return the names of a language model's outputs.

    For answers they are what a text is made of, which the kind tells from the names alone: the end of an answer has an
    empty one, and tokens that were added to byte-level pieces are spelled in bytes too, if they have other signs than
    ASCII. Raises `UsageError` for pieces that are neither byte-level nor those of SentencePiece.
    """
    names = vocabulary(tokenizer, config.vocab_size)
    if layout != "continuation":
        return names
    if _spelled_in_bytes(tokenizer):
        for place, token in tokenizer.get_added_tokens_decoder().items():
            if place < len(names) and not token.content.isascii():
                names[place] = in_bytes(token.content)
    names[_end(config)] = ""
    return names


def _spelled_in_bytes(tokenizer: Tokenizer) -> bool:
    """Return whether pieces are byte-level, rather than those of SentencePiece with U+2581 for a space.

    Raises `UsageError` for other ones, such as WordPiece: a text cannot be put together of their names.
    """
    state = json.loads(tokenizer.to_str())
    rules = list(_rules(state["pre_tokenizer"])), list(_rules(state["decoder"]))
    types = {rule.get("type") for several in rules for rule in several}
    if "ByteLevel" in types:
        return True
    replaced = any(rule.get("pattern", {}).get("String") == SPACE for rule in rules[1] if rule["type"] == "Replace")
    if "Metaspace" in types or replaced:
        return False
    raise UsageError(
        f'The tokenizer has pieces of "{state["model"]["type"]}", of which no answer can be written. Expected '
        f"byte-level pieces or those of SentencePiece: use another checkpoint."
    )


def _rules(rule: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Yield a rule of a tokenizer, and those that it is a sequence of."""
    if rule:
        yield rule
        for inner in (*rule.get("pretokenizers", ()), *rule.get("decoders", ())):
            yield from _rules(inner)


def in_bytes(text: str) -> str:
    """Return a text as byte-level pieces spell it: a letter for each byte."""
    return "".join(piece for piece, _ in ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text))


def _end(config: Any) -> int:
    """Return the token that ends a text. Raises `UsageError` if there is none."""
    ends = config.eos_token_id
    end = ends[0] if isinstance(ends, list) and ends else ends
    if not isinstance(end, int):
        raise UsageError("config.json has no eos_token_id: add the token that ends a text.")
    return end


def prepare(request: PrepareRequest) -> Columns:
    """Return token ids + 1; segments of pairs; then as the layout asks positions + 1, and targets. int32, ragged."""
    with as_bad_input():
        encode = encoder(request.fitted, request.options, request.layout)
        return tuple(map(Ragged.of, encode(list(request.inputs))))


def mask_of(tokenizer: Tokenizer) -> int:
    """Return the mask token. Raises `UsageError` if there is none."""
    mask = _mask(tokenizer)
    if mask is None:
        raise UsageError(f"The tokenizer has no mask token ({' or '.join(MASKS)}): use another checkpoint.")
    return mask


def _mask(tokenizer: Tokenizer) -> int | None:
    return next((int(place) for name in MASKS if (place := tokenizer.token_to_id(name)) is not None), None)
