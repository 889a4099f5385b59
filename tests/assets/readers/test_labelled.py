from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlbench import BadInputError, TaskLabels
from tlbench.assets.readers.domains import common_labels, label_names, make_side, transductive_data, unmatched
from tlbench.assets.readers.labelled import Labelled, Parts, hold_out


def examples(labels, where="here"):
    return Labelled(where=Path(where), inputs=list(range(len(labels))), labels=list(labels))


def parts(train, test, where="here"):
    return Parts(train=examples(train, where), test=examples(test, where))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 8)), min_size=1, max_size=60), st.floats(0.1, 0.9))
def test_every_example_is_on_one_side_with_its_whole_group(rows, part):
    given_ = examples([label for label, _ in rows])
    groups = [str(group) for _, group in rows]
    split = hold_out(given_, groups, part)
    assert sorted([*split.train.inputs, *split.test.inputs]) == list(range(len(rows)))
    assert not {groups[i] for i in split.train.inputs} & {groups[i] for i in split.test.inputs}


def test_the_held_out_part_is_stratified():
    split = hold_out(examples("a" * 100 + "b" * 20), [str(i) for i in range(120)], 0.2)
    assert (split.test.labels.count("a"), split.test.labels.count("b")) == (20, 4)


def test_a_single_group_of_a_label_stays_in_training():
    split = hold_out(examples("aaaab"), ["1", "2", "3", "4", "5"], 0.9)
    assert "b" not in split.test.labels
    assert "b" in split.train.labels


def test_what_is_held_out_depends_on_names_alone():
    names = [f"clip {i}" for i in range(40)]
    forward = hold_out(examples("ab" * 20), names)
    backward = hold_out(examples("ba" * 20), names[::-1])
    assert {names[i] for i in forward.test.inputs} == {names[::-1][i] for i in backward.test.inputs}


def test_the_held_out_names_never_change():
    """A new hash or order would move the test split of everyone's data."""
    split = hold_out(examples("a" * 10), [f"a/{i}.png" for i in range(10)])
    assert split.test.inputs == [0, 8]


def test_a_mixed_group_counts_for_its_most_frequent_label():
    split = hold_out(examples("aabaab" + "bb"), list("111222") + list("33"), 0.5)
    assert split.test.inputs in ([0, 1, 2], [3, 4, 5])


@pytest.mark.parametrize(
    ("sides", "sentence"),
    [
        (parts("", "ab"), 'The training split of "here" is empty'),
        (parts("ab", ""), 'The test split of "here" is empty'),
        (parts("aa", "a"), 'only one class, "a"'),
        (parts("ab", "abc"), 'labels without training examples, "c"'),
    ],
)
def test_a_side_that_nothing_can_be_learnt_from_is_refused(sides, sentence):
    with pytest.raises(BadInputError, match=sentence):
        label_names(sides)


def test_sides_with_other_labels_are_refused_by_name():
    with pytest.raises(BadInputError, match='"there" has labels that "here" lacks, "c"'):
        common_labels(parts("ab", "a"), parts("abc", "a", where="there"))
    with pytest.raises(BadInputError, match='"there" has labels that "here" lacks, "a"'):
        common_labels(parts("ab", "a", where="there"), parts("bc", "c"))


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (("a", "b"), ("a", "b"), ""),
        (None, ("a", "b"), ""),
        (("a", "Cat"), ("a", "cat"), '"Cat" and "cat" differ in case only'),
        (("a", "b"), ("b", "c"), "correct the names"),
        (("a", "b"), ("c", "d"), 'only in source "a", "b", only in target "c", "d"'),
    ],
)
def test_labels_of_one_side_are_named_and_what_may_be_a_slip(source, target, sentence):
    said = unmatched(TaskLabels(source=source, target=target))
    assert sentence in said
    assert bool(said) == bool(sentence)


def test_many_strange_labels_are_counted():
    with pytest.raises(BadInputError, match='"g" and 2 more'):
        common_labels(parts("ab", "a"), parts("abcdefghi", "a"))


def test_labels_become_positions_in_their_sorted_order():
    data = transductive_data(parts("ba", "b"), parts("aab", "b"), sample_rate=8000)
    assert data.source.labels == data.target.labels == ("a", "b")
    assert data.source.train.labels == [1, 0]
    assert data.target.train.labels == [0, 0, 1]
    assert data.sample_rate == 8000


def test_a_side_keeps_the_order_of_labels_it_is_given():
    assert make_side(parts("ab", "b"), ("b", "a")).train.labels == [1, 0]


def test_one_input_may_become_many_examples():
    spread = examples("ab").spread(lambda i: ["x"] * (i + 1))
    assert (spread.inputs, spread.labels) == (["x", "x", "x"], ["a", "b", "b"])
