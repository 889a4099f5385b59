from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from fakes.web_server import serve
from PIL import Image

from tlbench import BadInputError, LoadRequest
from tlbench.assets import download as module
from tlbench.assets.fetch import fetch, lacking
from tlbench.assets.registry import read_origin
from tlbench.errors import MissingDataError, UsageError
from tlbench.planning.catalog import load_catalog

FILES = {f"part {number}/{number}.txt": f"text {number}\n".encode() * 100 for number in range(8)}
ROOT = "/owner/words/c0ffee/"


def describe(folder, files=FILES, more=""):
    hashes = "\n".join(f'"{name}" = "{sha256(content).hexdigest()}"' for name, content in files.items())
    path = folder / "words.toml"
    path.write_text(
        f'title = "Words"\nfolder = "words"\nurl = "https://host{ROOT}"\nlicence = "CC0"\ncite = "Me"\n{more}\n'
        f"[files]\n{hashes}\n"
    )
    return read_origin(path)


@pytest.fixture
def site():
    with serve({ROOT + name: content for name, content in FILES.items()}) as served:
        yield served


@pytest.fixture
def words(tmp_path):
    return describe(tmp_path)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def get(words, site, root, monkeypatch):
    """Fetches what lacks, without a second try; returns how many files came."""
    monkeypatch.setattr(module, "RETRIES", 0)
    monkeypatch.setattr("tlbench.assets.fetch.LOOK", 0.1)
    monkeypatch.setattr("tlbench.assets.fetch.GRACE", 0.5)

    def call(data_set=words, mirror=site.address):
        come = []
        fetch(data_set, lacking(data_set, root), root, mirror, lambda: come.append(1))
        return len(come)

    return call


def contents(root):
    return {str(path.relative_to(root / "words")): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_files_come_to_their_places_and_nothing_else(get, root, words):
    assert get() == len(FILES)
    assert contents(root) == FILES
    assert [path.name for path in root.iterdir()] == ["words"]
    assert lacking(words, root) == []


def test_only_what_lacks_or_is_damaged_is_fetched_again(get, root, site):
    get()
    site.asked.clear()
    (root / "words/part 1/1.txt").write_text("damaged")
    (root / "words/part 2/2.txt").unlink()
    assert get() == 2
    assert sorted(site.asked) == [f"{ROOT}part 1/1.txt", f"{ROOT}part 2/2.txt"]
    assert contents(root) == FILES


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"statuses": {f"{ROOT}part 3/3.txt": 404}}, r"part%203/3.txt returned HTTP 404"),
        ({"statuses": {f"{ROOT}part 3/3.txt": 503}}, "HTTP 503"),
        ({"cut": 10}, r'"Words" failed: .*http://127.*txt'),
        ({"silence": 1.0}, "sent nothing for 0.2 s"),
        ({"files": dict.fromkeys((ROOT + name for name in FILES), b"other")}, "checksum mismatch"),
    ],
)
def test_what_cannot_be_had_is_named_and_leaves_no_half_file(get, root, site, monkeypatch, fault, sentence):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    for name, value in fault.items():
        setattr(site, name, value)
    with pytest.raises(MissingDataError, match=sentence):
        get()
    assert contents(root).items() <= FILES.items()
    assert not (root / ".fetch").exists()
    site.cut, site.silence, site.files = 0, 0.0, {ROOT + name: content for name, content in FILES.items()}
    get()
    assert contents(root) == FILES


def test_a_server_that_sends_more_than_the_limit_is_cut_off(get, root, site, tmp_path):
    site.endless = True
    with pytest.raises(MissingDataError, match=r"300,000 bytes"):
        get(describe(tmp_path, more="largest = 300_000"))
    assert contents(root) == {}


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [({"PERIOD": 0.3}, "sent less than 64 KiB in 0.3 s"), ({"LONGEST": 0.3}, "whole file in 0.3 s")],
)
def test_a_server_that_crawls_is_given_up(get, root, site, monkeypatch, limit, sentence):
    for name, value in limit.items():
        monkeypatch.setattr(module, name, value)
    site.drip = 0.01
    with pytest.raises(MissingDataError, match=sentence):
        get()
    assert contents(root) == {}


def test_a_server_that_is_not_there_is_named(get):
    with pytest.raises(MissingDataError, match=r"http://127.0.0.1:9/owner/words/.* not reachable"):
        get(mirror="http://127.0.0.1:9/")


def test_a_passing_fault_is_tried_again(get, root, site, monkeypatch):
    monkeypatch.setattr(module, "RETRIES", 1)
    site.statuses[f"{ROOT}part 3/3.txt"] = 503
    assert get() == len(FILES)


def test_a_root_that_cannot_be_written_is_named(get, root):
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file")
    with pytest.raises(UsageError, match="not writable"):
        get()


def test_members_of_an_archive_are_found_by_their_names(tmp_path, root, get):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in {**FILES, "../../evil.txt": b"evil", "more.txt": b"more"}.items():
            member = tarfile.TarInfo(f"somewhere/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data_set = describe(tmp_path, more='archive = "words.tar.gz"')
    with serve({f"{ROOT}words.tar.gz": stream.getvalue()}) as site:
        assert get(data_set, site.address) == len(FILES)
        assert site.asked == [f"{ROOT}words.tar.gz"]
    assert contents(root) == FILES
    (root / "words/part 1/1.txt").unlink()
    for content in (b"no archive", stream.getvalue()[:200]):
        with (
            serve({f"{ROOT}words.tar.gz": content}) as site,
            pytest.raises(MissingDataError, match="damaged or different archive"),
        ):
            get(data_set, site.address)


def test_a_second_fetch_waits_for_nobody(get, root):
    from filelock import FileLock

    (root / ".fetch").mkdir(parents=True)
    with FileLock(root / ".fetch/lock"), pytest.raises(UsageError, match='"tlbench fetch" is already running'):
        get()


def test_after_a_kill_the_same_call_goes_on(words, root, site, get):
    code = """
import sys
from pathlib import Path
from tlbench.assets.fetch import fetch
from tlbench.assets.registry import read_origin
data_set = read_origin(Path(sys.argv[1]))
fetch(data_set, data_set.files, Path(sys.argv[2]), sys.argv[3], lambda: None)
"""
    site.silence = 0.3
    toml = root.parent / "words.toml"
    process = subprocess.Popen([sys.executable, "-c", code, str(toml), str(root), site.address])
    deadline = time.monotonic() + 60
    while not list(root.glob("words/*/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    come = list(root.glob("words/*/*"))
    assert all(path.read_bytes() == FILES[str(path.relative_to(root / "words"))] for path in come)
    site.silence = 0.0
    site.asked.clear()
    get()
    assert contents(root) == FILES
    assert len(site.asked) == len(FILES) - len(come) < len(FILES)
    assert not (root / ".fetch").exists()


SHIPPED = {path.stem: read_origin(path) for task in load_catalog().tasks.values() for path in task.origins}


def original(data_root: Path, folder: str, name: str) -> bytes:
    """Return a published file; of the cells, the folder of real data has PNG files in class folders."""
    if not name.endswith(".bmp"):
        return (data_root / folder / name).read_bytes()
    laboratory, image = name.split("/")
    (path,) = (data_root / folder / laboratory.lower().replace(" ", "")).glob(f"*/{Path(image).stem}.png")
    stream = io.BytesIO()
    Image.open(path).save(stream, "BMP")
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(SHIPPED.keys() - {"wbc"}))
def test_shipped_hashes_are_those_of_the_real_data(name, data_root):
    assert lacking(SHIPPED[name], data_root) == []


def test_cells_are_fetched_as_they_are_published(data_root, root, get):
    data_set = SHIPPED["wbc"]
    files = {unquote(urlsplit(file.url).path): original(data_root, "wbc", file.name) for file in data_set.files}
    with serve(files) as site:
        assert get(data_set, site.address) == 402
    task = load_catalog().task("medical/wbc")
    options = {option.name: option.default for option in task.options}
    read = [task.load(LoadRequest(task=task.name, options=options, data_root=folder)) for folder in (root, data_root)]
    for side in ("source", "target"):
        for part in ("train", "test"):
            fetched, sorted_by_class = (getattr(getattr(data, side), part) for data in read)
            assert list(fetched.labels) == list(sorted_by_class.labels)
            assert np.array_equal(np.stack(fetched.inputs), np.stack(sorted_by_class.inputs))
    paths = task.files(LoadRequest(task=task.name, options=options, data_root=root))
    assert [path.name for path in paths[:2]] == ["Class Labels of Dataset 1.csv", "Class Labels of Dataset 2.csv"]
    paths[2].unlink()
    with pytest.raises(BadInputError, match=r'Dataset 1.csv", line \d+: .*does not exist'):
        task.load(LoadRequest(task=task.name, options=options, data_root=root))
