"""Names and texts that are not ASCII, in a process whose locale knows ASCII alone."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import C_LOCALE, run_python

ROOT = Path(__file__).parents[2]
MAIN = "from tlbench.cli import main; main()"
UTF8 = {"PYTHONUTF8": "1"}


def calls(path):
    """Yield the calls in a module that read or write text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        modes = ast.unparse(node.args[isinstance(node.func, ast.Name) :])
        if name in ("read_text", "write_text") or (name == "open" and "b" not in modes):
            yield node


OPENS_NO_TEXT = ("os.open(", "wheel.open(", "tarfile.open(", "Image.open(", "webbrowser.open(")


@pytest.mark.parametrize("folder", ["tlbench", "plugins", "docs"])
def test_every_text_is_opened_with_its_encoding(folder):
    """Else it is read by the locale of whoever runs it."""
    bare = [
        f"{path}:{call.lineno}: {ast.unparse(call)}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for call in calls(path)
        if "encoding" not in {keyword.arg for keyword in call.keywords}
        and not ast.unparse(call).startswith(OPENS_NO_TEXT)
    ]
    assert not bare


@pytest.fixture
def sides(tmp_path):
    """Two sides of two classes, named in Cyrillic and in bytes that are not UTF-8."""
    random = np.random.default_rng(0)
    for side in ("source", "target"):
        for label in ("кошка".encode(), b"caf\xe9"):
            folder = Path(os.fsdecode(os.fsencode(tmp_path / side) + b"/" + label))
            folder.mkdir(parents=True)
            for number in range(10):
                Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).save(folder / f"{number}.png")
    return tmp_path


def inspect(folder, *words, **variables):
    places = [word for side in ("source", "target") for word in ("--set", f"task.{side}={folder / side}")]
    return run_python(MAIN, "inspect", "vision/image-folder", *places, *words, **variables)


@pytest.mark.parametrize("variables", [C_LOCALE, UTF8], ids=["C", "UTF-8"])
def test_files_of_any_names_are_inspected_in_any_locale(sides, variables):
    done = inspect(sides, "--json", **variables)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(line["class"], line["source test"]) for line in found["classes"]] == [("caf\\xe9", 2), ("кошка", 2)]
    assert found["splits"][0]["examples"] == 16


@pytest.mark.parametrize("variables", [C_LOCALE, UTF8], ids=["C", "UTF-8"])
def test_a_fault_in_a_file_of_such_a_name_is_printed(sides, variables):
    (sides / "source" / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.png")).write_text("no image")
    done = inspect(sides, **variables)
    assert done.returncode == 2, done.stderr
    assert r"caf\udce9/\udcff.png" in done.stdout.replace("\n", "")
    assert done.stderr == ""


def test_both_locales_hold_out_the_same_files(sides):
    """The split goes by hashes of names."""
    code = """
import sys
from pathlib import Path
from tlbench.planning.fingerprints import fingerprint
from tlbench.assets.readers.folders import example_files, file_parts
parts = file_parts(Path(sys.argv[1]), (".png",))
print([path.name for path in parts.test.inputs], fingerprint(example_files(parts), Path(sys.argv[2])))
"""
    words = (str(sides / "source"), str(sides / "cache"))
    plain, other = run_python(code, *words, **UTF8), run_python(code, *words, **C_LOCALE)
    assert plain.stdout == other.stdout != "", plain.stderr + other.stderr
