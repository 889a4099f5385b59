from __future__ import annotations

from pathlib import Path

import pytest

from tlbench.assets.readers.domains import task_labels
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.labelled import Labelled, Parts


def noted(*labels):
    """Return what is said of the labels of a domain."""
    faults = CollectedFaults()
    examples = Labelled(where=Path("here"), inputs=list(labels), labels=list(labels), faults=faults)
    parts = Parts(train=examples, test=examples)
    assert task_labels(None, parts).target == tuple(sorted(labels))
    return faults.notes


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (("Positive", "negative", "positive"), '"Positive", "positive"'),
        (("caf\u00e9", "cafe\u0301", "tea"), r'"cafe\u0301", "caf\xe9"'),
        (("pos", "pos\u200b", "neg"), r'"pos", "pos\u200b"'),
        (("New York", "New\u00a0York", "Rome"), r'"New York", "New\xa0York"'),
        (("1", "1.0", "0", "2"), '"1", "1.0"'),
        (("Größe", "größe", "Gewicht"), '"Größe", "größe"'),
    ],
)
def test_labels_that_differ_in_spelling_only_are_noted(labels, shown):
    (note,) = noted(*labels)
    assert f"numbers: {shown}. Each is a class" in note


def test_other_labels_are_not_noted():
    assert noted("cat", "dog", "10", "100", "none", "a b", "ab", "inf") == []


def test_many_spellings_are_counted():
    (note,) = noted(*"ABCDEFGHabcdefgh")
    assert '"E", "e" and 3 more.' in note


def test_a_label_that_may_stand_for_a_missing_one_is_noted():
    (note,) = noted("NA", "nan", "positive")
    assert '"NA", "nan"' in note
