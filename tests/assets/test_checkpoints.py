"""Files of checkpoints, from disk and from a hub on 127.0.0.1."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest
from fakes import web_server
from fakes.model_hub import COMMIT, Hub, serve
from support import run_python

from tlbench import BadInputError, MissingDataError
from tlbench.assets import hub_client
from tlbench.assets.checkpoints import cached_json, find_checkpoint

FILES = {"config": "config.json", "weights": ("model.safetensors", "pytorch_model.bin")}
FIND = """
import json, sys
from tlbench.assets.checkpoints import find_checkpoint
from tlbench.errors import MissingDataError

try:
    found = find_checkpoint(sys.argv[1], json.loads(sys.argv[2]), optional=sys.argv[3:])
    print(json.dumps([{role: str(path) for role, path in found.files.items()}, found.origin]))
except MissingDataError as error:
    sys.exit(str(error))
print("torch" in sys.modules)
"""


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def ask(home):
    """Finds a checkpoint in a process of its own, for huggingface_hub reads its variables when it is imported."""

    def asks(hub, name="tiny/model", files=FILES, optional=(), **variables):
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_ETAG_TIMEOUT": "1", **variables}
        return run_python(FIND, name, json.dumps(files), *optional, HF_HOME=str(home), **variables)

    return asks


def kept(home: Path) -> list[str]:
    """Return the contents of all files that a hub's client keeps, beside its locks and notes."""
    return sorted(path.read_text() for path in home.glob("hub/models--*/blobs/*"))


def test_a_checkpoint_of_the_hub_is_downloaded_once_and_then_found_offline(ask, home):
    with serve(Hub("tiny/model", {"config.json": b"{}", "pytorch_model.bin": b"weights"})) as hub:
        first = ask(hub)
        assert first.returncode == 0, first.stderr
        files, origin = json.loads(first.stdout.splitlines()[0])
        assert origin == f"tiny/model@{COMMIT}"
        assert {role: Path(path).name for role, path in files.items()} == {
            "config": "config.json",
            "weights": "pytorch_model.bin",
        }
        assert Path(files["weights"]).read_bytes() == b"weights"
        assert first.stdout.splitlines()[1] == "False"
        asked = len(hub.asked)
        assert ask(hub).stdout == first.stdout
        assert len(hub.asked) == asked
    assert ask(hub, HF_HUB_OFFLINE="1").stdout == first.stdout


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"truncated": ("config.json",)}, ""),
        ({"swapped": ("config.json",)}, "checksum mismatch"),
        ({"silent": ("config.json",)}, "time"),
        ({"length": 10**13}, "10,000,000,000,000 bytes; the limit is"),
        ({"files": {}}, "the file does not exist"),
        ({"repository": "other/model"}, "the repository does not exist"),
    ],
    ids=["truncated", "swapped", "silent", "too large", "absent", "unknown"],
)
def test_what_a_hub_cannot_give_is_said_in_a_sentence_and_leaves_nothing(ask, home, fault, says):
    with serve(Hub(**{"repository": "tiny/model", "files": {"config.json": b"some text"}, **fault})) as hub:
        done = ask(hub)
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith('"config.json" of "tiny/model" is not in the cache')
    assert str(home) in message
    assert hub.endpoint in message
    assert says in message
    assert kept(home) == []


def test_a_damaged_file_is_not_replaced_by_another_form_of_the_weights(ask, home):
    files = {"config.json": b"{}", "model.safetensors": b"some text", "pytorch_model.bin": b"others"}
    with serve(Hub("tiny/model", files, swapped=("model.safetensors",))) as hub:
        done = ask(hub)
    assert done.returncode == 1
    assert "checksum mismatch" in done.stderr.splitlines()[-1]
    assert not any("pytorch_model.bin" in request for request in hub.asked)
    assert kept(home) == ["{}"]


def test_a_file_that_came_damaged_is_fetched_again(ask, home):
    files = {"config.json": b"some text", "model.safetensors": b"w"}
    with serve(Hub("tiny/model", files, swapped=("config.json",))) as hub:
        assert ask(hub).returncode == 1
    with serve(Hub("tiny/model", files)) as hub:
        again = ask(hub)
    assert again.returncode == 0, again.stderr
    assert kept(home) == ["some text", "w"]


@pytest.mark.parametrize("away", ["../../../../escaped", "{}/escaped", "..", "a/b"])
def test_a_hub_s_names_never_lead_out_of_the_cache(ask, home, tmp_path, away):
    away = away.format(tmp_path)
    for names in ({"tag": away}, {"commit": away}, {"commit": away, "files": {}}):
        with serve(Hub(**{"repository": "tiny/model", "files": {"config.json": b"{}"}, **names})) as hub:
            done = ask(hub, files={"config": "config.json"})
        assert done.returncode == 1
        assert f"{away!r}: it is outside the cache" in done.stderr
        assert "GET config.json" not in hub.asked, "refused before it is downloaded"
    assert not list(tmp_path.rglob("*escaped*"))
    assert kept(home) == []


def test_a_hub_that_crawls_is_given_up(monkeypatch):
    monkeypatch.setattr(hub_client, "PERIOD", 0.2)
    with web_server.serve({"/file": bytes(200)}) as site:
        site.drip = 0.02
        client = httpx2.Client(event_hooks={"response": [hub_client.check]}, trust_env=False)
        with pytest.raises(hub_client.HubAnswerError, match=r"it sent \d+ bytes in 0 s"):
            client.get(f"{site.address}/file")


def test_a_hub_whose_answer_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(hub_client, "UNSAID", 2**20)
    with web_server.serve({"/file": b"x"}) as site:
        site.endless = True
        client = httpx2.Client(event_hooks={"response": [hub_client.check]}, trust_env=False)
        with pytest.raises(hub_client.HubAnswerError, match="more than 1 MiB"):
            client.get(f"{site.address}/file")


@pytest.mark.parametrize("name", ["../config.json", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_names_of_files_that_lead_out_of_a_checkpoint_are_refused(tmp_path, name):
    (tmp_path / "model").mkdir()
    (tmp_path / "config.json").write_text("{}")
    for place in (str(tmp_path / "model"), "tiny/model"):
        with pytest.raises(BadInputError, match="Invalid file name"):
            find_checkpoint(place, {"part": name})


def test_without_a_network_the_sentence_says_so(ask):
    done = ask(Hub("tiny/model", {}, endpoint="http://127.0.0.1:9"), HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in done.stderr
    assert ask(Hub("tiny/model", {}, endpoint="http://127.0.0.1:9")).returncode == 1


def test_an_optional_file_may_be_lacking(ask):
    with serve(Hub("tiny/model", {"config.json": b"{}"})) as hub:
        done = ask(hub, optional=["weights"])
    assert list(json.loads(done.stdout.splitlines()[0])[0]) == ["config"]


def test_a_folder_and_a_file_are_known_by_their_own_name(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_text("w")
    found = find_checkpoint(str(folder), FILES)
    assert found.origin == "own"
    assert found.files == {"config": folder / "config.json", "weights": folder / "pytorch_model.bin"}
    alone = find_checkpoint(str(folder / "pytorch_model.bin"), FILES)
    assert (alone.origin, list(alone.files)) == ("pytorch_model.bin", ["weights"])


def test_a_relative_path_is_looked_up_below_the_data_root_too(tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path))
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "w.th").write_bytes(b"w")
    assert find_checkpoint("net/w.th", FILES).files == {"weights": tmp_path / "net" / "w.th"}


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "model.pth", "no spaces allowed"])
def test_a_place_where_nothing_is_is_missing(name):
    with pytest.raises(MissingDataError, match=r"[Cc]heck (its path|the name)"):
        find_checkpoint(name, FILES)


def test_a_file_of_something_else_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(BadInputError, match=r'notes.txt".*.safetensors'):
        find_checkpoint(str(tmp_path / "notes.txt"), {"weights": "model.safetensors"})
    with pytest.raises(MissingDataError, match=r'notes.txt" is a file.*"config.json"'):
        find_checkpoint(str(tmp_path / "notes.txt"), {"config": "config.json"})


def test_a_folder_that_lacks_a_file_says_which(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingDataError, match=r'lacks "model.safetensors" or "pytorch_model.bin"'):
        find_checkpoint(str(tmp_path), FILES)
    assert list(find_checkpoint(str(tmp_path), FILES, optional=["weights"]).files) == ["config"]


@pytest.mark.parametrize("damage", [b"[]", b'{"names": ["other"]}', b"[" * 100_000])
def test_what_is_remembered_is_computed_again_if_it_is_damaged(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path))
    whole = {"names": ["resnet18"]}
    assert cached_json("library 1.0", lambda: whole) == whole
    assert cached_json("library 1.0", dict) == whole
    (memory,) = (tmp_path / "known").iterdir()
    memory.write_bytes(damage)
    assert cached_json("library 1.0", lambda: whole) == whole
    assert cached_json("library 1.0", dict) == whole
