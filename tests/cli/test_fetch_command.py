from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

import pytest
from fakes.web_server import serve

PLUGIN = """
from pathlib import Path
import dataclasses
import tlbench_data.own
from tlbench import hookimpl

@hookimpl
def tlbench_tasks():
    task = next(task for task in tlbench_data.own.own_tasks() if task.name == "anomaly/table")
    return [dataclasses.replace(task, name="anomaly/mine", origins=(Path(__file__).with_name("mine.toml"),))]
"""
TABLE = b"a,label\n" + b"".join(b"%d,%s\n" % (i, b"normal" if i % 3 else b"odd") for i in range(60))


@pytest.fixture
def own(tmp_path, site, monkeypatch):
    """A plugin in a file, one task of which says where its data comes from."""
    (tmp_path / "fetching_plugin.py").write_text(PLUGIN)
    (tmp_path / "mine.toml").write_text(
        'title = "Mine"\nfolder = "mine"\nurl = "https://host/v1/"\nlicence = "CC0"\ncite = "Me 2024"\n'
        f'[files]\n"a.csv" = "{sha256(TABLE).hexdigest()}"\n'
    )
    return ("--plugin", str(tmp_path / "fetching_plugin.py"))


def test_a_stranger_s_task_is_fetched_with_its_licence_and_citation(tlbench, own, tmp_path, monkeypatch):
    with serve({"/v1/a.csv": TABLE}) as site:
        monkeypatch.setenv("TLBENCH_MIRROR", site.address)
        words = ("fetch", "anomaly/mine", "--data", str(tmp_path / "data"), *own)
        status, output, _ = tlbench(*words)
        assert (status, (tmp_path / "data/mine/a.csv").read_bytes()) == (0, TABLE)
        for words_shown in ("licence  CC0", "cite     Me 2024", "1 downloaded, 0 already present", "TLBENCH_DATA="):
            assert words_shown in output
        monkeypatch.setenv("TLBENCH_DATA", str(tmp_path / "data"))
        status, output, _ = tlbench("fetch", "anomaly/mine", *own)
        assert (status, "0 downloaded, 1 already present" in output, "TLBENCH_DATA=" in output) == (0, True, False)
        assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("medical/wbc",), "--data DIR"),
        (("medical/wcb", "--data", "d"), '"medical/wbc"'),
        (("vision/digits", "--data", "d"), '"vision/digits" has no data to download'),
        (("nlp/text-table", "--data", "d"), "your own files"),
        (("--data", "d"), "--suite real"),
        (("--suite", "embedded", "--data", "d"), "Nothing to download"),
    ],
)
def test_a_request_that_makes_no_sense_ends_with_one_sentence(tlbench, words, message):
    status, _, errors = tlbench("fetch", *words)
    assert (status, message in errors, "Traceback" in errors) == (2, True, False), errors


def test_a_failed_fetch_ends_with_status_2(tlbench, monkeypatch):
    monkeypatch.setattr("tlbench.assets.download.RETRIES", 0)
    monkeypatch.setenv("TLBENCH_MIRROR", "http://127.0.0.1:9")
    status, _, errors = tlbench("fetch", "--suite", "real", "--data", "d")
    assert (status, "not reachable" in errors) == (2, True)


def test_a_task_whose_files_lack_says_how_to_fetch_them(tlbench):
    status, _, errors = tlbench("run", "--task", "nlp/sentiment-vader")
    assert (status, "tlbench fetch nlp/sentiment-vader" in errors) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_fetch_in_the_middle_of_a_download(own, tmp_path, number):
    with serve({"/v1/a.csv": TABLE}) as site:
        site.drip = 1.0
        process = subprocess.Popen(
            [sys.executable, "-m", "tlbench", "fetch", "anomaly/mine", "--data", str(tmp_path / "data"), *own],
            env={**os.environ, "TLBENCH_MIRROR": site.address},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # A suite that a shell runs in the background has been told to ignore Ctrl-C, and so would this be.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        while not site.asked:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, "Stopped." in errors, "Traceback" in errors) == (128 + number, True, False), errors
    assert list((tmp_path / "data").rglob("*")) == []


def test_what_cannot_be_downloaded_does_not_keep_the_rest_from_coming(tlbench, own, tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench.assets.download.RETRIES", 0)
    # Python has a module of the other name already.
    own = ("--plugin", str((tmp_path / "fetching_plugin.py").rename(tmp_path / "fetching_again.py")))
    with serve({"/v1/a.csv": TABLE}) as site:
        monkeypatch.setenv("TLBENCH_MIRROR", site.address)
        names = ("nlp/sentiment-vader", "anomaly/mine")
        status, _, errors = tlbench("fetch", *names, "--data", str(tmp_path / "data"), *own)
    assert (status, "HTTP 404" in errors) == (2, True), errors
    assert (tmp_path / "data/mine/a.csv").read_bytes() == TABLE
    assert "1 of 2 could not be downloaded, for the reasons above: Rated snippets of VADER." in errors


def test_only_published_models_can_be_fetched(tlbench):
    status, _, errors = tlbench("fetch", "timm/efficientnet", "--data", "d")
    assert (status, 'Did you mean "timm/efficientnet-lite0"' in errors) == (2, True)
