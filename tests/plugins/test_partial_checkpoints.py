"""Checkpoints that fit only in part: refused by every family that loads weights, unless `backbone.partial=true`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from support import only

from tlbench import BadInputError, BuildRequest, Coverage, FitRequest, OwnHead
from tlbench.assets import log_once
from tlbench.cli.row_card import row_sections
from tlbench.leaderboard.wording import backbone
from tlbench.planning.catalog import load_catalog
from tlbench_vision.backbones.cifar import CifarNetwork

TINY = "test_resnet"
PART = "fits the model only in part"


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def build(spec, inputs, layout="pooled", rate=None, head=False, **options):
    options = {**{option.name: option.default for option in spec.options}, **options}
    files = spec.checkpoint(options).files
    fitting = FitRequest(inputs=inputs, options=options, sample_rate=rate, layout=layout, files=files)
    fitted = json.loads(json.dumps(spec.fit(fitting)))
    request = BuildRequest(fitted=fitted, layout=layout, options=options, files=files)
    return spec.own_head(request) if head else spec.build(request)


@pytest.mark.parametrize(
    ("saved", "asked", "says", "loaded"),
    [
        ({"model_name": "resnet18"}, "resnet34", r"80 missing from the file \(layer1.2.bn1.bias", -80),
        ({"model_name": "resnet34"}, "resnet18", "of blocks or layers that the model lacks", 0),
    ],
)
def test_a_model_of_timm_is_not_left_random_in_part(catalog, tmp_path, saved, asked, says, loaded):
    torch.save(timm.create_model(**saved, num_classes=5).state_dict(), tmp_path / "w.pth")
    spec, weights = catalog.backbone(f"timm/{asked}"), str(tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=rf'"w.pth" {PART}.*{says}'):
        build(spec, [], weights=weights)
    encoder = build(spec, [], weights=weights, partial=True)
    expected = sum(part.is_floating_point() for part in encoder.state_dict().values())
    assert encoder.coverage == (Coverage(expected + loaded, expected) if loaded else None)


def test_layers_within_blocks_that_a_model_of_timm_lacks_are_refused(catalog, tmp_path):
    torch.save(timm.create_model("seresnet18", num_classes=5).state_dict(), tmp_path / "w.pth")
    spec, weights = catalog.backbone("timm/resnet18"), str(tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=rf'"w.pth" {PART}.*layers that the model lacks \(layer1.0.se'):
        build(spec, [], weights=weights)
    assert build(spec, [], weights=weights, partial=True).coverage is None


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_first_convolution_for_other_images_takes_three_channels(catalog, tmp_path, caplog, channels):
    log_once.cache_clear()
    saved = timm.create_model(TINY, in_chans=channels, num_classes=5).eval()
    torch.save(saved.state_dict(), tmp_path / "w.pth")
    encoder = build(catalog.backbone(f"timm/{TINY}"), [], weights=str(tmp_path / "w.pth")).eval()
    given, own = saved.state_dict()["conv1.0.weight"], encoder.model.state_dict()["conv1.0.weight"]
    assert encoder.coverage is None
    assert f'"w.pth" is for images of {channels} channels' in caplog.text
    expected = torch.stack([given[:, place % channels] for place in range(3)], 1) * channels / 3
    assert torch.allclose(own, expected)
    if channels == 1:
        grey = torch.rand(2, 1, 64, 64)
        with torch.no_grad():
            before, after = (
                model.forward_features(pixels)
                for model, pixels in ((saved, grey), (encoder.model, grey.expand(-1, 3, -1, -1)))
            )
        assert torch.allclose(before, after, atol=1e-5), "grey in three channels is what grey was in one"


def test_the_teacher_of_a_file_is_chosen_by_its_key(catalog, tmp_path):
    spec, nets = catalog.backbone(f"timm/{TINY}"), [timm.create_model(TINY).state_dict() for _ in range(2)]
    named = [{f"module.backbone.{name}": part for name, part in net.items()} for net in nets]
    torch.save({"student": named[0], "teacher": named[1], "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(BadInputError, match=r"epoch, student, teacher.*backbone.key=student or backbone.key=teacher"):
        build(spec, [], weights=str(tmp_path / "w.pth"))
    encoder = build(spec, [], weights=str(tmp_path / "w.pth"), key="teacher")
    assert torch.equal(encoder.model.state_dict()["conv1.0.weight"], nets[1]["conv1.0.weight"])


def test_a_checkpoint_without_its_first_layer_is_refused_on_spectrograms_too(catalog, tmp_path):
    state = timm.create_model(TINY).state_dict()
    del state["conv1.0.weight"]
    torch.save(state, tmp_path / "w.pth")
    spec, clips = catalog.backbone(f"spectrogram/{TINY}"), [np.zeros(4000, np.float32)]
    with pytest.raises(BadInputError, match=rf"{PART}.*1 missing from the file \(conv1.0.weight\)"):
        build(spec, clips, rate=8000, weights=str(tmp_path / "w.pth"))
    coverage = build(spec, clips, rate=8000, weights=str(tmp_path / "w.pth"), partial=True).coverage
    assert coverage is not None
    assert coverage.expected - coverage.loaded == 1


def test_a_shallower_network_for_cifar_does_not_fill_a_deeper_one(catalog, tmp_path):
    torch.save(CifarNetwork(20).encoder.state_dict(), tmp_path / "w.th")
    spec = catalog.backbone("cifar/resnet32")
    with pytest.raises(BadInputError, match=rf'"w.th" {PART}'):
        build(spec, [], weights=str(tmp_path / "w.th"))
    encoder = build(spec, [], weights=str(tmp_path / "w.th"), partial=True)
    assert encoder.coverage == Coverage(19 * 5, 31 * 5)
    torch.save(CifarNetwork(32).encoder.state_dict(), tmp_path / "w.th")
    with pytest.raises(BadInputError, match=rf"{PART}.*of blocks or layers that the model lacks \(layer1.3"):
        build(catalog.backbone("cifar/resnet20"), [], weights=str(tmp_path / "w.th"))


def change(folder, weights=None, **config):
    """Change a checkpoint of transformers: values of its configuration, and its weights by a function."""
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**known, **config}))
    if weights:
        save_file(weights(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("changes", "says", "lacking"),
    [
        ({"num_hidden_layers": 2}, r"16 missing from the file \(encoder.layer.1", 16),
        ({"intermediate_size": 64}, r"3 with another shape or type \(encoder.layer.0.intermediate.dense.bias", 3),
    ],
)
def test_a_model_of_transformers_is_not_left_random_in_part(bert, changes, says, lacking):
    spec = load_catalog().backbone(f"hf/{bert}")
    change(bert, **changes)
    with pytest.raises(BadInputError, match=rf'"model.safetensors" {PART}.*{says}'):
        build(spec, ["a plot"])
    coverage = build(spec, ["a plot"], partial=True).coverage
    assert coverage.expected - coverage.loaded == lacking


def test_the_weights_of_transformers_are_chosen_by_their_key(bert):
    state = load_file(bert / "model.safetensors")
    (bert / "model.safetensors").unlink()
    other = {name: part + 1 for name, part in state.items()}
    torch.save({"epoch": 3, "student": other, "teacher": {"state_dict": state}}, bert / "pytorch_model.bin")
    spec = load_catalog().backbone(f"hf/{bert}")
    name = "embeddings.word_embeddings.weight"
    for key, expected in (("teacher.state_dict", state), ("student", other)):
        built = build(spec, ["a plot"], key=key)
        assert built.coverage is None
        assert torch.equal(built.model.state_dict()[name], expected[f"bert.{name}"])
    with pytest.raises(BadInputError, match=r"backbone\.key"):
        build(spec, ["a plot"])
    torch.save({"epoch": 3, "state_dict": state}, bert / "pytorch_model.bin")
    assert build(spec, ["a plot"]).coverage is None
    with pytest.raises(BadInputError, match="teachers"):
        build(spec, ["a plot"], key="teachers")


def test_a_deeper_checkpoint_of_transformers_is_refused(bert):
    def deeper(state):
        return state | {name.replace("layer.0", "layer.1"): part.clone() for name, part in state.items()}

    change(bert, deeper)
    with pytest.raises(BadInputError, match=rf"{PART}.*of blocks or layers that the model lacks"):
        build(load_catalog().backbone(f"hf/{bert}"), ["a plot"])


def test_adapters_in_a_file_of_transformers_are_refused(bert):
    def adapted(state):
        return state | {"bert.encoder.layer.0.output.adapter.down.weight": torch.ones(4, 32)}

    change(bert, adapted)
    spec = load_catalog().backbone(f"hf/{bert}")
    with pytest.raises(BadInputError, match=rf"{PART}.*1 of blocks or layers that the model lacks"):
        build(spec, ["a plot"])
    build(spec, ["a plot"], partial=True)


def test_masks_and_counters_that_old_files_hold_are_no_layers(gpt2, bert):
    def with_masks(state):
        mask = {"transformer.h.0.attn.bias": torch.ones(1, 1, 8, 8), "transformer.h.0.attn.masked_bias": torch.ones(1)}
        return state | mask

    change(gpt2, with_masks)
    assert build(load_catalog().backbone(f"hf/{gpt2}"), ["a plot"], "next-token").coverage is None
    change(
        bert, lambda state: state | {"bert.embeddings.position_ids": torch.arange(8), "my.head.weight": torch.ones(2)}
    )
    assert build(load_catalog().backbone(f"hf/{bert}"), ["a plot"]).coverage is None


def test_a_file_of_transformers_of_which_nothing_fits_is_refused_even_in_part(bert):
    torch.save(timm.create_model(TINY).state_dict(), bert / "pytorch_model.bin")
    (bert / "model.safetensors").unlink()
    with pytest.raises(BadInputError, match=r'No weight of "pytorch_model.bin" fits: the model has'):
        build(load_catalog().backbone(f"hf/{bert}"), ["a plot"], partial=True)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"epoch": 3, "state_dict": state}])
def test_the_weights_of_transformers_may_begin_with_the_name_of_a_wrapper(bert, wrap):
    """A model on several GPUs is saved as `module`, one that was compiled as `_orig_mod`."""
    state = load_file(bert / "model.safetensors")
    (bert / "model.safetensors").unlink()
    torch.save(wrap({f"module._orig_mod.{name}": part for name, part in state.items()}), bert / "pytorch_model.bin")
    built = build(load_catalog().backbone(f"hf/{bert}"), ["a plot"])
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(built.model.state_dict()[name], state[f"bert.{name}"])
    assert built.coverage is None


def test_weights_of_transformers_without_names_are_refused(bert):
    state = load_file(bert / "model.safetensors")
    (bert / "model.safetensors").unlink()
    torch.save(dict(enumerate(state.values())), bert / "pytorch_model.bin")
    with pytest.raises(BadInputError, match=r"does not contain only weights \(0, 1"):
        build(load_catalog().backbone(f"hf/{bert}"), ["a plot"])


def test_an_output_layer_that_is_random_is_no_head_of_the_checkpoint_s_own(gpt2):
    change(gpt2, tie_word_embeddings=False)
    spec = load_catalog().backbone(f"hf/{gpt2}")
    with pytest.raises(BadInputError, match=rf"{PART}.*1 missing from the file \(lm_head.weight\)"):
        build(spec, ["a plot"], "next-token", head=True)
    with pytest.raises(BadInputError, match="no output layer of its own"):
        build(spec, ["a plot"], "next-token", head=True, partial=True)
    change(gpt2, tie_word_embeddings=True)
    assert isinstance(build(spec, ["a plot"], "next-token", head=True), OwnHead)


def test_weights_of_transformers_that_are_not_finite_are_refused(bert):
    def broken(state):
        state["bert.embeddings.LayerNorm.weight"][3] = float("nan")
        return state

    change(bert, broken)
    with pytest.raises(BadInputError, match=r"NaN or infinite weights \(1: embeddings.LayerNorm.weight\)"):
        build(load_catalog().backbone(f"hf/{bert}"), ["a plot"])


@pytest.fixture
def bert(folders, tmp_path):
    return copied(folders["bert"], tmp_path)


@pytest.fixture
def gpt2(folders, tmp_path):
    return copied(folders["gpt2"], tmp_path)


def copied(folder, place):
    target = place / folder.name
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_the_count_of_loaded_weights_stands_on_the_row_and_on_the_board(catalog, run_pairings, tmp_path):
    for place in ("old/dark", "old/bright", "new/dark", "new/bright"):
        (tmp_path / place).mkdir(parents=True)
        for i in range(10):
            grey = np.full((32, 32), 20 * i + ("bright" in place), np.uint8)
            Image.fromarray(grey).save(tmp_path / place / f"{i}.png")
    state = timm.create_model(TINY).state_dict()
    del state["layer1.0.conv1.weight"]
    torch.save(state, tmp_path / "mine.pth")

    def run(**more):
        overrides = {"task.source": str(tmp_path / "old"), "task.target": str(tmp_path / "new"), "backbone.size": 32}
        overrides |= {"backbone.weights": str(tmp_path / "mine.pth"), "source.mode": "probe", **more}
        wanted = {"tasks": ["vision/image-folder"], "backbones": [f"timm/{TINY}"], "strategies": ["frozen"]}
        return only(run_pairings(catalog, **wanted, quick=True, overrides=overrides).rows, strategy="frozen")

    refused = run()
    assert (refused.status, refused.stage, refused.bad_input) == ("failed", "source", True)
    assert "1 missing from the file (layer1.0.conv1.weight)" in refused.reason
    assert "partial" not in refused.backbone_options, "keys of rows from before the option are those of today"
    row = run(**{"backbone.partial": True})
    counts = (row.weights_loaded, row.weights_expected)
    assert (row.status, row.backbone_options["partial"]) == ("ok", True), row.reason
    assert counts[1] - counts[0] == 1
    assert backbone(row) == f"timm/{TINY} from mine.pth ({counts[0]} of {counts[1]} weights), probed"
    assert row_sections(row)["run"]["weights loaded"] == str(counts[0])
