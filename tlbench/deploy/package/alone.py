"""Modules that are copied beside an export, where nothing but the standard library and numpy is found."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tlbench.deploy.package.carried import ALLOWED, imported, source_of
from tlbench.errors import ContractError

if TYPE_CHECKING:
    from tlbench.learning.kinds.protocol import Postprocess

POSTPROCESS = "postprocess.json"
"""The file beside a scored model that holds what `postprocess_record` returns."""


def postprocess_record(postprocess: Postprocess) -> dict[str, str]:
    """Return what an export needs of a kind: the code that made the predictions, and what it says of them.

    It is kept with the scored file, so that an export carries the code that scored it, also when it has changed since.
    """
    cls = type(postprocess)
    return {
        "class": cls.__name__,
        "module": cls.__module__,
        "source": source_of(cls),
        "outputs": postprocess.outputs,
        "parts": postprocess.parts,
    }


def check_alone(source: str, module: str, owner: str, also: Collection[str] = ()) -> str:
    """Return a module's source.

    Raises `ContractError`, which names module and owner, if it imports more than numpy and `also`.
    """
    may = ", ".join(["numpy", *also])
    if others := sorted(set(imported(source)) - ALLOWED - set(also)):
        raise ContractError(
            f"The module {module} of the {owner} imports {', '.join(others)}: an export carries a copy of it, so move "
            f"what the export needs into a module that imports the standard library and {may} alone."
        )
    return source
