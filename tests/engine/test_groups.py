"""Groups of examples from a plugin's data to the board: checked, kept, and scored."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
import scipy.stats
from support import SOURCES, only, plan_only

from tlbench import BadInputError, ContractError, Side, Split, TaskData
from tlbench.engine.groups import check_groups, group_faults
from tlbench.engine.prepared import prepare
from tlbench.engine.runner import run
from tlbench.engine.serving import split_sha256
from tlbench.leaderboard.render import render
from tlbench.learning.metrics import Resampled
from tlbench.learning.targets import Targets
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.planning.settings import Settings
from tlbench.results.draws import BoardDraws, half_width_of_difference
from tlbench.results.row_files import read_rows


@pytest.fixture(scope="module")
def speakers(toy_site):
    """The catalog with the task of speakers."""
    yield load_catalog(also=[plugin_file(SOURCES / "speakers.py")])
    sys.modules.pop("speakers", None)


@pytest.fixture(scope="module")
def ran(speakers, session_cache, tmp_path_factory):
    """Board and rows of the task of speakers and of the same without groups in common."""
    settings = Settings(cache=session_cache, board=tmp_path_factory.mktemp("board"), data_root=None)
    plan = plan_only(
        speakers, settings, tasks=["toy/speakers", "toy/mixed-speakers"], strategies=["finetune", "frozen"]
    )
    outcome = run(plan, speakers, settings)
    render(settings.board, list(read_rows(settings.board)))
    return settings.board, outcome.rows


@pytest.fixture(scope="module")
def kept(ran):
    """The row of finetune, and the arrays beside it."""
    board, rows = ran
    row = only(rows, task="toy/speakers", strategy="finetune")
    with np.load((board / "rows" / row.file_name).with_suffix(".npz"), allow_pickle=False) as arrays:
        return row, dict(arrays)


def test_the_board_holds_the_group_of_each_test_example(kept):
    row, arrays = kept
    expected = [f"new b {number}" for number in range(12) for _ in range(25)] + ["new b 12"] * 5
    assert (row.status, row.reason, row.groups) == ("ok", None, 13)
    assert arrays["groups"].tolist() == expected


def test_a_stranger_computes_the_same_intervals_and_the_same_worst_group(kept):
    row, arrays = kept
    right, groups = arrays["predictions"].argmax(1) == arrays["targets"], arrays["groups"]
    means = {name: right[groups == name].mean() for name in np.unique(groups) if (groups == name).sum() >= 20}
    name = min(means, key=lambda name: (means[name], name))
    assert len(means) == 12
    assert (row.worst_group, row.worst_group_score, row.worst_group_size) == (name, pytest.approx(means[name]), 25)
    expected = scipy.stats.binomtest(int(right[groups == name].sum()), 25).proportion_ci(0.95, "wilson")
    assert (row.worst_group_low, row.worst_group_high) == pytest.approx((expected.low, expected.high))
    weights = np.concatenate([*Resampled.groups(groups).draws()])
    assert arrays["draws"] == pytest.approx(weights @ right / weights.sum(1), abs=1e-6)
    low, high = np.quantile(arrays["draws"], [0.025, 0.975])
    assert (row.score_low, row.score_high) == pytest.approx((low, high), abs=0.03)


def test_strategies_of_a_run_have_paired_draws_on_one_test_split(ran):
    board, rows = ran
    one, other = (only(rows, task="toy/speakers", strategy=name) for name in ("finetune", "frozen"))
    assert one.test_sha256 == other.test_sha256 is not None
    draws = BoardDraws(board)
    assert 0 < half_width_of_difference([(draws.of(one), draws.of(other))]) < one.score_high - one.score_low


def test_a_test_split_is_named_by_targets_and_groups():
    first, groups = Targets.of([0, 1, 2]), np.array(["a", "b", "b"])
    same = split_sha256(first, groups)
    assert split_sha256(Targets.of([0, 1, 2]), groups) == same
    others = [(first, None), (first, groups[::-1]), (Targets.of([0, 2, 1]), groups), (Targets.of([[0, 1], [2]]), None)]
    assert len({same, *(split_sha256(*other) for other in others)}) == 5


def test_where_speakers_differ_the_interval_over_them_is_wider(kept):
    row, arrays = kept
    right = arrays["predictions"].argmax(1) == arrays["targets"]
    alone = scipy.stats.binomtest(int(right.sum()), len(right)).proportion_ci(0.95, "wilson")
    assert row.score_high - row.score_low > 1.5 * (alone.high - alone.low)


def test_a_group_in_both_splits_of_a_side_is_refused_by_name(ran):
    row = only(ran[1], task="toy/mixed-speakers", strategy="finetune")
    assert (row.status, row.stage, row.bad_input) == ("failed", "prepare", True)
    assert "target side: the training and the test split have groups in common, 'new a 3': put all" in row.reason


def test_the_page_shows_the_worst_group_and_warns_of_nothing_from_ten_groups_on(ran):
    page = (ran[0] / "toy.md").read_text()
    row = only(ran[1], task="toy/speakers", strategy="finetune")
    assert (
        f"{row.worst_group_score:.3f} ({row.worst_group_low:.3f} to {row.worst_group_high:.3f}): {row.worst_group}"
        in page
    )
    assert "accuracy on 305 target test examples in 13 groups;" in page
    assert "often too narrow" not in page


def test_prepared_data_is_named_by_its_groups_and_has_no_file_of_them_without(speakers, tmp_path, settings):
    (pairing,) = plan_only(speakers, settings, tasks=["toy/speakers"], strategies=["finetune"]).pairings
    found = {}
    for name, change in (
        ("with", None),
        ("renamed", lambda groups: [f"{group}!" for group in groups]),
        ("none", lambda groups: None),
    ):
        (tmp_path / name).mkdir()
        found[name] = prepare(_changed(pairing, change), tmp_path / name)
    assert len({prepared.sha256 for prepared in found.values()}) == 3
    assert not list((tmp_path / "none").glob("target-test-groups*"))
    assert found["none"].groups("target-test") is None
    assert found["with"].groups("source-train")[[0, -1]].tolist() == ["old a 0", "old a 9"]


def _changed(pairing, change):
    """Return a pairing whose target test split has other groups."""
    if change is None:
        return pairing

    def load(request):
        data = pairing.task.load(request)
        test = dataclasses.replace(data.target.test, groups=change(data.target.test.groups))
        return dataclasses.replace(data, target=dataclasses.replace(data.target, test=test))

    return dataclasses.replace(pairing, task=dataclasses.replace(pairing.task, load=load))


def test_no_strategy_is_given_the_groups(speakers, tmp_path, settings):
    """What a strategy is given holds arrays of numbers alone."""
    from tlbench.engine.adaptation import declared_parts

    plan = plan_only(speakers, settings, tasks=["toy/speakers"], strategies=["finetune", "adabn"])
    prepared = prepare(plan.pairings[0], tmp_path)
    for pairing in plan.pairings:
        for part in declared_parts(pairing, prepared).values():
            assert set(vars(part)) <= {"inputs", "targets", "columns"}


def data_with(train, test, size=3):
    side = Side(
        labels=("a", "b"),
        train=Split(inputs=[0] * size, labels=[0] * size, groups=train),
        test=Split(inputs=[0] * size, labels=[0] * size, groups=test),
    )
    plain = Side(labels=("a", "b"), train=Split(inputs=[0], labels=[0]), test=Split(inputs=[0], labels=[0]))
    return TaskData(source=plain, target=side)


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (["a", "a"], None, "target training split: 3 examples but 2 groups."),
        (None, ["a", "", "b"], "target test split: example 1 has a group without a name: give it one."),
        ([1, 2, 3], ["4", "5", "1"], "have groups in common, '1': put all"),
        (list("abc"), ["\x1b[2J", "a", "\nb"], "have groups in common, 'a': put all"),
    ],
)
def test_faults_of_groups_are_named(train, test, says):
    with pytest.raises(BadInputError, match='Task "toy/x", target') as caught:
        check_groups("toy/x", data_with(train, test))
    assert says in str(caught.value)


def test_of_many_groups_in_both_splits_five_are_named():
    names = [f"p{number}" for number in range(8)]
    (fault,) = group_faults(data_with(names, names, size=8))
    assert "'p0', 'p1', 'p2', 'p3', 'p4' and 3 more: put" in fault


@pytest.mark.parametrize("name", [1.5, True, None, ("a",)])
def test_a_group_is_named_by_a_text_or_a_whole_number(name):
    with pytest.raises(ContractError, match="must be a text or a whole number"):
        check_groups("toy/x", data_with(None, ["a", "b", name]))


def test_groups_may_be_an_array_and_may_be_in_one_split_alone():
    assert list(group_faults(data_with(None, np.array([1, 1, 2])))) == []
    assert list(group_faults(data_with(np.array(["a", "b", "c"]), np.array(["d", "e", "f"])))) == []
