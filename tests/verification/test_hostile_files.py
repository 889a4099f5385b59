"""Predictions that somebody made to break the verification cost a sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tlbench.verification.board import verify_board, verify_row


def nan(arrays):
    arrays["predictions"] = np.full_like(arrays["predictions"], np.nan)


def beyond(arrays):
    arrays["targets"] = arrays["targets"] + 10**12


def negative(arrays):
    arrays["targets"] = -arrays["targets"] - 1


def wide(arrays):
    arrays["predictions"] = np.zeros((len(arrays["targets"]), 5000), np.float16)


def flat(arrays):
    arrays["predictions"] = np.zeros(len(arrays["targets"]), np.float32)


def no_labels(arrays):
    arrays["labels"] = np.array([], np.str_)


def broken_references(arrays):
    arrays["references"] = np.array(["{"] * len(arrays["counts"]))


@pytest.mark.parametrize("change", [nan, beyond, negative, wide, flat, no_labels, broken_references])
def test_predictions_that_make_no_sense_are_wrong_in_a_sentence(forger, speakers, change, capfd):
    arrays = forger.arrays()
    change(arrays)
    forger.save(arrays)
    report = verify_board(forger.board, speakers)
    problems = [str(problem) for problem in report.problems if "finetune" in problem.file]
    assert report.status == 1
    assert problems
    assert all(problem.isprintable() and len(problem) < 600 for problem in problems)
    assert capfd.readouterr() == ("", "")


def test_predictions_that_are_no_zip_file_are_wrong(forger, speakers):
    path, row = forger.path().with_suffix(".npz"), forger.row()
    path.write_bytes(b"PK\x03\x04 nothing else")
    forger.hashed(path, row)
    report = verify_row(path.with_suffix(".json"), speakers)
    (problem,) = report.problems
    assert (problem.field, "they cannot be read" in str(problem), report.status) == ("predictions", True, 1)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a/b", "", "x" * 200])
def test_a_latency_file_is_one_of_the_board(forger, speakers, name):
    path, row = forger.path(), forger.row()
    forger.write(dataclasses.replace(row, latency=name))
    (problem,) = verify_row(path, speakers).problems
    assert (problem.field, ", expected letters, digits" in str(problem)) == ("latency", True)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"raw_ms": "x"}', b'{"raw_ms": [0, 0, 0, 0, 0]}', b"[" * 10**5])
def test_a_damaged_latency_file_is_named(forger, speakers, content):
    (path,) = (forger.board / "latency").glob("*.json")
    row = forger.path()
    path.write_bytes(content)
    (problem,) = verify_row(row, speakers).problems
    assert (problem.field, path.name in str(problem)) == ("latency", True)
