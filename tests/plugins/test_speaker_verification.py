"""The kind verification: scores beside scikit-learn, loss, probe, and files in folders for each speaker."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from tlbench import BadInputError, LoadRequest
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.cli.inspection.inspect import inspect_task
from tlbench.learning import BatchTargets, Outputs, Predictions, Targets
from tlbench.planning.catalog import load_catalog
from tlbench_speech.verification import own, published, scores
from tlbench_speech.verification.embeddings import Embeddings
from tlbench_speech.verification.kind import Embedding, Verification
from tlbench_speech.verification.specs import verification_tasks

KIND = Verification()
TASKS = {task.name: task for task in verification_tasks()}


def targets(speakers, references=()):
    values = np.asarray(speakers, np.int64)
    return Targets(values, np.ones(len(values), np.int64), references=references)


def embedded(values):
    made = Embeddings().predict(Outputs(np.asarray(values, np.float32), shape=(len(values),)))
    return Predictions(made, np.ones(len(made), np.int64))


def found(values, wanted, weights=None):
    weights = np.ones(len(wanted)) if weights is None else np.asarray(weights, float)
    return {name: metric(embedded(values), wanted)(weights) for name, metric in KIND.metrics(()).items()}


def library(similarity, same, weights=None):
    """Return the published formula: where the ROC curve, by straight lines, meets 1 - x; and the area below it."""
    accepted, right, _ = roc_curve(same, similarity, sample_weight=weights, drop_intermediate=False)
    equal = brentq(lambda x: 1.0 - x - np.interp(x, accepted, right), 0.0, 1.0, xtol=1e-13)
    return equal, roc_auc_score(same, similarity, sample_weight=weights)


def pairs(values, speakers):
    """Return similarities of all pairs and whether they are of one speaker, by plain loops."""
    units = embedded(values).values.astype(np.float64)
    made = [(float(units[i] @ units[j]), speakers[i] == speakers[j]) for i in range(len(units)) for j in range(i)]
    return np.array([value for value, _ in made]).round(12), np.array([same for _, same in made])


@pytest.mark.parametrize("seed", range(8))
def test_the_equal_error_rate_is_that_of_a_roc_curve_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    speakers = random.integers(0, 4, 30)
    values = random.normal(size=(30, 5)) + np.eye(4, 5)[speakers] * random.uniform(0, 2)
    if seed % 2:  # Few values: many pairs are equally similar.
        values = np.round(values).clip(-1, 1) + np.eye(4, 5)[speakers] * 2
    equal, area = library(*pairs(values, speakers))
    scored = found(values, targets(speakers))
    assert scored["eer"] == pytest.approx(equal, abs=1e-9)
    assert scored["auroc"] == pytest.approx(area, abs=1e-9)
    assert scored["equal-accuracy"] == 1 - scored["eer"]


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_repeated_clips_that_are_no_pairs_with_themselves(seed):
    random = np.random.default_rng(seed)
    speakers, values = random.integers(0, 3, 20), random.normal(size=(20, 3)).round(1) + 0.01
    weights = random.integers(0, 3, 20)
    first, second = np.triu_indices(20, 1)
    of_pairs = weights[first] * weights[second]
    units = embedded(values).values.astype(np.float64)
    similarity = (units[first] * units[second]).sum(1).round(12)
    same, kept = speakers[first] == speakers[second], of_pairs > 0
    equal, area = library(similarity[kept], same[kept], of_pairs[kept])
    scored = found(values, targets(speakers), weights)
    assert (scored["eer"], scored["auroc"]) == pytest.approx((equal, area), abs=1e-9)


@pytest.mark.parametrize(
    ("values", "speakers", "eer"),
    [
        (np.ones((6, 2)), [0, 0, 0, 1, 1, 1], 0.5),  # all pairs equally similar
        (np.zeros((4, 2)), [0, 0, 1, 1], 0.5),  # embeddings without a direction
        ([[1, 0], [1, 0], [0, 1], [0, 1]], [0, 0, 1, 1], 0.0),
        ([[1, 0], [0, 1], [1, 0], [0, 1]], [0, 0, 1, 1], 2 / 3),  # as similar as half of the others
        ([[1, 0], [-1, 0], [0.1, 1], [0.1, -1]], [0, 0, 1, 1], 1.0),  # all of the same below all others
    ],
)
def test_the_equal_error_rate_at_the_edges(values, speakers, eer):
    assert found(values, targets(speakers))["eer"] == pytest.approx(eer, abs=1e-9)


def test_without_pairs_of_both_sorts_scores_are_undefined_and_finite():
    for speakers in ([0, 0, 0], [0, 1, 2], [0]):
        for metric in KIND.metrics(()).values():
            weighted = metric(embedded(np.eye(3)[: len(speakers)]), targets(speakers))
            assert weighted(np.ones(len(speakers))) == 0.5
            assert not weighted.defined(np.ones(len(speakers)))


def test_references_list_the_pairs_that_count():
    wanted = targets([0, 0, 1, 1], [["a", ["b"]], ["b", ["c"]], ["c", []], ["d", ["c", "gone"]]])
    made = scores.pairs_of(wanted)
    assert sorted(zip(made.first.tolist(), made.second.tolist(), made.same.tolist(), strict=True)) == [
        (0, 1, True),
        (1, 2, False),
        (3, 2, True),
    ]
    everything = scores.pairs_of(targets([0, 0, 1], [["a", None], ["b", None], ["c", None]]))
    assert len(everything.first) == 3


def test_of_many_clips_all_pairs_of_one_speaker_and_as_many_others_are_compared():
    speakers = np.arange(3000) // 10
    made = scores.pairs_of(targets(speakers))
    names = {frozenset(pair) for pair in zip(made.first.tolist(), made.second.tolist(), strict=True)}
    assert len(names) == len(made.first) <= scores.MOST_PAIRS
    assert made.same.sum() == 300 * 45
    assert (~made.same).sum() > 40_000
    assert np.array_equal(made.same, speakers[made.first] == speakers[made.second])
    assert all(np.array_equal(*both) for both in zip(made, scores.pairs_of(targets(speakers)), strict=True))


@pytest.mark.parametrize("size", [2, 3, 10, 101])
def test_numbers_of_pairs_are_pairs(size):
    expected = np.stack(np.triu_indices(size, 1))
    made = scores.numbered_pairs(np.arange(expected.shape[1]), np.full(expected.shape[1], size))
    assert np.array_equal(made, expected)


@pytest.mark.parametrize("clips", [[200_000], [60_000, 60_000], [100_000] + [1] * 100, [1] * 60_000])
def test_of_very_many_clips_half_of_the_pairs_are_of_each_sort(clips):
    """A table of all pairs of 200,000 clips would take 160 GB."""
    made = scores.pairs_of(targets(np.repeat(np.arange(len(clips)), clips)))
    assert made.same.sum() == (50_000 if max(clips) > 1 else 0)
    assert (~made.same).sum() <= 50_000
    assert (~made.same).any() == (len(clips) > 1)
    assert (made.first != made.second).all()
    assert len({*zip(made.first.tolist(), made.second.tolist(), strict=True)}) == len(made.first)


def test_the_loss_is_the_supervised_contrastive_one():
    random = np.random.default_rng(0)
    units, speakers = random.normal(size=(7, 4)), [0, 0, 0, 1, 1, 2, 3]
    normed = units / np.linalg.norm(units, axis=1, keepdims=True)
    losses = []
    for one in range(7):
        others = [other for other in range(7) if other != one]
        total = sum(np.exp(normed[one] @ normed[other] / 0.1) for other in others)
        alike = [other for other in others if speakers[other] == speakers[one]]
        if alike:
            losses.append(np.mean([-np.log(np.exp(normed[one] @ normed[other] / 0.1) / total) for other in alike]))
    loss = KIND.loss(Outputs(torch.tensor(units), shape=(7,)), targets(speakers).batch())
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-9)


@pytest.mark.parametrize("speakers", [[0], [0, 1, 2]])
def test_a_batch_without_two_clips_of_a_speaker_has_no_loss_and_finite_gradients(speakers):
    units = torch.randn(len(speakers), 4, requires_grad=True)
    batch = BatchTargets(torch.tensor(speakers), torch.ones(len(speakers), dtype=torch.int64))
    loss = KIND.loss(Outputs(units, shape=(len(speakers),)), batch)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert units.grad.isfinite().all()


def test_a_new_head_keeps_all_similarities_and_the_probe_shrinks_what_varies_within_a_speaker():
    features = torch.randn(5, 8)
    assert torch.equal(Embedding(8)(features), features)
    random = np.random.default_rng(0)
    speakers = np.repeat(np.arange(6), 10)
    values = np.eye(6)[speakers] @ random.normal(size=(6, 4)) + random.normal(size=(60, 4)) * [0.1, 0.1, 5, 5]
    probe, head = KIND.probe(values.astype(np.float32), speakers, 2), Embedding(4)
    probe.copy_into(head)
    made = head(torch.tensor(values, dtype=torch.float32)).detach().numpy()
    assert np.allclose(made, probe.outputs(values.astype(np.float32)), atol=1e-4)
    assert found(made, targets(speakers))["eer"] < found(values, targets(speakers))["eer"] - 0.1
    alone = KIND.probe(values[:3].astype(np.float32), np.arange(3), 2)  # No speaker varies.
    assert np.allclose(alone.weight, np.eye(4))


def test_labels_are_one_speaker_each():
    with pytest.raises(BadInputError, match="a clip has one speaker"):
        KIND.targets([[0, 1], [1, 1]], ())
    assert KIND.strata(KIND.targets([3, 1, 3], ())).tolist() == [3, 1, 3]


def speak(root, counts, *, at=16000):
    """Write a folder for each speaker with so many clips."""
    soundfile = pytest.importorskip("soundfile")
    for speaker, count in counts.items():
        (root / speaker).mkdir(parents=True)
        for take in range(count):
            tone = np.sin(np.arange(800) * (0.05 + 0.01 * sum(map(ord, speaker)) % 1 + 0.001 * take)) / 2
            soundfile.write(root / speaker / f"{take}.wav", tone, at)
    return root


def request(faults=None, **options):
    task = TASKS["speech/speaker-folder"]
    values = {option.name: option.default for option in task.options} | {name: str(v) for name, v in options.items()}
    made = LoadRequest(task=task.name, options=values, data_root=None)
    return made if faults is None else LoadRequest(task=task.name, options=values, data_root=None, faults=faults)


def groups(split):
    return sorted(set(split.groups))


@pytest.mark.filterwarnings("ignore:The test split of")
def test_a_fifth_of_the_speakers_is_held_out_and_two_at_the_least(tmp_path):
    root = speak(tmp_path / "a", {f"s{number}": 3 for number in range(6)})
    data = own.load(request(target=root))
    assert len(groups(data.target.test)) == 2
    assert not set(data.target.test.groups) & set(data.target.train.groups)
    assert len(data.target.train.inputs) == 12
    assert data.target.labels == ("different", "same")
    assert data.target.test.references[0][1] is None
    assert data.source is None


@pytest.mark.filterwarnings("ignore:The test split of")
def test_the_latest_speakers_are_the_test_split(tmp_path):
    root = speak(tmp_path / "a", {f"s{number}": 3 for number in range(10)})
    rows = [f"s{number}/{take}.wav,s{number},{10 * take - number}" for number in range(10) for take in range(3)]
    (root / "list.csv").write_text("\n".join(["file,label,when", *rows]))
    data = own.load(request(target=root / "list.csv", time="when"))
    assert groups(data.target.test) == ["s0", "s1"]
    assert len(data.target.test.inputs) == 6
    assert len(own.files(request(target=root / "list.csv", time="when"))) == 31
    with pytest.raises(BadInputError, match='is a folder, which has no column "when"'):
        own.load(request(target=root, time="when"))
    few = [row for row in rows if int(row[1]) < 5]
    (root / "few.csv").write_text("\n".join(["file,label,when", *few]))
    with pytest.raises(BadInputError, match=r"of 1 speakers: expected 2 or more\. Add speakers, or leave out"):
        own.load(request(target=root / "few.csv", time="when"))


@pytest.mark.filterwarnings("ignore:The test split of", "ignore:. of .* test examples")
def test_splits_that_share_speakers_are_divided_anew_by_time(tmp_path):
    root = speak(tmp_path / "a", {f"s{number}": 3 for number in range(10)})
    rows = [
        f"s{number}/{take}.wav,s{number},{number},{'train' if take else 'test'}"
        for number in range(10)
        for take in range(3)
    ]
    (root / "list.csv").write_text("\n".join(["file,label,when,split", *rows]))
    assert groups(own.load(request(target=root / "list.csv", time="when")).target.test) == ["s8", "s9"]


def test_published_splits_with_other_speakers_stay(tmp_path):
    speak(tmp_path / "train", {"a": 2, "b": 2})
    speak(tmp_path / "test", {"c": 2, "d": 2})
    data = own.load(request(target=tmp_path, source=tmp_path))
    assert groups(data.target.test) == groups(data.source.test) == ["c", "d"]


@pytest.mark.parametrize(
    ("counts", "message"),
    [({"a": 3, "b": 3, "c": 3}, "has clips of 3 speakers; expected 4"), ({}, "has no subfolders")],
)
def test_too_few_speakers_are_refused(tmp_path, counts, message):
    (tmp_path / "x").mkdir()
    with pytest.raises(BadInputError, match=message):
        own.load(request(target=speak(tmp_path / "x", counts)))


@pytest.mark.filterwarnings("ignore:The test split of")
def test_speakers_with_one_clip_each_have_no_pair(tmp_path):
    speak(tmp_path / "train", {"a": 2, "b": 2})
    speak(tmp_path / "test", {"c": 1, "d": 1})
    with pytest.raises(BadInputError, match="one clip of each speaker"):
        own.load(request(target=tmp_path))


SAME_NAMES = {"a": 3, "b": 3, "c": 3, "d": 3}


@pytest.mark.filterwarnings("ignore:The test split of")
def test_clips_of_the_same_name_in_both_splits_are_two_clips(tmp_path):
    for split in ("train", "test"):
        speak(tmp_path / split, SAME_NAMES)
    data = own.load(request(target=tmp_path))
    names = [reference[0] for reference in data.target.test.references]
    assert len(names) == len(set(names)) == 12
    assert {name.partition("/")[0] for name in names} == {"train", "test"}
    made = scores.pairs_of(targets(data.target.test.labels, data.target.test.references))
    assert len(made.first) == 12 * 11 // 2


@pytest.mark.filterwarnings("ignore:.*clips are not used")
def test_lists_of_pairs_name_the_split_of_clips_of_the_same_name(tmp_path):
    for split in ("train", "test"):
        speak(tmp_path / "all" / split, SAME_NAMES)
    listed = tmp_path / "pairs.csv"
    listed.write_text("first,second,same\ntrain/a/0.wav,test/a/0.wav,1\ntrain/a/0.wav,test/b/0.wav,0\n")
    data = own.load(request(target=tmp_path / "all", trials=listed))
    assert sorted(data.target.test.references) == [
        ["test/a/0.wav", []],
        ["test/b/0.wav", []],
        ["train/a/0.wav", ["test/a/0.wav", "test/b/0.wav"]],
    ]
    listed.write_text("first,second,same\na/0.wav,a/1.wav,1\n")
    with pytest.raises(BadInputError, match=r"is no clip of .*such as train/"):
        own.load(request(target=tmp_path / "all", trials=listed))


@pytest.mark.parametrize("wanted", [{"select": "target-validation"}, {"tune": 2}])
def test_a_validation_part_of_one_speaker_chooses_nothing(tmp_path, run_pairings, wanted):
    for split, speakers in (("train", "abcd"), ("test", "efgh")):
        speak(tmp_path / "all" / split, dict.fromkeys(speakers, 4))
    options = {"task.target": str(tmp_path / "all"), "finetune.steps": 10, "finetune.few_labels": True}
    (row,) = run_pairings(
        load_catalog(), tasks=["speech/speaker-folder"], strategies=["finetune"], references=["none"], seeds=[0],
        overrides=options if "tune" in wanted else options | {"finetune.few_labels": False}, **wanted,
    ).rows  # fmt: skip
    assert row.status == "skipped"
    assert "have no equal-accuracy: use more labels or groups" in row.reason


TRIALS = "first,second,same\na/0.wav,a/1.wav,1\na/0.wav,b/0.wav,0\n"


@pytest.mark.filterwarnings("ignore:2 clips are not used")
@pytest.mark.parametrize("name", ["pairs.csv", "pairs.txt"])
def test_a_list_of_pairs_makes_the_test_split(tmp_path, name):
    root = speak(tmp_path / "all", {"a": 3, "b": 2, "c": 3, "d": 3})
    text = TRIALS if name.endswith(".csv") else "1 a/0.wav ./a/1.wav\n0 a/0.wav b/0.wav\n"
    (tmp_path / name).write_text(text)
    data = own.load(request(target=root, trials=tmp_path / name))
    assert data.target.test.references == [["a/0.wav", ["a/1.wav", "b/0.wav"]], ["a/1.wav", []], ["b/0.wav", []]]
    assert groups(data.target.train) == ["c", "d"]
    listed = own.files(request(target=root, trials=tmp_path / name))
    assert tmp_path / name in listed
    assert len(listed) == 12


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a/0.wav,a/1.wav,yes", '"yes" in "same" is neither 0 nor 1'),
        ("a/0.wav,a/0.wav,1", "compared with itself"),
        ("a/1.wav,a/0.wav,1", "the pair is that of line 2"),
        ("a/0.wav,b/1.wav,1", 'but the clips are of "a" and "b"'),
        ("a/0.wav,../x.wav,0", '"../x.wav" is no clip of'),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_wrong_in_a_list_of_pairs_is_refused_with_its_line(tmp_path, rows, message):
    root = speak(tmp_path / "all", {"a": 3, "b": 2, "c": 3, "d": 3})
    (tmp_path / "pairs.csv").write_text(TRIALS + rows + "\n")
    with pytest.raises(BadInputError, match=f"line 4: .*{message}"):
        own.load(request(target=root, trials=tmp_path / "pairs.csv"))


@pytest.mark.parametrize(("kept", "message"), [(1, "different speakers"), (2, "the same speaker")])
def test_a_list_of_pairs_of_one_sort_is_refused(tmp_path, kept, message):
    root = speak(tmp_path / "all", {"a": 3, "b": 2, "c": 3, "d": 3})
    lines = TRIALS.splitlines()
    (tmp_path / "pairs.csv").write_text(f"{lines[0]}\n{lines[kept]}\n")
    with pytest.raises(BadInputError, match=f"has no pair of {message}"):
        own.load(request(target=root, trials=tmp_path / "pairs.csv"))


def test_an_inspection_collects_what_is_wrong(tmp_path):
    root = speak(tmp_path / "all", {"a": 3, "b": 2, "c": 3, "d": 3})
    (tmp_path / "pairs.csv").write_text(TRIALS + "a/0.wav,a/0.wav,1\nb/0.wav,b/1.wav,0\n")
    seen = inspect_task(TASKS["speech/speaker-folder"], request(target=root, trials=tmp_path / "pairs.csv"), 4)
    assert len(seen.refused) == 2
    assert seen.splits[1]["groups"] == "2 of 1-2 examples"
    faults = CollectedFaults()
    own.load(request(faults, target=root, trials=tmp_path / "pairs.csv"))
    assert len(faults.errors) == 2


def test_the_speakers_of_the_published_task_are_disjoint():
    root = os.environ.get("TLBENCH_DATA")
    if not root or not (Path(root) / "speaker_id").is_dir():
        pytest.skip("TLBENCH_DATA has no speaker_id")
    made = LoadRequest(task="speech/speaker-pairs", options={"source": "", "target": ""}, data_root=Path(root))
    data = published.load(made)
    assert groups(data.source.test) == groups(data.target.test)
    assert not set(groups(data.target.train)) & set(groups(data.source.test))
    sizes = [len(split.inputs) for side in (data.source, data.target) for split in (side.train, side.test)]
    assert sizes == [60, 40, 48, 32]
    assert len(scores.pairs_of(KIND.targets(data.target.test.labels, ())).first) == 496
