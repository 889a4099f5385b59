"""How many labelled target examples a strategy may see."""

from __future__ import annotations

from dataclasses import dataclass

from tlbench.errors import UsageError


@dataclass(frozen=True)
class Budget:
    """So many in all, so many of each class (or other group that the kind draws from), or all there are."""

    size: int | None
    """None for all."""
    per_class: bool = False

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `50`, `5/class` or `all`. Raises `UsageError` for anything else, and for less than 1."""
        number, slash, unit = text.partition("/")
        if text == "all":
            return cls(None)
        if not number.strip().isdecimal() or unit != ("class" if slash else "") or int(number) < 1:
            raise UsageError(f'The label budget "{text}" is none: it takes a number from 1 (50), 5/class, or all.')
        return cls(int(number), per_class=bool(slash))

    def __str__(self) -> str:
        return "all" if self.size is None else f"{self.size}{'/class' if self.per_class else ''}"

    @property
    def total(self) -> int | None:
        """The number of examples where it is known before the data."""
        return None if self.per_class else self.size
