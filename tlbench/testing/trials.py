"""A strategy adapted once on a pairing of the toy: what several checks of it look at."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlbench.engine.adaptation import adapt_request, call, check_promises
from tlbench.engine.rules import chooser
from tlbench.learning.model import TransferModel, state_hash
from tlbench.learning.progress import listening

if TYPE_CHECKING:
    from tlbench.engine.given import Parts
    from tlbench.engine.prepared import Prepared
    from tlbench.planning.plan import Pairing


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a strategy read, reported and returned."""

    parts: frozenset[str]
    """The parts of the data that it read."""
    steps: int
    """Training steps that it reported."""
    model: str
    """Hash of the weights that it returned."""
    moved: Mapping[str, bool]
    """Whether it changed a head, by the head's name."""


def attempt(pairing: Pairing, prepared: Prepared, source: TransferModel, parts: Parts) -> Trial:
    """Adapt a source model, with these parts of the data in the request.

    Raises what the strategy raises, and `ContractError` if it broke its promise.
    """
    read: set[str] = set()
    reported = [0]

    def count(step: int, loss: float) -> None:
        reported[0] = step

    request = adapt_request(pairing, prepared, source, _Noting(parts, read))
    # The strategy may train the very model that it is given.
    before = copy.deepcopy(request.model)
    choosing = chooser(pairing, prepared, parts, request.model)
    with listening(count):
        after = call(pairing.strategy, request, choosing)
    check_promises(pairing.strategy, before, after)
    return Trial(
        parts=frozenset(read),
        steps=reported[0],
        model=state_hash(after),
        moved={name: state_hash(after.heads[name]) != state_hash(head) for name, head in before.heads.items()},
    )


class _Noting(dict):  # type: ignore[type-arg]
    """Parts of the data that note which of them are read."""

    def __init__(self, parts: Parts, read: set[str]) -> None:
        super().__init__(parts)
        self._read = read

    def __getitem__(self, part: str) -> object:
        self._read.add(part)
        return super().__getitem__(part)
