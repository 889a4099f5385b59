from __future__ import annotations

import json

import pytest
from support import only, run_python

LIGHT = """
import sys
from tlbench.cli import main
try:
    main()
finally:
    print(sorted({"torch", "onnxruntime", "sklearn", "transformers", "rich"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def row(catalog, run_pairings):
    return only(run_pairings(catalog, tasks=["toy/blobs"], strategies=["finetune"]).rows)


@pytest.fixture
def export(toy_site, shared_settings):
    """Call `tlbench export` in another process."""

    def call(*words):
        board, cache = str(shared_settings.board), str(shared_settings.cache)
        return run_python(LIGHT, "export", *words, "--board", board, site=toy_site, TLBENCH_CACHE=cache)

    return call


def test_a_row_becomes_a_folder_without_torch(export, row, tmp_path):
    done = export(row.key, "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout.startswith(f"{row.file_name}: accuracy {row.score:.3f} on 120 test examples\n")
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names >= {"README.md", "model.onnx", "predict.py", "preprocess.py", "row.json", "examples/predictions.json"}
    assert all(name in done.stdout for name in names)
    assert json.loads((tmp_path / "out" / "row.json").read_text()) == json.loads(json.dumps(row.to_json()))
    assert f"p50 {row.p50_ms:.3g} ms" in (tmp_path / "out" / "README.md").read_text()


def test_files_are_listed_as_json(export, row, tmp_path):
    listed = json.loads(export(row.key, "-o", str(tmp_path / "out"), "--json").stdout)
    assert listed["row"] == row.file_name
    assert str(tmp_path / "out" / "model.onnx") in listed["files"]


def test_a_name_of_no_row_ends_with_status_2(export, row, tmp_path):
    done = export("zzz", "-o", str(tmp_path / "out"))
    assert (done.returncode, "Unknown result" in done.stderr) == (2, True)
    assert not (tmp_path / "out").exists()
