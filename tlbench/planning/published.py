"""Published models that `tlbench fetch` brings, by the names of their backbones."""

from __future__ import annotations

from collections.abc import Iterable

from tlbench.assets.checkpoints import is_local_checkpoint, is_published_checkpoint
from tlbench.assets.registry import MODELS, DataSet, read_origin
from tlbench.contract.backbone_specs import BackboneFamily
from tlbench.errors import ContractError, MissingDataError


def published_models(families: Iterable[BackboneFamily]) -> dict[str, DataSet]:
    """Return the published models of families by backbone. Raises `ContractError` for an invalid description."""
    models = {}
    for family in families:
        for path in family.origins:
            data_set = read_origin(path)
            if not data_set.model:
                raise ContractError(f'Invalid folder "{data_set.folder}" in "{path}": expected {MODELS}/NAME.')
            models[f"{family.name}/{data_set.model}"] = data_set
    return models


def fetched_model(family: BackboneFamily, backbone: str) -> DataSet | None:
    """Return the published model that a backbone is, or None if it is none of them, as with a user's own of that name.

    Raises `MissingDataError`, which says how to download it, if it is not on this machine.
    """
    model = published_models([family]).get(backbone)
    if model and not is_local_checkpoint(model.model):
        raise MissingDataError(
            f'The model "{backbone}" is not in TLBENCH_DATA ({model.folder}). To download it: tlbench fetch {backbone}'
        )
    return model if model and is_published_checkpoint(model.model) else None
