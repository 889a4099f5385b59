"""Image backbones that are found by name, and their checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from fakes.model_hub import COMMIT, Hub, serve
from PIL import Image
from support import only, run_python
from torch import nn
from torch.nn import functional

from tlbench import BuildRequest, FitRequest, MissingDataError, PrepareRequest, UnknownNameError
from tlbench.deploy.export import run_session
from tlbench.deploy.onnx_graph import export_graph
from tlbench.deploy.session import open_session
from tlbench.learning.data import Inputs
from tlbench.learning.model import TransferModel
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench_vision.backbones.cifar import LABELS, CifarNetwork
from tlbench_vision.backbones.timm_model import TimmEncoder

TINY = "test_resnet"
"""timm's own tiny model for tests."""


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def request_of(spec, images=(), **options):
    """Return what a backbone builds from: its options' defaults, but for those that are given."""
    options = {**{option.name: option.default for option in spec.options}, **options}
    fitted = spec.fit(FitRequest(inputs=list(images), options=options))
    files = spec.checkpoint(options).files
    return BuildRequest(fitted=fitted, layout="pooled", options=options, files=files)


def inputs_of(spec, request, images):
    made = spec.prepare(PrepareRequest(inputs=images, fitted=request.fitted, layout="pooled", options=request.options))
    return torch.from_numpy(made[0])


@pytest.fixture
def grey():
    return np.random.default_rng(0).integers(0, 256, (40, 50, 1), dtype=np.uint8)


def test_a_checkpoint_for_cifar_is_loaded_with_its_head(catalog, tmp_path, grey):
    network = CifarNetwork(20)
    state = network.encoder.state_dict() | {f"linear.{n}": part for n, part in network.linear.state_dict().items()}
    state = {f"module.{name}": part for name, part in state.items() if not name.endswith("batches_tracked")}
    torch.save({"state_dict": state, "best_prec1": 12.5}, tmp_path / "net.th")
    spec = catalog.backbone("cifar/resnet20")
    request = request_of(spec, weights=str(tmp_path / "net.th"))
    encoder, own = spec.build(request).eval(), spec.own_head(request)
    images = inputs_of(spec, request, [grey])
    assert images.shape == (1, 3, 32, 32)
    expected = network.eval().linear(network.encoder(images))
    torch.testing.assert_close(own.head(encoder(images)), expected)
    assert own.labels == LABELS
    assert spec.checkpoint(request.options).origin == "net.th"


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (56, 0.85), (110, 1.73)])
def test_the_networks_for_cifar_are_as_large_as_the_paper_says(depth, millions):
    size = sum(part.numel() for part in CifarNetwork(depth).parameters())
    assert round(size / 1e6, 2) == millions


def test_the_published_network_knows_cifar(catalog, data_root):
    spec = catalog.backbone("cifar/resnet20")
    request = request_of(spec)
    encoder, own = spec.build(request).eval(), spec.own_head(request)
    files = sorted((data_root / "cifar10_mini/test").glob("*/*.jpg"))
    images = inputs_of(spec, request, [np.asarray(Image.open(path)) for path in files])
    with torch.no_grad():
        found = own.head(encoder(images)).argmax(1)
    right = [path.parent.name == LABELS[int(guess)] for path, guess in zip(files, found, strict=True)]
    assert np.mean(right) == pytest.approx(0.812, abs=0.002)


def test_without_published_weights_one_must_be_named(catalog):
    spec = catalog.backbone("cifar/resnet32")
    with pytest.raises(MissingDataError, match=r"backbone\.weights=FILE"):
        spec.checkpoint({"weights": ""})
    assert not spec.checkpoint({"weights": "random"}).pretrained


@pytest.mark.parametrize(("name", "near"), [("cifar/resnet21", "resnet20"), ("timm/test_resnets", "test_resnet")])
def test_a_name_that_no_family_knows_meets_near_ones(catalog, name, near):
    with pytest.raises(UnknownNameError, match=near):
        catalog.backbone(name)


@pytest.mark.parametrize("name", [TINY, "test_vit"])
def test_a_model_of_timm_gives_the_features_that_its_weights_give(catalog, tmp_path, grey, name):
    model = timm.create_model(name, num_classes=7)
    torch.save({"state_dict": {f"module.{key}": part for key, part in model.state_dict().items()}}, tmp_path / "w.pth")
    spec = catalog.backbone(f"timm/{name}")
    request = request_of(spec, weights=str(tmp_path / "w.pth"))
    images = inputs_of(spec, request, [grey, np.repeat(grey, 3, axis=2)])
    assert images.dtype == torch.uint8
    assert torch.equal(images[0], images[1])
    encoder = spec.build(request).eval()
    config = request.fitted
    mean, std = (torch.tensor(config[part]).view(1, 3, 1, 1) for part in ("mean", "std"))
    with torch.no_grad():
        features = encoder(images)
        expected = model.eval()((images / 255 - mean) / std)
        torch.testing.assert_close(
            functional.linear(features, model.get_classifier().weight, model.get_classifier().bias), expected
        )
    assert features.shape == (2, encoder.feature_dim)


def test_a_folder_that_timm_saved_is_a_checkpoint(catalog, tmp_path):
    model = timm.create_model(TINY)
    timm.models.save_for_hf(model, tmp_path / "saved")
    spec = catalog.backbone(f"timm/{TINY}")
    request = request_of(spec, weights=str(tmp_path / "saved"))
    built = spec.build(request).model.state_dict()
    assert all(torch.equal(part, built[name]) for name, part in model.state_dict().items() if name in built)
    assert spec.checkpoint(request.options).origin == "saved"


def test_positions_of_a_transformer_are_fitted_to_another_size(catalog, tmp_path, grey):
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "w.pth")
    spec = catalog.backbone("timm/test_vit")
    request = request_of(spec, weights=str(tmp_path / "w.pth"), size=64)
    images = inputs_of(spec, request, [grey])
    assert images.shape == (1, 3, 64, 64)
    assert spec.build(request).eval()(images).isfinite().all()


def test_attention_over_windows_has_a_form_in_onnx(tmp_path):
    model = timm.create_model("hiera_tiny_224", num_classes=0, embed_dim=16, stages=(1, 1, 1, 1))
    encoder = TimmEncoder(model, {"mean": [0.5] * 3, "std": [0.5] * 3})
    served = TransferModel(encoder, {"target": nn.Linear(encoder.feature_dim, 3)}).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 224, 224), dtype=np.uint8)
    export_graph(served, Inputs((images,)), tmp_path / "model.onnx")
    outputs = run_session(open_session(tmp_path / "model.onnx", "cpu", 1), (torch.from_numpy(images),))
    with torch.no_grad():
        np.testing.assert_allclose(outputs, served(torch.from_numpy(images)).units, rtol=1e-3, atol=1e-5)
    assert any(part.fused_attn for part in model.modules() if hasattr(part, "fused_attn")), "trained as it was"


def test_traits_are_those_of_the_model(catalog):
    assert catalog.backbone(f"timm/{TINY}").traits == ("scales", "batchnorm")
    assert catalog.backbone("timm/test_vit").traits == ("scales",)
    assert any(isinstance(part, nn.BatchNorm2d) for part in timm.create_model(TINY).modules())


def test_what_timm_said_once_a_plan_knows_without_it(catalog):
    catalog.backbone(f"timm/{TINY}")
    code = f"""
import sys
from tlbench.planning.catalog import load_catalog
spec = load_catalog().backbone("timm/{TINY}")
print(spec.traits, sorted({{"torch", "timm", "numpy"}} & set(sys.modules)))
"""
    done = run_python(code)
    assert done.stdout == "('scales', 'batchnorm') []\n", done.stderr


@pytest.fixture
def cameras(tmp_path):
    """Two sides of two classes of ten grey images, dark and bright."""
    random = np.random.default_rng(0)
    for side in ("old", "new"):
        for name, level in (("dark", 0), ("bright", 128)):
            (tmp_path / side / name).mkdir(parents=True)
            for i in range(10):
                pixels = random.integers(level, level + 128, (30, 24 + i), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / side / name / f"{i}.png")
    return tmp_path


def test_a_checkpoint_runs_on_images_that_nobody_prepared(catalog, run_pairings, cameras):
    torch.save(timm.create_model(TINY).state_dict(), cameras / "mine.pth")
    done = run_pairings(
        catalog,
        tasks=["vision/image-folder"],
        backbones=[f"timm/{TINY}"],
        strategies=["frozen"],
        quick=True,
        overrides={
            "task.source": str(cameras / "old"),
            "task.target": str(cameras / "new"),
            "backbone.weights": str(cameras / "mine.pth"),
            "backbone.size": 32,
            "source.mode": "probe",
        },
    )
    row = only(done.rows, strategy="frozen")
    assert (row.status, row.weights, row.source_mode) == ("ok", "mine.pth", "probe"), row.reason
    assert row.backbone_options["weights"] == "mine.pth"
    assert row.score > 0.5


def test_images_are_scaled_once_where_a_backbone_scales_them(catalog, cameras, tmp_path):
    overrides = {"task.source": str(cameras / "old"), "task.target": str(cameras / "new"), "backbone.weights": "random"}
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board")

    def size(backbone, **more):
        run_request = RunRequest(tasks=["vision/image-folder"], backbones=[backbone], overrides={**overrides, **more})
        return {pairing.task_options["size"] for pairing in make_plan([run_request], catalog, settings).pairings}

    assert size(f"timm/{TINY}") == {0}
    assert size(f"timm/{TINY}", **{"task.size": 32}) == {32}
    assert size("cifar/resnet20") == {32}


def test_cells_after_cifar_have_a_source_that_the_checkpoint_knows(catalog, data_root):
    task = catalog.task("medical/cifar10-wbc")
    from tlbench.contract.specs import LoadRequest

    data = task.load(LoadRequest(task=task.name, options={"source": "", "target": ""}, data_root=data_root))
    assert data.source.labels == LABELS
    assert [len(split.inputs) for split in (data.source.train, data.source.test)] == [600, 600]
    assert len(data.target.labels) == 4
    assert len(data.target.train.inputs) + len(data.target.test.inputs) == 299


@pytest.fixture
def tones():
    """Words of a low and of a high tone, 8 kHz."""
    time = np.arange(4000) / 8000
    return [np.sin(2 * np.pi * pitch * time).astype(np.float32) for pitch in (220, 230, 1800, 1850)]


def sounding(spec, tones, **options):
    options = {**{option.name: option.default for option in spec.options}, **options}
    fitted = spec.fit(FitRequest(inputs=tones, options=options, sample_rate=8000))
    files = spec.checkpoint(options).files
    (clips,) = spec.prepare(PrepareRequest(inputs=tones, fitted=fitted, layout="pooled", options=options))
    encoder = spec.build(BuildRequest(fitted=fitted, layout="pooled", options=options, files=files)).eval()
    return encoder, torch.from_numpy(clips)


def test_a_network_for_images_looks_at_spectrograms(catalog, tmp_path, tones):
    torch.save(timm.create_model(TINY).state_dict(), tmp_path / "w.pth")
    encoder, clips = sounding(catalog.backbone(f"spectrogram/{TINY}"), tones, weights=str(tmp_path / "w.pth"), size=64)
    assert (clips.dtype, clips.shape) == (torch.int16, (4, 4000))
    seen = encoder.spectrogram(clips)
    assert seen.shape[:2] == (4, 64)
    loudest = seen.mean(2).argmax(1)
    assert loudest[:2].max() < loudest[2:].min(), "a higher tone lies higher"
    with torch.no_grad():
        features = encoder(clips)
        assert features.shape == (4, encoder.feature_dim)
        torch.testing.assert_close(encoder(clips[1:2]), features[1:2], rtol=1e-4, atol=1e-5)


def test_clips_are_cut_and_padded_in_their_middle(catalog, tones):
    short, long = np.ones(100, np.float32), np.concatenate([np.zeros(3000), np.ones(4000), np.zeros(3000)])
    spec = catalog.backbone(f"spectrogram/{TINY}")
    _, clips = sounding(spec, [*[tones[0]] * 40, short, long], weights="random", size=64)
    assert clips[-2].nonzero().flatten().tolist() == list(range(1950, 2050))
    assert clips[-1].ne(0).all()


def test_without_a_network_the_user_reads_what_can_be_done(catalog, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        MissingDataError, match=r"HF_HUB_OFFLINE is set.*backbone.weights=FILE.*backbone.weights=random"
    ):
        catalog.backbone("timm/resnet18").checkpoint({"weights": ""})


def test_weights_of_timm_come_from_the_hub_by_the_model_s_name(catalog, tmp_path):
    model = timm.create_model(TINY)
    timm.models.save_for_hf(model, tmp_path / "saved", safe_serialization=True)
    catalog.backbone(f"timm/{TINY}")
    code = f"""
from tlbench.planning.catalog import load_catalog
found = load_catalog().backbone("timm/{TINY}").checkpoint({{"weights": ""}})
print(found.origin, found.files["weights"])
"""
    files = {"model.safetensors": (tmp_path / "saved" / "model.safetensors").read_bytes()}
    with serve(Hub("timm/test_resnet.r160_in1k", files)) as hub:
        done = run_python(code, HF_ENDPOINT=hub.endpoint, HF_HOME=str(tmp_path / "home"), HF_HUB_OFFLINE="0")
    assert done.returncode == 0, done.stderr
    origin, path = done.stdout.split()
    assert origin == f"timm/test_resnet.r160_in1k@{COMMIT}"
    request = BuildRequest(
        fitted=catalog.backbone(f"timm/{TINY}").fit(FitRequest(inputs=[], options={"size": 0})),
        layout="pooled",
        options={"size": 0, "partial": False, "key": ""},
        files={"weights": Path(path)},
    )
    built = catalog.backbone(f"timm/{TINY}").build(request).model.state_dict()
    assert torch.equal(built["conv1.0.weight"], model.state_dict()["conv1.0.weight"])
