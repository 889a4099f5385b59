from __future__ import annotations

import pytest
from fakes.checkpoints import bert_folder, gpt2_folder, image_folder, speech_folder, whisper_folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of small checkpoints of transformers, by kind."""
    root = tmp_path_factory.mktemp("checkpoints")
    made = {"bert": bert_folder(root / "bert"), "gpt2": gpt2_folder(root / "gpt2")}
    made |= {kind: image_folder(root / kind, kind) for kind in ("vit", "clip", "beit", "swin")}
    made["whisper"] = whisper_folder(root / "whisper")
    return made | {kind: speech_folder(root / kind, kind) for kind in ("wav2vec2", "hubert", "wavlm")}
