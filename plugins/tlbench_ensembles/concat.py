"""`concat/A+B`: the features of two backbones of one modality, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from tlbench import BackboneSpec, Checkpoint, UsageError, deferred

SIDES = ("first", "second")
LAYOUTS = ("pooled", "sequence")
"""Those in which two encoders give as many features for an example: one, or one for each word."""
Parts = tuple[BackboneSpec, BackboneSpec]


def find(name: str, backbone: Callable[[str], BackboneSpec]) -> BackboneSpec:
    """Return the backbone `A+B`, given what returns any backbone by its name.

    Raises `UsageError` for another form of name and for backbones that do not fit together.
    """
    names = name.split("+")
    if len(names) != 2 or not all(names):
        raise UsageError(
            f'Invalid backbone "concat/{name}": use concat/A+B with the names of two backbones, such as '
            f"concat/image/resnet-small+image/resnet-strided."
        )
    first, second = map(backbone, names)
    if first.modality != second.modality:
        raise UsageError(
            f'"concat/{name}" joins different modalities: "{first.name}" takes {first.modality} inputs, '
            f'"{second.name}" {second.modality} inputs. Use two backbones of one modality.'
        )
    layouts = tuple(layout for layout in LAYOUTS if layout in first.layouts and layout in second.layouts)
    if not layouts:
        raise UsageError(
            f'"concat/{name}" joins {" or ".join(LAYOUTS)} features that both backbones give; "{first.name}" gives '
            f'{", ".join(first.layouts)}, "{second.name}" {", ".join(second.layouts)}. Use others.'
        )
    return replace(_joined((first, second)), layouts=layouts)


def _joined(parts: Parts) -> BackboneSpec:
    first, second = parts
    varied = first.augment and second.augment
    return BackboneSpec(
        name=f"concat/{first.name}+{second.name}",
        modality=first.modality,
        title=f"{first.title} + {second.title}",
        summary="Features of two backbones side by side; defaults of training are those of the first.",
        parts=parts,
        traits=_traits(parts),
        recipe=first.recipe,
        licence="; ".join(dict.fromkeys(filter(None, (first.licence, second.licence)))),
        requires=tuple(dict.fromkeys((*first.requires, *second.requires))),
        extra=first.extra if first.extra == second.extra else "",
        options=tuple(
            replace(option, name=f"{side}_{option.name}")
            for side, part in zip(SIDES, parts, strict=True)
            for option in part.options
        ),
        checkpoint=partial(checkpoint, parts) if first.checkpoint or second.checkpoint else None,
        fit=partial(deferred("tlbench_ensembles.joined", "fit"), parts),
        prepare=partial(deferred("tlbench_ensembles.joined", "prepare"), parts),
        build=partial(deferred("tlbench_ensembles.joined", "build"), parts),
        augment=partial(deferred("tlbench_ensembles.joined", "augment"), parts) if varied else None,
        augments_on_device=first.augments_on_device and second.augments_on_device,
    )


def _traits(parts: Parts) -> tuple[str, ...]:
    """Return `batchnorm` if one part has such layers, `scales` if both do; what others mean of a pair is not known."""
    first, second = (set(part.traits) for part in parts)
    return tuple(sorted(({"batchnorm"} & (first | second)) | ({"scales"} & first & second)))


def of_side(side: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options or files of one part, by the names that they have there."""
    return {name.removeprefix(f"{side}_"): value for name, value in named.items() if name.startswith(f"{side}_")}


def checkpoint(parts: Parts, options: Mapping[str, Any]) -> Checkpoint:
    """Return the files of both checkpoints, as `first_ROLE` and `second_ROLE`."""
    sides = zip(SIDES, parts, strict=True)
    found = {side: part.checkpoint(of_side(side, options)) for side, part in sides if part.checkpoint}
    files = {f"{side}_{role}": path for side, one in found.items() for role, path in one.files.items()}
    # By this role the host knows a pre-trained model; it is left out where an encoder is to start at random.
    for one in found.values():
        if one.pretrained:
            files["weights"] = one.files["weights"]
    return Checkpoint(files=files, origin=" + ".join(one.origin for one in found.values()))
