from __future__ import annotations

import pytest

from tlbench.errors import UsageError
from tlbench.planning.settings import Settings


@pytest.mark.parametrize("sort", ["file", "link", "loop"])
@pytest.mark.parametrize("place", ["cache", "cache/deeper", "board", "board/rows", "board/latency", "board/analyses"])
def test_what_is_no_folder_is_refused_by_name(tmp_path, place, sort):
    path = tmp_path / place.removesuffix("/deeper")
    path.parent.mkdir(exist_ok=True)
    path.touch() if sort == "file" else path.symlink_to("nowhere" if sort == "link" else path.name)
    folder = place.partition("/")[0]
    settings = Settings(**{"cache": tmp_path / "c", "board": tmp_path / "b", folder: tmp_path / folder})
    if place == "cache/deeper":
        settings = Settings(cache=tmp_path / place, board=tmp_path / "b")
    with pytest.raises(UsageError, match=f'folder "{tmp_path / place}" is not writable') as raised:
        getattr(settings, f"check_{folder}")()
    assert str(raised.value).count("\n") == 0
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_folders_that_can_be_made_are_not_made_by_asking(tmp_path):
    settings = Settings(cache=tmp_path / "a" / "cache", board=tmp_path / "b")
    settings.check_cache()
    settings.check_board()
    assert list(tmp_path.iterdir()) == []
