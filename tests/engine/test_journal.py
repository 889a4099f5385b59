from __future__ import annotations

import pytest

from tlbench.engine.journal import EVENTS, QUARANTINE, Journal, journal_folder, read_plan


@pytest.fixture
def again(tmp_path):
    """Opens the journal of a board, as the next run does."""
    return lambda **options: Journal(tmp_path / "journal", **options)


def died(journal: Journal, times: int) -> None:
    for _ in range(times):
        journal.note("started", "a")
        journal.note("died", "a", "SIGSEGV.")


def test_a_pairing_that_died_too_often_is_not_started_again(again):
    died(again(), QUARANTINE)
    assert "SIGSEGV." in again().quarantined("a")
    assert not again().quarantined("b")


def test_it_is_on_request(again):
    died(again(), QUARANTINE)
    assert not again(retry=True).quarantined("a")


def test_one_death_is_no_reason(again):
    died(again(), QUARANTINE - 1)
    assert not again().quarantined("a")


def test_what_finished_since_starts_anew(again):
    died(again(), QUARANTINE)
    journal = again(retry=True)
    journal.note("started", "a")
    journal.note("finished", "a")
    assert not again().quarantined("a")


def test_deaths_of_one_run_are_counted_apart(again):
    died(again(), 1)
    journal = again()
    died(journal, 1)
    assert (journal.died_here("a"), bool(journal.quarantined("a"))) == (1, True)


def test_a_run_that_ended_meanwhile_is_remembered_and_is_no_death(again):
    for _ in range(5):
        again().note("started", "a")
    assert again().interrupted("a")
    assert not again().quarantined("a")
    assert not again().interrupted("b")


def test_a_line_that_was_not_written_to_its_end_is_left_out(again, tmp_path):
    died(again(), QUARANTINE)
    with (tmp_path / "journal" / EVENTS).open("a") as stream:
        stream.write('[1]\n{"event": "fini')
    assert again().quarantined("a")


def test_a_journal_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "journal").write_text("a file")
    journal = Journal(tmp_path / "journal")
    journal.begin([], tmp_path)
    died(journal, 1)
    assert read_plan(tmp_path / "journal") is None


def test_boards_and_shards_have_journals_of_their_own(tmp_path):
    folders = {journal_folder(tmp_path, tmp_path / board, shard) for board in "ab" for shard in ("", "1/2", "2/2")}
    assert len(folders) == 6
