"""Data sets of a hub on 127.0.0.1, in processes of their own: the library reads its variables when it is imported."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from fakes.dataset_hub import COMMIT, serve_hub
from PIL import Image
from support import run_python

from tlbench import UsageError
from tlbench.assets.readers.hub import hub_files

pytest.importorskip("datasets")

READ = """
import json, sys
from tlbench.errors import TlbenchError
from tlbench.planning.settings import Settings
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.catalog import load_catalog

catalog, settings, found = load_catalog(), Settings(), []
for task, *places in json.loads(sys.argv[1]):
    overrides = {f"task.{side}": place for side, place in zip(("source", "target"), places)}
    run_request = RunRequest(tasks=(task,), strategies=("frozen",), seeds=(0,), overrides=overrides)
    try:
        pairing = make_plan([run_request], catalog, settings).pairings[0]
        request = pairing.load_request
        data = pairing.task.load(request)
    except TlbenchError as error:
        found.append(str(error))
        continue
    sizes = [len(half.inputs) for side in (data.source, data.target) for half in (side.train, side.test)]
    names = [path.name for path in pairing.task.files(request)]
    found.append([sizes, data.source.labels, pairing.data_options()["source"], pairing.fingerprint, sorted(names)])
print(json.dumps(found))
"""


def parquet(table, features=None):
    import pyarrow.parquet

    if features:
        said = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": said})
    stream = io.BytesIO()
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


def picture(number):
    stream = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), number, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def repositories():
    import pyarrow as pa

    classes = {"names": ["bad", "good"], "_type": "ClassLabel"}
    words = pa.table({"text": [f"word {i}" for i in range(40)], "label": [i % 2 for i in range(40)]})
    texts = {"text": {"dtype": "string", "_type": "Value"}, "label": classes}
    cells = pa.table(
        {
            "photo": [{"bytes": picture(i), "path": None} for i in range(20)],
            "label": [i % 2 for i in range(20)],
        }
    )
    images = {"photo": {"_type": "Image"}, "label": classes}
    folders = {f"{part}/{label}/{i}.png": picture(i) for part in ("train", "test") for label in "xy" for i in range(3)}
    lines = b"\n".join(b'{"text": "word %d", "label": "%s"}' % (i, (b"bad", b"good")[i % 2]) for i in range(40))
    return {
        "owner/words": {"data/train-0.parquet": parquet(words, texts), "data/test-0.parquet": parquet(words, texts)},
        "owner/lines": {"train.jsonl": lines},
        "owner/cells": {"train.parquet": parquet(cells, images), "validation.parquet": parquet(cells, images)},
        "owner/folders": folders,
        "owner/untrained": {"test.jsonl": lines},
    }


WANTED = [
    ["nlp/text-table", "hf://owner/words", f"hf://owner/lines@{COMMIT}"],
    ["vision/image-folder", "hf://owner/cells", "hf://owner/cells@main"],
    ["vision/image-folder", "hf://owner/folders", "hf://owner/folders"],
]
STRANGE = [
    ["nlp/text-table", "hf://owner/none", "hf://owner/words"],
    ["nlp/text-table", "hf://owner/words/extra", "hf://owner/words"],
    ["nlp/text-table", f"hf://owner/words@{'f' * 40}", "hf://owner/words"],
    ["nlp/text-table", "hf://owner/untrained", "hf://owner/words"],
    ["vision/image-folder", "hf://owner/words", "hf://owner/words"],
]


def read(tmp_path, address, wanted, **variables):
    """Return, for each request, what a process of its own read, or the error message."""
    where = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1", **variables}
    done = run_python(READ, json.dumps(wanted), TLBENCH_CACHE=str(tmp_path / "cache"), **where)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_data_sets_are_fetched_once_and_found_again_without_a_network(tmp_path, repositories):
    with serve_hub(repositories) as address:
        first = read(tmp_path, address, [*WANTED, *STRANGE])
    texts, cells, folders = first[:3]
    assert texts[:3] == [[40, 40, 32, 8], ["bad", "good"], f"hf://owner/words@{COMMIT}"]
    assert texts[4] == ["lines-train.arrow", "words-test.arrow", "words-train.arrow"]
    assert cells[:3] == [[20, 20, 20, 20], ["bad", "good"], f"hf://owner/cells@{COMMIT}"]
    assert folders[:3] == [[6, 6, 6, 6], ["x", "y"], f"hf://owner/folders@{COMMIT}"]
    assert "folders-train.arrow" in folders[4]
    sentences = (
        r'"hf://owner/none" could not be downloaded',
        r"'extra' not found",
        r"Revision 'f+' doesn't exist",
        r'"hf://owner/untrained" has no split "train"',
        "has 0 image columns",
    )
    for found, sentence in zip(first[3:], sentences, strict=True):
        assert re.search(sentence, str(found))
    again = read(tmp_path, "http://127.0.0.1:9", [*WANTED[:2], STRANGE[0], STRANGE[2]], HF_HUB_OFFLINE="1")
    assert again[:2] == first[:2]
    assert "could not be downloaded" in again[2]
    assert f"is not in the cache, which has {COMMIT}" in again[3]


@pytest.mark.parametrize("in_headers", [True, False])
@pytest.mark.parametrize("commit", ["../../../../../escaped", "{}/escaped"])
def test_a_commit_that_leads_out_of_the_cache_is_refused(tmp_path, repositories, commit, in_headers):
    commit = commit.format(tmp_path)
    with serve_hub(repositories, commit, in_headers) as address:
        (sentence,) = read(tmp_path, address, [["nlp/text-table", "hf://owner/lines", "hf://owner/lines"]])
    assert f"commit {commit!r}" in sentence
    assert "outside the cache" in sentence
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("place", ["hf://", "hf://a/b/c/d", "hf://a b", "hf://a/b@"])
def test_what_is_no_place_on_the_hub_is_named(place):
    with pytest.raises(UsageError, match=r"Invalid data set .*hf://OWNER/NAME"):
        hub_files(place)


def test_a_folder_of_the_same_name_is_not_taken_for_the_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner/words").mkdir(parents=True)
    with pytest.raises(UsageError, match='folder "owner/words"'):
        hub_files("hf://owner/words")
