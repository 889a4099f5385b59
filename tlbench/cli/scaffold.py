"""The package of a new plugin: templates filled with a name."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

from tlbench import __version__
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.catalog import HOOKS, NAMES, Catalog

TEMPLATES = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a new package offers."""

    hook: str
    form: str
    """The form of its name."""
    templates: tuple[str, ...]
    """Folders of templates, in addition to the one for all packages."""
    heavy: str
    """The module that does the work."""


OFFERS = {
    "domain": Offer(hook="tlbench_domains", form="NAME", templates=("data", "domain"), heavy="data"),
    "task": Offer(hook="tlbench_tasks", form="DOMAIN/NAME", templates=("data", "task"), heavy="data"),
    "strategy": Offer(hook="tlbench_strategies", form="NAME", templates=("strategy",), heavy="strategy"),
    "backbone": Offer(hook="tlbench_backbones", form="MODALITY/NAME", templates=("backbone",), heavy="encoder"),
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """A new package."""

    kind: str
    name: str

    @property
    def identifier(self) -> str:
        """The name as part of a module name."""
        return re.sub("[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def module(self) -> str:
        return f"tlbench_{self.identifier}"

    @property
    def distribution(self) -> str:
        return self.module.replace("_", "-")

    @property
    def task(self) -> str:
        """The task of the example run: its own, or one that needs no extra."""
        return {"domain": f"{self.name}/clouds", "task": self.name}.get(self.kind, "anomaly/flows")

    @property
    def run(self) -> str:
        """The command for a first result."""
        strategy = self.name if self.kind == "strategy" else "finetune"
        backbone = f" --backbone {self.name}" if self.kind == "backbone" else ""
        return f"tlbench run --task {self.task}{backbone} --strategy {strategy} --quick"

    def files(self) -> Mapping[str, str]:
        """Return the content of every file by its path."""
        offer = OFFERS[self.kind]
        values = {
            "kind": self.kind,
            "name": self.name,
            "task": self.task,
            "package": self.module,
            "distribution": self.distribution,
            "entry_point": self.identifier,
            "heavy": offer.heavy,
            "run": self.run,
            "version": __version__,
        }
        return {
            str(path.relative_to(TEMPLATES / part).with_suffix("")).replace("NAME", self.identifier): Template(
                path.read_text(encoding="utf-8")
            ).substitute(values)
            for part in ("package", *offer.templates)
            for path in sorted((TEMPLATES / part).rglob("*.in"))
        }


def write(package: Package, folder: Path) -> Path:
    """Write a package into a new folder below `folder` and return it. Raises `UsageError` if it exists."""
    target = folder / package.distribution
    if target.exists():
        raise UsageError(f'"{target}" already exists: remove it, or choose another folder with -o DIR.')
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as scratch:
        for name, text in package.files().items():
            path = Path(scratch) / "package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (Path(scratch) / "package").rename(target)
    return target


def check(package: Package, catalog: Catalog) -> None:
    """Raise `UsageError` if the name is invalid or already in use."""
    kind, name = package.kind, package.name
    hook, form = OFFERS[kind].hook, OFFERS[kind].form
    if not re.fullmatch(NAMES[HOOKS[hook]], name, re.ASCII) or not all(part[:1].isalnum() for part in name.split("/")):
        raise UsageError(f'Invalid {kind} name "{name}": expected {form} with letters, digits, "-" and "_".')
    if origin := catalog.origins.get((hook, name)):
        raise UsageError(f'The {kind} "{name}" already exists in {origin}: choose another name.')
    if kind == "task" and (domain := name.partition("/")[0]) not in catalog.domains:
        raise UnknownNameError("domain", domain, catalog.domains)
    if find_spec(package.module) is not None:
        raise UsageError(f'A module "{package.module}" already exists: choose another name for the {kind}.')
