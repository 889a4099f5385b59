"""The classifier of a checkpoint of timm, with the names of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import timm
import torch
from timm.data.imagenet_info import ImageNetInfo
from timm.data.imagenet_info import infer_imagenet_subset as imagenet_subset
from torch import Tensor, nn

from tlbench import BadInputError, BuildRequest, OwnHead
from tlbench.assets import check_coverage, check_finite_weights
from tlbench_vision.backbones.timm_model import features_of, names_of, pretrained_config, source_of, state_for


def own_head(name: str, request: BuildRequest) -> OwnHead:
    """Return the checkpoint's classifier of ImageNet. Its labels are numbers of WordNet, its aliases their words.

    Raises `BadInputError` for a checkpoint without one, for one of another number of classes, and for one whose weights
    are not finite or lack the bias. With the option `partial` a bias that lacks is zero.
    """
    source = source_of(name, request.files)
    model, probe = timm.create_model(source, num_classes=0), "use --set source.mode=probe."
    layers = names_of(pretrained_config(source).get("classifier"))
    state = state_for(model, request) if "weights" in request.files else {}
    weight = state.get(f"{layers[0]}.weight") if len(layers) == 1 else None
    if weight is None or weight.ndim != 2 or weight.shape[1] != features_of(model):
        raise BadInputError(f'"{name}" has no linear classifier among its weights: {probe}')
    classes = imagenet_subset({"num_classes": len(weight)})
    if classes is None:
        raise BadInputError(f'The classifier of "{name}" has {len(weight)} outputs, which fit no ImageNet: {probe}')
    bias = _bias(state, f"{layers[0]}.bias", weight, request)
    check_finite_weights({f"{layers[0]}.weight": weight, f"{layers[0]}.bias": bias}, request.files["weights"].name)
    known = ImageNetInfo(classes)
    head = nn.Linear(weight.shape[1], len(weight))
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    labels: list[str] = known.label_names()  # type: ignore[no-untyped-call]
    return OwnHead(head=head, labels=labels, aliases=_words(labels, known.label_descriptions()))


def _bias(state: Mapping[str, Tensor], name: str, weight: Tensor, request: BuildRequest) -> Tensor:
    bias = state.get(name)
    shaped = bias is not None and bias.shape == weight.shape[:1]
    check_coverage(
        request.files["weights"].name,
        missing=[name] if bias is None else [],
        reshaped=[] if bias is None or shaped else [name],
        further=[],
        partial=bool(request.options["partial"]),
    )
    return bias if bias is not None and shaped else torch.zeros(len(weight))


def _words(names: Sequence[str], described: Iterable[str]) -> dict[str, str]:
    """Return the label of each word, also with `_` for spaces; one of two classes, such as crane, stands for none."""
    labels: dict[str, set[str]] = {}
    for label, words in zip(names, described, strict=True):
        for word in words.split(", "):
            for written in {word, word.replace(" ", "_")}:
                labels.setdefault(written, set()).add(label)
    return {word: min(found) for word, found in labels.items() if len(found) == 1}
