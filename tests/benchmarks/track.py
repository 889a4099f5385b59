"""What the contenders run on: pairings whose source models are in the cache, and the same data as plain tensors."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from support import plan_only
from torch import Tensor, nn

from tlbench.contract.events import Event
from tlbench.engine.contents import row_part
from tlbench.engine.models import read_source
from tlbench.engine.pipeline import run_stages
from tlbench.engine.prepared import Prepared
from tlbench.engine.store import Store
from tlbench.learning.device import set_up
from tlbench.learning.model import TransferModel
from tlbench.planning.catalog import Catalog
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.files import remove

SEEDS = (0, 1, 2)
STRATEGIES = ("frozen", "finetune", "adversarial")


class Track:
    """One task and backbone with the seeds 0, 1, 2; every seed's source model and features are computed beforehand."""

    def __init__(self, catalog: Catalog, task: str, root: Path, seeds: Sequence[int] = SEEDS) -> None:
        set_up(threads=1)
        # In the precision of the limit loops.
        self.settings = Settings(cache=root / "cache", board=root / "board", data_root=None, precision="bf16")
        run_request = {"tasks": [task], "strategies": ["source-only", *STRATEGIES], "seeds": seeds}
        plan = plan_only(catalog, self.settings, **run_request)
        self.pairings = {(pairing.strategy.name, pairing.seed): pairing for pairing in plan.pairings}
        self.seeds = seeds
        for seed in seeds:
            self.run("source-only", seed)
        self.prepared = self._prepared(self.pairings["source-only", seeds[0]])

    def seed(self, number: int) -> int:
        """Return the seed of a round."""
        return self.seeds[number % len(self.seeds)]

    def run(self, strategy: str, seed: int) -> dict[str, float]:
        """Run one pairing; return the CPU seconds of each stage that was computed."""
        seconds: dict[str, float] = defaultdict(float)

        def note(event: Event) -> None:
            if event.name == "stage-finished" and not event.cached:
                seconds[event.stage] += event.seconds

        pairing = self.pairings[strategy, seed]
        run_stages(pairing, self.settings, Store(root=self.settings.cache, notify=note))
        return dict(seconds)

    def cell(self, strategy: str, number: int) -> dict[str, float]:
        """Run a pairing of the round's seed of which nothing but the source's stages is there."""
        for stage in ("adapt", "score", "export"):
            remove(self.settings.cache / stage)
        seconds, folder = self.run(strategy, self.seed(number)), self.exported(strategy, self.seed(number))
        return {**seconds, "accuracy": row_part(folder)["score"]}

    def split(self, name: str) -> tuple[Tensor, Tensor]:
        """Return inputs and labels of a split as tensors in memory."""
        examples = self.prepared.split(name)
        (column,) = examples.inputs.columns
        return torch.from_numpy(np.array(column)), torch.from_numpy(examples.targets.values)

    def source(self, number: int) -> tuple[nn.Module, nn.Module]:
        """Return a copy of the encoder and the head of the source model of the round's seed."""
        model = copy.deepcopy(self.model(number))
        return model.encoder, model.heads["source"]

    def model(self, number: int) -> TransferModel:
        """Return the source model of the round's seed."""
        pairing = self.pairings["source-only", self.seed(number)]
        return read_source(pairing, self.prepared, "cpu", self._folder(pairing, "source"))

    def _prepared(self, pairing: Pairing) -> Prepared:
        return Prepared.read(self._folder(pairing, "prepare"))

    def exported(self, strategy: str, seed: int) -> Path:
        """Return the folder with the ONNX file of a pairing that was run."""
        return self._folder(self.pairings[strategy, seed], "export")

    def _folder(self, pairing: Pairing, stage: str) -> Path:
        store = Store(root=self.settings.cache, notify=lambda event: None)
        return run_stages(pairing, self.settings, store)[stage].folder
