"""Published models that are converted into what a backbone reads."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tlbench import BadInputError, MissingDataError, UsageError
from tlbench.assets.checkpoints import find_checkpoint
from tlbench.assets.conversion import convert, is_converted
from tlbench.assets.registry import read_origin
from tlbench.errors import ContractError
from tlbench.planning.catalog import load_catalog
from tlbench.planning.published import published_models

CONVERTER = """
from tlbench import BadInputError

def double(source, folder):
    (folder / "model.safetensors").write_bytes((source / "model.bin").read_bytes() * 2)
    (folder / "config.json").write_text("{}")

def refuse(source, folder):
    (folder / "model.safetensors").write_bytes(b"half")
    raise BadInputError("a weight is left over")

def needs(source, folder):
    import no_such_library
"""
HEAD = 'title = "Tiny"\nfolder = "models/tiny"\npackages = ["tiny==1.0"]\nlicence = "MIT"\ncite = "Me"\n'


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Describes a model whose file is on this machine, with a function that converts it."""
    (tmp_path / "toy_converters.py").write_text(CONVERTER)
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "data/models/tiny/source"
    source.mkdir(parents=True)
    (source / "model.bin").write_bytes(b"weights")

    def call(function="double", content=b"weights", name="source/model.bin", head=HEAD):
        path = tmp_path / "tiny.toml"
        path.write_text(
            f'{head}convert = "{function if ":" in function else f"toy_converters:{function}"}"\n[files]\n'
            f'"{name}" = "{sha256(content).hexdigest()}"\n'
        )
        return read_origin(path)

    return call


def test_a_converted_model_is_found_by_its_name(model, tmp_path, monkeypatch):
    root = tmp_path / "data"
    assert not is_converted(model(), root)
    convert(model(), root)
    assert is_converted(model(), root)
    monkeypatch.setenv("TLBENCH_DATA", str(root))
    found = find_checkpoint("tiny", {"weights": "model.safetensors", "config": "config.json"})
    assert (found.files["weights"].read_bytes(), found.origin) == (b"weightsweights", "tiny")
    assert [path.name for path in root.iterdir()] == ["models"]


def test_what_was_damaged_or_made_of_other_files_is_converted_again(model, tmp_path):
    root = tmp_path / "data"
    convert(model(), root)
    assert not is_converted(model(content=b"newer weights"), root)
    assert is_converted(model(), root)
    (root / "models/tiny/model.safetensors").write_bytes(b"damaged")
    assert not is_converted(model(), root)
    convert(model(), root)
    assert is_converted(model(), root)


def test_a_conversion_that_fails_leaves_nothing(model, tmp_path):
    root = tmp_path / "data"
    with pytest.raises(BadInputError, match="left over"):
        convert(model("refuse"), root)
    with pytest.raises(UsageError, match=r"No module named .*pip install -U no_such_library"):
        convert(model("needs"), root)
    assert [path.name for path in (root / "models/tiny").iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"function": "toy_converters:double()"}, "MODULE:FUNCTION"),
        ({"name": "model.bin"}, "must be in the folder source/"),
        ({"head": HEAD.replace("tiny==1.0", "--pre")}, "invalid package"),
        ({"head": HEAD.replace("tiny==1.0", "tiny")}, "invalid package"),
        ({"head": HEAD.replace('packages = ["tiny==1.0"]\n', "")}, "`hub`, `url` or `packages`"),
    ],
)
def test_an_invalid_description_is_refused(model, change, says):
    with pytest.raises(ContractError, match=says):
        model(**change)


def test_a_published_model_that_is_not_here_says_how_to_download_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path))
    catalog = load_catalog()
    models = published_models(catalog.families.values())
    assert {"hf/all-minilm-l6-v2", "timm/efficientnet-lite0"} <= models.keys()
    (tmp_path / "models/all-minilm-l6-v2").mkdir(parents=True)
    (tmp_path / "models/all-minilm-l6-v2/config.json").write_text('{"model_type": "bert"}')
    assert catalog.backbone("hf/all-minilm-l6-v2").licence == models.pop("hf/all-minilm-l6-v2").licence
    for name, model in models.items():
        assert (bool(model.licence), bool(model.modality)) == (True, True)
        with pytest.raises(MissingDataError, match=f"tlbench fetch {name}"):
            catalog.backbone(name)
