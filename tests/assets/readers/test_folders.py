from __future__ import annotations

import os
from pathlib import Path

import pytest

from tlbench import BadInputError, LoadRequest, MissingDataError, TaskLabels, UsageError
from tlbench.assets.readers.domains import task_data, task_labels
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.folders import (
    IMAGE_SUFFIXES,
    class_files,
    class_sides,
    example_files,
    file_parts,
    files_read,
    integer_option,
    option_path,
)


def fill(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def request(root=None, **options):
    return LoadRequest(task="a/b", options={"source": "", "target": "", **options}, data_root=root)


def names(files):
    return [f"{path.parent.name}/{path.name}" for path in files.inputs]


def test_files_come_by_class_and_name(tmp_path):
    fill(tmp_path, "cat/2.png", "cat/10.PNG", "ant/1.jpg")
    files = class_files(tmp_path, (".png", ".jpg"))
    assert names(files) == ["ant/1.jpg", "cat/10.PNG", "cat/2.png"]
    assert files.labels == ["ant", "cat", "cat"]


def test_what_is_no_data_is_passed_over(tmp_path):
    fill(tmp_path, "cat/1.png", "cat/.hidden.png", "cat/notes.txt", ".git/x.png", "__MACOSX/x.png", "README.png")
    assert names(class_files(tmp_path, (".png",))) == ["cat/1.png"]


def test_classes_can_be_chosen(tmp_path):
    fill(tmp_path, "cat/1.png", "dog/1.png", "eel/1.png")
    assert names(class_files(tmp_path, (".png",), ("eel", "cat"))) == ["eel/1.png", "cat/1.png"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    fill(tmp_path, "file")
    with pytest.raises(BadInputError, match=r'file" cannot be read as a folder \(Not a directory\): check'):
        class_files(tmp_path / "file", (".png",))


def test_a_folder_without_folders_is_named(tmp_path):
    fill(tmp_path, "1.png")
    with pytest.raises(BadInputError, match="no subfolders"):
        class_files(tmp_path, (".png",))


def test_an_empty_class_is_named(tmp_path):
    fill(tmp_path, "cat/1.png", "dog/1.bmp")
    with pytest.raises(BadInputError, match=r'dog" .*.png'):
        class_files(tmp_path, (".png",))


def test_published_parts_are_kept(tmp_path):
    fill(tmp_path, "train/a/1.png", "train/b/2.png", "test/a/3.png")
    parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a/1.png", "b/2.png"], ["a/3.png"])


def test_a_validation_part_is_the_test_where_there_is_no_other(tmp_path):
    fill(tmp_path, "train/a/1.png", "valid/a/2.png")
    parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a/1.png"], ["a/2.png"])


def test_a_validation_part_beside_a_test_is_for_training(tmp_path):
    fill(tmp_path, "train/a/1.png", "valid/a/2.png", "test/a/3.png")
    parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a/1.png", "a/2.png"], ["a/3.png"])


def test_without_parts_a_fifth_of_each_class_is_held_out(tmp_path):
    fill(tmp_path, *(f"{label}/{i}.png" for label in ("bus", "train") for i in range(10)))
    parts = file_parts(tmp_path, (".png",))
    assert (parts.train.labels.count("train"), parts.test.labels.count("train")) == (8, 2)
    assert len(parts.test) == 4


def test_both_sides_may_have_classes_of_their_own(tmp_path):
    source = fill(tmp_path / "s", *(f"{label}/{i}.png" for label in "ab" for i in range(5)))
    target = fill(tmp_path / "t", *(f"{label}/{i}.png" for label in "ac" for i in range(5)))
    sides = class_sides(request(source=source, target=target), (".png",))
    with pytest.warns(UserWarning, match=r'inductive \(labels differ: only in source "b", only in target "c"\)'):
        assert task_labels(*sides) == TaskLabels(source=("a", "b"), target=("a", "c"))


def test_without_a_source_there_is_a_target_alone(tmp_path):
    target = fill(tmp_path / "t", *(f"{label}/{i}.png" for label in "ac" for i in range(5)))
    sides = class_sides(request(source="", target=target), (".png",))
    assert sides[0] is None
    assert task_labels(*sides) == TaskLabels(source=None, target=("a", "c"))
    assert task_data(*sides).source is None
    assert len(example_files(*sides)) == len(files_read(*sides)) == 10


def test_all_files_of_both_sides_are_listed(tmp_path):
    roots = [fill(tmp_path / side, *(f"{label}/{i}.png" for label in "ab" for i in range(5))) for side in "st"]
    sides = class_sides(request(tmp_path, target=roots[1]), (".png",), source="s")
    assert sorted(example_files(*sides)) == sorted(tmp_path.rglob("*.png"))


def test_a_place_comes_from_the_option_before_the_data_root(tmp_path):
    fill(tmp_path, "here/x", "there/x")
    assert option_path(request(tmp_path), "source", "here") == tmp_path / "here"
    assert option_path(request(tmp_path, source=str(tmp_path / "there")), "source", "here") == tmp_path / "there"


def test_a_place_that_nobody_names_says_how_to_name_it(tmp_path):
    with pytest.raises(MissingDataError, match=r'"a/b" .*target.*--set task.target=PATH'):
        option_path(request(tmp_path), "target")
    with pytest.raises(MissingDataError, match=r'TLBENCH_DATA .*"wbc"'):
        option_path(request(), "source", "wbc")


def test_a_place_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'nowhere" does not exist.*task.source'):
        option_path(request(source=str(tmp_path / "nowhere")), "source")


def test_a_number_has_a_least_value():
    assert integer_option(request(size=8), "size", least=8) == 8
    with pytest.raises(UsageError, match=r"task.size=7.* 8"):
        integer_option(request(size=7), "size", least=8)


@pytest.mark.parametrize("name", ["val", "Val", "VALIDATION", "dev", "valid"])
def test_the_parts_of_a_side_have_the_names_that_people_give_them(tmp_path, name):
    fill(tmp_path, "Train/a/1.png", "Train/b/2.png", f"{name}/a/3.png")
    parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a/1.png", "b/2.png"], ["a/3.png"])


def test_two_folders_of_one_part_are_refused(tmp_path):
    fill(tmp_path, "train/a/1.png", "val/a/2.png", "validation/a/3.png")
    with pytest.raises(BadInputError, match=r'val" and ".*validation" .*"valid"'):
        file_parts(tmp_path, (".png",))


def test_what_lies_beside_the_parts_is_named(tmp_path):
    fill(tmp_path, "train/a/1.png", "test/a/2.png", "eval/a/3.png", "4.png", "README.md")
    sentence = r'2 files not read in .*: 1 outside the class folders, 1 in "eval/"\. Splits are named "train"'
    with pytest.warns(UserWarning, match=sentence):
        parts = file_parts(tmp_path, (".png",))
    assert (names(parts.train), names(parts.test)) == (["a/1.png"], ["a/2.png"])


def test_files_in_deeper_folders_belong_to_their_class(tmp_path):
    fill(tmp_path, "cat/1.png", "cat/2021/2.png", "cat/2021/May/3.PNG", "dog/2022/4.png")
    with pytest.warns(UserWarning, match=r'3 files .* in subfolders .*2021/2.png", and belong to that class'):
        files = class_files(tmp_path, (".png",))
    assert names(files) == ["cat/1.png", "2021/2.png", "May/3.PNG", "2022/4.png"]
    assert files.labels == ["cat", "cat", "cat", "dog"]


def test_a_split_may_have_a_single_class_with_subfolders(tmp_path):
    fill(tmp_path, "train/cat/1.png", "train/dog/2.png", "test/cat/2021/3.png")
    assert names(file_parts(tmp_path, (".png",), faults=CollectedFaults()).test) == ["2021/3.png"]


def test_files_of_one_name_in_several_subfolders_are_held_out_each_by_itself(tmp_path):
    fill(tmp_path, *(f"{label}/{day}/1.png" for label in ("cat", "dog") for day in range(10)))
    parts = file_parts(tmp_path, (".png",), faults=CollectedFaults())
    assert (len(parts.train), parts.test.labels) == (16, ["cat", "cat", "dog", "dog"])


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (("seg_train/cat/1.png", "seg_test/cat/2.png"), r'seg_test" .*seems to be a split.*"train", "valid"'),
        (("val/cat/1.png", "test/cat/2.png"), r'test" .*seems to be a split'),
        (("cat/train/1.png", "dog/train/2.png"), r'cat" .*a split in a class folder'),
        (("photos/cat/1.png", "photos/dog/2.png"), r'single class folder, ".*photos".*use ".*photos"'),
        (("data/train/cat/1.png", "data/test/cat/2.png"), r'single class folder, ".*data".*use ".*data"'),
        (("train/1.png", "train/2.png"), r'single class folder, ".*train".*use ".*train"'),
    ],
)
def test_subfolders_that_are_no_part_of_a_class_are_refused(tmp_path, files, sentence):
    fill(tmp_path, *files)
    with pytest.raises(BadInputError, match=sentence):
        class_files(tmp_path, (".png",))


def test_a_part_that_is_alone_is_no_class(tmp_path):
    """Else `train` and `holdout` would be the classes."""
    fill(tmp_path, "train/cat/1.png", "holdout/cat/2.png")
    faults = CollectedFaults()
    file_parts(tmp_path, (".png",), faults=faults)
    message = " ".join(map(str, faults.errors))
    assert all(word in message for word in ('holdout"', "(1)", "seems to be a split", '"train", "valid"'))


def test_files_behind_links_are_read_and_a_circle_ends(tmp_path):
    fill(tmp_path, "root/cat/1.png", "elsewhere/2.png")
    (tmp_path / "root/cat/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/cat/self").symlink_to(tmp_path / "root/cat")
    with pytest.warns(UserWarning, match=r'1 file .* is in subfolders .*more/2.png", and belongs'):
        assert names(class_files(tmp_path / "root", (".png",))) == ["cat/1.png", "more/2.png"]


def test_a_link_in_a_class_to_a_folder_around_it_is_refused(tmp_path):
    fill(tmp_path, "root/cat/0.png", "root/dog/0.png")
    (tmp_path / "root/cat/up").symlink_to(tmp_path / "root")
    with pytest.raises(BadInputError, match=r'"[^"]*root/cat/up" is a link to "[^"]*root", which contains it'):
        class_files(tmp_path / "root", (".png",))


def test_files_with_other_endings_are_counted(tmp_path):
    left_out = ["cat/2.heic", "cat/3.HEIC", "dog/4", "dog/sub/5.txt"]
    fill(tmp_path, "cat/1.png", "dog/1.png", *left_out, "cat/Thumbs.db", "dog/@eaDir/1.png", "cat/.DS_Store")
    counts = r"4 files not read in .*: 2 end in \.heic, 1 has no ending, 1 ends in \.txt"
    with pytest.warns(UserWarning, match=counts):
        files = class_files(tmp_path, (".png",))
    assert names(files) == ["cat/1.png", "dog/1.png"]


def test_one_sentence_counts_what_is_not_read_in_all_splits(tmp_path):
    unread = [*(f"train/cat/{i}.heic" for i in range(3)), *(f"test/cat/{i}.{i}" for i in range(9)), "extra/dog/1.png"]
    fill(tmp_path, "train/cat/1.png", "test/cat/1.png", *unread)
    faults = CollectedFaults()
    file_parts(tmp_path, (".png",), faults=faults)
    (note,) = faults.notes
    assert note.startswith(f'13 files not read in "{tmp_path}": 3 end in .heic, 1 in "extra/", 1 ends in .0')
    assert "6 for other reasons" in note


def test_a_line_break_in_a_name_makes_no_second_message(tmp_path):
    fill(tmp_path, "cat/1.png", "cat/2.\nWarning: all is well")
    faults = CollectedFaults()
    file_parts(tmp_path, (".png",), faults=faults)
    with pytest.warns(UserWarning, match="not read") as warned:
        file_parts(tmp_path, (".png",))
    assert "\n" not in faults.notes[0] + str(warned[0].message)


NOT_OF_THE_USER = ("@eaDir", "lost+found", ".ipynb_checkpoints", "__MACOSX", "$RECYCLE.BIN", "#recycle")


@pytest.mark.parametrize("name", NOT_OF_THE_USER)
def test_what_systems_put_beside_the_classes_is_passed_over(tmp_path, name, recwarn):
    fill(tmp_path, "cat/1.png", f"{name}/2.png", f"cat/{name}/3.png")
    assert names(class_files(tmp_path, (".png",))) == ["cat/1.png"]
    assert not recwarn.list


def test_names_that_begin_with_underscores_are_the_users_own(tmp_path):
    fill(tmp_path, "__cat/__1.png", "dog/_2.png")
    assert names(class_files(tmp_path, (".png",))) == ["__cat/__1.png", "dog/_2.png"]


def test_folders_without_anything_else_give_no_warning(tmp_path, recwarn):
    fill(tmp_path, "cat/1.png", "dog/1.png", "README.md", "@eaDir/1.png")
    file_parts(tmp_path, (".png",))
    assert not recwarn.list


@pytest.mark.parametrize("name", ["1.jfif", "1.JPE", "1.webp", "1.TIF", "1.bmp", "1.apng", "1.avif"])
def test_images_have_more_endings_than_two(tmp_path, name):
    fill(tmp_path, f"cat/{name}")
    assert names(class_files(tmp_path, IMAGE_SUFFIXES)) == [f"cat/{name}"]


@pytest.fixture
def bytes_in_names(tmp_path):
    """Ten files a class, the classes and some files named in Latin-1, as an old archive leaves them."""
    for label in (b"caf\xe9", b"th\xe9"):
        folder = os.fsencode(tmp_path) + b"/" + label
        os.mkdir(folder)
        for i in range(10):
            Path(os.fsdecode(folder + b"/%d\xff.png" % i)).touch()
    return tmp_path


def test_names_that_are_not_utf8_are_read_and_their_labels_are_text(bytes_in_names):
    parts = file_parts(bytes_in_names, (".png",))
    assert sorted(set(parts.train.labels)) == [r"caf\xe9", r"th\xe9"]
    assert (len(parts.train), len(parts.test)) == (16, 4)
    assert all(path.is_file() for path in example_files(parts))


def test_files_in_the_root_that_are_not_read_are_counted_but_for_those_about_the_data(tmp_path):
    fill(tmp_path, *(f"{label}/{i}.png" for label in "ab" for i in range(5)))
    fill(tmp_path, "1.heic", "2.heic", "more.zip", "README.md", "LICENSE", "licence.txt", "SHA256SUMS", "stray.png")
    faults = CollectedFaults()
    file_parts(tmp_path, (".png",), faults=faults)
    (note,) = faults.notes
    assert "4 files not read" in note
    assert "2 end in .heic, 1 ends in .zip, 1 outside the class folders" in note
