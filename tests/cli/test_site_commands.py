"""`tlbench site` and `tlbench report`."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--references", "none", "--seeds", "2")
FEW = ("--set", "source.steps=8", "--set", "finetune.steps=4", "--device", "cpu")


@pytest.fixture
def finished(tlbench):
    status, _, errors = tlbench(*RUN, *FEW)
    assert status == 0, errors
    return tlbench


def data_of(path) -> dict:
    text = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8")).group(1)
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_site_is_one_file_with_what_plugins_say(finished, tmp_path):
    status, output, errors = finished("site", "-o", "public")
    assert status == 0, errors
    assert re.fullmatch(r"public/index.html: 2 results, [\d,]+ kB\n", output)
    assert [path.name for path in (tmp_path / "public").iterdir()] == ["index.html"]
    data = data_of(tmp_path / "public" / "index.html")
    assert data["start"] == ""
    ((name, card, *_),) = data["tasks"]
    assert data["texts"][name] == "toy/blobs"
    assert [data["texts"][heading] for heading, _ in card[2]][:2] == ["source domain", "target domain"]
    assert "tlbench run --task toy/blobs --strategy finetune --seeds 0-0" in data["texts"][data["repeat"][0]]
    assert len(data["confusions"]) == 2


def test_a_report_begins_at_a_result_and_has_those_of_its_task(finished, tmp_path):
    status, output, errors = finished("report", "finetune--s1", "-o", "report.html")
    assert status == 0, errors
    assert "report.html: 2 results, begins at toy/blobs" in output
    data = data_of(tmp_path / "report.html")
    run = data["runs"]["id"].index(data["start"])
    assert data["runs"]["seed"][run] == 1
    assert finished("report", "leaderboards/local", "-o", "other.html")[0] == 0
    assert data_of(tmp_path / "other.html")["start"] in data["runs"]["id"]


@pytest.mark.parametrize(
    "words", [("site", "nothing", "-o", "x"), ("report", "-o", "x.html"), ("report", "nothing", "-o", "x.html")]
)
def test_without_results_there_is_one_sentence(tlbench, tmp_path, words):
    status, _, errors = tlbench(*words)
    assert status == 2
    assert errors.startswith("Error: ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "x").exists()
