"""A table beside folders or files that lists them is not passed over without a word."""

from __future__ import annotations

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.folders import file_parts

PARTS = ("images_001", "images_002")


def fill(root, folders, header="filename,label", paths=True):
    """Write ten files into each folder, and a table that lists them."""
    rows = [header]
    for folder in folders:
        (root / folder).mkdir(exist_ok=True)
        for number in range(10):
            name = f"{number}-{folder or 'loose'}.png"
            (root / folder / name).touch()
            rows.append(f"{folder}/{name},{'cat' if number % 2 else 'dog'}" if paths and folder else f"{name},cat")
    (root / "labels.csv").write_text("\n".join(rows))
    return root


def seen(root):
    faults = CollectedFaults()
    try:
        file_parts(root, (".png",), faults=faults)
    except BadInputError as error:
        faults.add(error)
    return faults.notes, [str(error) for error in faults.errors]


def test_a_table_beside_class_folders_is_named(tmp_path):
    notes, refused = seen(fill(tmp_path, PARTS))
    table = tmp_path / "labels.csv"
    assert refused == []
    assert any(f'"{table}" lists files' in note and f"--set task.target={table}" in note for note in notes)
    parts = file_parts(table, (".png",))
    assert set(parts.train.labels) == {"cat", "dog"}


@pytest.mark.parametrize("folders", [("images",), ("",)], ids=["one folder", "no folder"])
def test_a_table_beside_the_only_folder_is_to_be_used_instead(tmp_path, folders):
    root = fill(tmp_path, folders)
    with pytest.raises(BadInputError, match=r"labels.csv\" lists files .*--set task.target=.*labels.csv"):
        file_parts(root, (".png",))


def test_a_table_of_names_without_their_folder_is_named_with_what_it_lacks(tmp_path):
    _, refused = seen(fill(tmp_path, ("images",), paths=False))
    assert "use the table, with paths that begin at the folder of the table" in refused[0]


def test_a_table_of_something_else_is_only_counted(tmp_path):
    fill(tmp_path, PARTS)
    (tmp_path / "labels.csv").write_text("class,meaning\nimages_001,cats\n")
    (tmp_path / "broken.csv").write_bytes(b"\xff\xfe\x00")
    notes, refused = seen(tmp_path)
    assert refused == []
    assert len(notes) == 1
    assert "2 end in .csv" in notes[0]


@pytest.mark.parametrize("content", ["", "a,b\n", f"caption\n{'x' * 400}\n"])
def test_a_table_of_something_else_is_no_fault(tmp_path, content):
    fill(tmp_path, PARTS)
    (tmp_path / "labels.csv").write_text(content)
    notes, refused = seen(tmp_path)
    assert refused == []
    assert not [note for note in notes if "lists files" in note]
