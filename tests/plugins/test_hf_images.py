from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from fakes.hf_backbones import Made
from safetensors.torch import load_file, save_file

from tlbench import BadInputError, LabelsRequest
from tlbench_hf.find import find


def images(count=3):
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (20 + 10 * place, 40, 3), np.uint8) for place in range(count)]


def the_library_s_features(folder, kind, pixels):
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        if kind == "clip":
            return model.get_image_features(pixel_values=pixels).pooler_output.numpy()
        outputs = model(pixel_values=pixels)
    states = outputs.last_hidden_state
    return {"vit": states[:, 0], "swin": states.mean(1)}.get(kind, outputs.pooler_output).numpy()


@pytest.mark.parametrize("kind", ["vit", "clip", "beit", "swin"])
def test_features_are_the_library_s(folders, kind):
    import transformers

    name = {"vit": "ViT", "clip": "CLIP", "beit": "Beit", "swin": "ViT"}[kind]
    size = {"height": 32, "width": 32}
    processor = getattr(transformers, f"{name}ImageProcessorPil")(size=size, do_center_crop=False)
    pixels = processor(images(), return_tensors="pt")["pixel_values"]
    expected = the_library_s_features(folders[kind], kind, pixels)
    made = Made(folders[kind], images())
    assert made.columns[0].dtype == np.uint8
    assert np.allclose(made.features(), expected, atol=1e-5)


def test_the_checkpoint_s_own_processor_is_used_and_positions_fit_its_size(folders, tmp_path):
    import torch
    from transformers import AutoModel, ViTImageProcessorPil

    folder = shutil.copytree(folders["vit"], tmp_path / "own")
    processor = ViTImageProcessorPil(size={"height": 48, "width": 48}, image_mean=[0.1] * 3, rescale_factor=1 / 127.5)
    processor.save_pretrained(folder)
    with torch.no_grad():
        pixels = processor(images(), return_tensors="pt")["pixel_values"]
        outputs = AutoModel.from_pretrained(folder).eval()(pixel_values=pixels, interpolate_pos_encoding=True)
    made = Made(folder, images())
    assert made.columns[0].shape[2:] == (48, 48)
    assert np.allclose(made.features(), outputs.last_hidden_state[:, 0].numpy(), atol=1e-4)


def test_images_stay_of_one_size_if_the_processor_would_keep_their_shape(folders, tmp_path):
    folder = shutil.copytree(folders["clip"], tmp_path / "free")
    settings = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": False}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    assert Made(folder, images()).columns[0].shape == (3, 3, 32, 32)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("preprocessor_config.json", {"image_processor_type": "ViTImageProcessor", "size": {"height": 0, "width": 9}},
         "size height=0, expected 1 to 4096 pixels"),
        ("preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 10**8}},
         "size shortest_edge=100000000"),
        ("preprocessor_config.json", {"image_processor_type": "Mine", "auto_map": {"AutoImageProcessor": "mine.Mine"}},
         "preprocessor_config.json\" cannot be read"),
        ("config.json", {"num_channels": 1}, "images of 1 channels"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named(folders, tmp_path, file, change, says):
    folder = shutil.copytree(folders["vit"], tmp_path / "odd")
    known = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps({**known, **change}))
    with pytest.raises(BadInputError, match=says):
        Made(folder, images())


def test_a_checkpoint_that_lacks_weights_of_its_pooling_is_refused(folders, tmp_path):
    folder = shutil.copytree(folders["beit"], tmp_path / "part")
    state = load_file(folder / "model.safetensors")
    del state["pooler.layernorm.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match=r"1 missing from the file \(pooler.layernorm.weight\)"):
        Made(folder, images()).model()


def test_what_is_saved_is_read_again_with_the_same_features(folders, tmp_path):
    made = Made(folders["clip"], images())
    made.save(tmp_path)
    assert find(str(tmp_path)).modality == "image"
    assert np.allclose(Made(tmp_path, images()).features(), made.features(), atol=1e-6)


def vectors_of(made, names):
    asked = LabelsRequest(
        names=names,
        encoder=made.model().encoder,
        fitted=made.fitted,
        layout=made.layout,
        options=made.options,
        files=made.files,
    )
    return made.spec.encode_labels(asked)


def test_names_of_labels_have_vectors_in_the_space_of_images_of_clip(folders, tmp_path):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import CLIPModel

    folder = shutil.copytree(folders["clip"], tmp_path / "clip")
    names = ("red cat", "blue dog on a red cat", "cat")
    words = ["begin", "unknown", "red", "cat", "blue", "dog", "on", "a", *map(str, range(23)), "end"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="unknown"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("begin $A end", special_tokens=[("begin", 0), ("end", 31)])
    tokenizer.save(str(folder / "tokenizer.json"))
    made = Made(folder, images(5))
    vectors = vectors_of(made, names)
    model = CLIPModel.from_pretrained(folder).eval()
    mean, std = (torch.tensor(made.fitted[name])[:, None, None] for name in ("mean", "std"))
    pixels = (torch.from_numpy(made.columns[0]) / 255 - mean) / std
    cosines = []
    for name in names:
        ids = torch.tensor([tokenizer.encode(name).ids])
        with torch.no_grad():
            found = model(input_ids=ids, pixel_values=pixels, return_loss=False)
        cosines.append((found.logits_per_image / model.logit_scale.detach().exp())[:, 0].numpy())
    features = made.features()
    assert not np.allclose(cosines[0], cosines[1], atol=1e-3)
    features, vectors = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (features, vectors))
    assert np.allclose(features @ vectors.T, np.stack(cosines, 1), atol=1e-5)


def test_a_clip_without_a_tokenizer_has_no_vectors_of_names(folders):
    assert find(str(folders["clip"])).encode_labels is None
