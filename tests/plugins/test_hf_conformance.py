"""Checkpoints of transformers, by the suite that strangers use; the catalog has no names of them."""

from __future__ import annotations

import pytest

from tlbench.testing.backbones import CHECKS, export_matches_the_model
from tlbench.testing.bench import Bench
from tlbench_hf.find import find


@pytest.mark.parametrize("kind", ["whisper", "wavlm", "vit", "clip", "beit", "swin"])
def test_a_checkpoint_passes_the_conformance_tests(folders, catalog, tmp_path, kind):
    bench = Bench(catalog=catalog, folder=tmp_path)
    for check in CHECKS:
        if check is not export_matches_the_model:  # Tracing is slow: test_hf_texts.py exports one model of each sort.
            check(find(str(folders[kind])), bench)
