from __future__ import annotations

from hashlib import sha256

import pytest
from PIL import Image

from tlbench.assets.registry import read_origin
from tlbench.errors import ContractError
from tlbench.planning.catalog import load_catalog

HEAD = 'title = "Words"\nfolder = "words"\nurl = "https://host/owner/words/c0ffee/"\nlicence = "CC0"\ncite = "Me"\n'


@pytest.fixture
def origin(tmp_path):
    def write(files, head=HEAD):
        path = tmp_path / "words.toml"
        path.write_text(f"{head}\n[files]\n{files}\n")
        return path

    return write


def test_a_file_s_address_is_its_name_behind_the_data_set_s(origin):
    data_set = read_origin(origin('"a b/one+.txt" = "12"\n"two.txt" = { from = "raw/2.txt", sha256 = "34" }'))
    assert (data_set.folder, data_set.licence, data_set.cite) == ("words", "CC0", "Me")
    assert [(file.name, file.url, file.sha256) for file in data_set.files] == [
        ("a b/one+.txt", "https://host/owner/words/c0ffee/a%20b/one%2B.txt", "12"),
        ("two.txt", "https://host/owner/words/c0ffee/raw/2.txt", "34"),
    ]


def test_the_files_of_an_archive_have_its_address(origin):
    data_set = read_origin(origin('"one.txt" = "12"\n"two.txt" = "34"', HEAD + 'archive = "words.tar.gz"'))
    assert {file.url for file in data_set.files} == {"https://host/owner/words/c0ffee/words.tar.gz"}


@pytest.mark.parametrize(
    "name", ["../one.txt", "/one.txt", "a/../../one.txt", "", r"a\u0000", r"a\u001b[31m", r"a\\b", "x" * 256]
)
def test_no_file_leaves_its_folder(origin, name):
    with pytest.raises(ContractError, match="invalid file name"):
        read_origin(origin(f'"{name}" = "12"'))


@pytest.mark.parametrize(
    ("files", "head"),
    [
        ("one.txt", HEAD),
        ('"one.txt" = 1', HEAD),
        ('"one.txt" = { from = "one.txt", sha256 = 3 }', HEAD),
        ('"one.txt" = "12"', HEAD + "largest = -1"),
        ('"one.txt" = "12"', HEAD + "largest = 2_000_000_000_000"),
        ('"one.txt" = "12"', HEAD + f"more = {'[' * 20_000}"),
        ('"one.txt" = "12"', ""),
        ('"one.txt" = "12"', HEAD + "more = 1"),
    ],
)
def test_a_file_that_describes_no_data_is_named(origin, files, head):
    with pytest.raises(ContractError, match=r'words.toml"'):
        read_origin(origin(files, head))


def test_an_image_may_be_known_by_its_pixels(origin, tmp_path):
    image = Image.new("RGB", (2, 3), (10, 20, 30))
    known = sha256(b"2x3" + bytes([10, 20, 30]) * 6).hexdigest()
    (file,) = read_origin(origin(f'"one.bmp" = "pixels:{known}"')).files
    for name in ("a.bmp", "a.png"):
        image.save(tmp_path / name)
        assert file.matches(tmp_path / name)
    image.putpixel((0, 0), (10, 20, 31))
    image.save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("no image")
    assert not file.matches(tmp_path / "a.png")
    assert not file.matches(tmp_path / "a.txt")


SHIPPED = {path: read_origin(path) for task in load_catalog().tasks.values() for path in task.origins}
MODELS = [read_origin(path) for family in load_catalog().families.values() for path in family.origins]
BY_HAND = {"vision/amazon-caltech", "vision/amazon-webcam", "medical/lung-colon", "nlp/ner-wiki-web"}
BY_HAND |= {"speech/speakers-telephone", "vision/imagenet-webcam", "speech/digit-strings", "speech/sentences"}
BY_HAND |= {"vision/licence-plates", "vision/playing-cards", "nlp/qa-shift", "nlp/summaries", "speech/speaker-pairs"}
BY_HAND |= {"medical/retina-vessels", "anomaly/zeek-flows"}
"""Tasks whose data nobody may publish, or that was cut from what is published and lies nowhere to be fetched."""


def test_every_task_on_published_data_says_where_it_comes_from():
    tasks = [task for task in load_catalog().tasks.values() if task.data_from == "data-root"]
    assert all(task.licence for task in tasks)
    assert {task.name for task in tasks if not task.origins} == BY_HAND
    assert len(tasks) == 9 + len(BY_HAND)


@pytest.mark.parametrize("data_set", SHIPPED.values(), ids=[path.stem for path in SHIPPED])
def test_shipped_origins_name_a_commit_and_hashes(data_set):
    assert any(len(part) == 40 and int(part, 16) for part in data_set.url.split("/") if len(part) == 40)
    for file in data_set.files:
        assert len(bytes.fromhex(file.sha256.removeprefix("pixels:"))) == 32


@pytest.mark.parametrize("model", MODELS, ids=[model.model for model in MODELS])
def test_shipped_models_name_versions_and_hashes(model):
    assert model.packages, "no model needs a hub"
    assert not model.hub or len(bytes.fromhex(model.hub.partition("@")[2])) == 20
    assert {len(bytes.fromhex(file.sha256)) for file in model.files} == {32}
    assert model.modality in ("image", "text", "audio")
