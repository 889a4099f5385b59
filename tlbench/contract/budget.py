"""How many labelled target examples a strategy may use."""

from __future__ import annotations

from dataclasses import dataclass

from tlbench.errors import UsageError


@dataclass(frozen=True)
class Budget:
    """A total, a number for each class (or other group that the kind draws from), or all examples."""

    size: int | None
    """None for all."""
    per_class: bool = False

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `50`, `5/class` or `all`. Raises `UsageError` for other texts and for numbers below 1."""
        number, slash, unit = text.partition("/")
        if text == "all":
            return cls(None)
        if not number.strip().isdecimal() or unit != ("class" if slash else "") or int(number) < 1:
            raise UsageError(f'Invalid label budget "{text}": use a number (50), N/class (5/class) or all.')
        return cls(int(number), per_class=bool(slash))

    def __str__(self) -> str:
        return "all" if self.size is None else f"{self.size}{'/class' if self.per_class else ''}"

    @property
    def total(self) -> int | None:
        """The number of examples, if it is known without the data; else None."""
        return None if self.per_class else self.size
