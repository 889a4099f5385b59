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
from tlbench.cli.task_forms import FORMS, TaskForm
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.catalog import HOOKS, Catalog
from tlbench.planning.names import NAMES

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a new package offers."""

    hook: str
    form: str
    """The form of its name."""
    templates: tuple[str, ...]
    """Folders of templates, in addition to the one for every package."""
    heavy: str
    """The module that does the work."""


OFFERS = {
    "domain": Offer(hook="tlbench_domains", form="NAME", templates=("data", "domain"), heavy="data"),
    "task": Offer(hook="tlbench_tasks", form="DOMAIN/NAME", templates=("data", "task"), heavy="data"),
    "kind": Offer(hook="tlbench_tasks", form="DOMAIN/NAME", templates=("data", "kind"), heavy="kind"),
    "strategy": Offer(hook="tlbench_strategies", form="NAME", templates=("strategy",), heavy="strategy"),
    "estimator": Offer(hook="tlbench_estimators", form="NAME", templates=("estimator",), heavy="estimator"),
    "analysis": Offer(hook="tlbench_analyses", form="NAME", templates=("analysis",), heavy="analysis"),
    "backbone": Offer(
        hook="tlbench_backbones", form="MODALITY/NAME", templates=("backbone", "backbone-{modality}"), heavy="encoder"
    ),
    "family": Offer(
        hook="tlbench_backbone_families", form="NAME", templates=("backbone-tabular", "family"), heavy="encoder"
    ),
    "tracker": Offer(hook="tlbench_event", form="NAME", templates=("tracker",), heavy="tracker"),
}


@dataclass(frozen=True, kw_only=True)
class Modality:
    """A modality that there is a backbone to start from for, in the folder `backbone-MODALITY`."""

    title: str
    summary: str
    width: int
    task: str
    """A built-in task that the backbone fits."""


MODALITIES = {
    "image": Modality(
        title="Small convolutional network",
        summary="Three convolutions over images of one size.",
        width=16,
        task="vision/digits",
    ),
    "text": Modality(
        title="Bag of words", summary="The mean embedding of a text's words.", width=64, task="nlp/reviews"
    ),
    "audio": Modality(
        title="Learned filters",
        summary="Filters on the waveform, then two convolutions over their energies.",
        width=24,
        task="speech/commands-accents",
    ),
    "series": Modality(
        title="Small convolutional network",
        summary="Two convolutions over time.",
        width=32,
        task="robotics/joint-load",
    ),
    "tabular": Modality(title="Small MLP", summary="Two layers over rows of numbers.", width=64, task="anomaly/flows"),
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """A new package."""

    kind: str
    name: str
    problem: str = "classification"
    """The kind of problem of a task: `classification`, or one of `FORMS`."""

    @property
    def form(self) -> TaskForm | None:
        return FORMS.get(self.problem)

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
    def modality(self) -> str:
        """That of a backbone, by its name; tasks are tabular."""
        return self.name.partition("/")[0] if self.kind == "backbone" else "tabular"

    @property
    def task(self) -> str:
        """The task that shows it: its own, or a built-in one."""
        own = {"domain": f"{self.name}/clouds", "task": self.name, "kind": self.name}
        return own.get(self.kind, MODALITIES[self.modality].task)

    @property
    def run(self) -> str:
        """The command for a first result."""
        usual = self.form.strategy if self.form else "finetune"
        strategy = self.name if self.kind == "strategy" else usual
        found = {"backbone": self.name, "family": f"{self.name}/32"}
        backbone = f" --backbone {found[self.kind]}" if self.kind in found else ""
        asked = f" --{self.kind} {self.name}" if self.kind in ("estimator", "analysis") else ""
        return f"tlbench run --task {self.task}{backbone} --strategy {strategy}{asked} --quick"

    def files(self) -> Mapping[str, str]:
        """Return the content of every file by its path."""
        offer, modality = OFFERS[self.kind], MODALITIES[self.modality]
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
            "modality": self.modality,
            "title": modality.title,
            "summary": modality.summary,
            "width": modality.width,
            "extra": "",
        }
        parts = [name.format(modality=self.modality) for name in offer.templates]
        if form := self.form:
            parts = ["form", f"form-{self.problem}", "task"]
            fields = Template(str(form.values()["fields"])).substitute(values)
            values |= {**form.values(), "fields": fields, "extra": f"[{form.extra}]" if form.extra else ""}
        return {
            str(path.relative_to(TEMPLATES / part).with_suffix("")).replace("NAME", self.identifier): Template(
                path.read_text(encoding="utf-8")
            ).substitute(values)
            for part in ("package", *parts)
            for path in sorted((TEMPLATES / part).rglob("*.in"))
        }


def write(package: Package, folder: Path) -> Path:
    """Write a package into a new folder below `folder` and return it. Raises `UsageError` if it exists."""
    target = folder / package.distribution
    if target.exists():
        raise UsageError(f'The folder "{target}" already exists: remove it, or choose another one with -o DIR.')
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as scratch:
        for name, text in package.files().items():
            path = Path(scratch) / "package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (Path(scratch) / "package").rename(target)
    return target


def check(package: Package, catalog: Catalog) -> None:
    """Raise `UsageError` if the name is invalid for its kind, or is taken."""
    kind, name = package.kind, package.name
    if package.form and kind != "task":
        raise UsageError(f"--kind names the kind of problem of a task, not of a new {kind}: leave it out.")
    hook, form = OFFERS[kind].hook, OFFERS[kind].form
    # A tracker returns no spec; its name is that of its package alone.
    pattern = NAMES[HOOKS[hook]] if hook in HOOKS else r"[\w.-]+"
    if not re.fullmatch(pattern, name, re.ASCII) or not all(part[:1].isalnum() for part in name.split("/")):
        raise UsageError(f'Invalid {kind} name "{name}": use {form}, in letters, digits, "-" and "_".')
    if kind == "backbone" and package.modality not in MODALITIES:
        raise UsageError(
            f'There is no template for the modality "{package.modality}": name the backbone MODALITY/NAME, with one of '
            f"{', '.join(MODALITIES)}. Other modalities are possible: change `modality` in the plugin that is written."
        )
    if origin := catalog.origins.get((hook, name)):
        raise UsageError(f'The {kind} "{name}" already exists, from {origin}: choose another name.')
    if form == "DOMAIN/NAME" and (domain := name.partition("/")[0]) not in catalog.domains:
        raise UnknownNameError("domain", domain, catalog.domains)
    if find_spec(package.module) is not None:
        raise UsageError(f'A module "{package.module}" already exists: choose another name for the {kind}.')
