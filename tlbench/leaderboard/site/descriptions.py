"""What the page says of tasks, strategies and backbones beyond their results: handed in by whoever loads plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tlbench.results.row import Row


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a spec says of itself, in words."""

    title: str
    summary: str
    facts: Mapping[str, str] = field(default_factory=dict)
    """Heading -> text; empty texts are left out."""
    kind: str = ""
    """The kind of problem, of a task."""


@dataclass(frozen=True, kw_only=True)
class Descriptions:
    """Cards by name. A name without a card is shown by its results alone."""

    tasks: Mapping[str, Card] = field(default_factory=dict)
    strategies: Mapping[str, Card] = field(default_factory=dict)
    backbones: Mapping[str, Card] = field(default_factory=dict)
    analyses: Mapping[str, Card] = field(default_factory=dict)
    repeat: Callable[[Row], str] | None = None
    """Returns the command that runs a result again; None: it is not shown."""
