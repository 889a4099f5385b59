"""Written answers: decoding, metrics, what they are compared with, and one's own prompts."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from fakes.checkpoints import gpt2_folder
from fakes.hf_backbones import TEXTS, Made, the_library_s
from hypothesis import given, settings
from hypothesis import strategies as st
from support import plan_only

from tlbench import ANSWER_TOKENS, BadInputError, BuildRequest, FitRequest, LoadRequest, PrepareRequest, UsageError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.engine.prepared import prepare
from tlbench.planning.catalog import load_catalog
from tlbench_generation import prompts_file
from tlbench_generation.metrics import ROUGE, exact, log_likelihood, perplexity, rouge
from tlbench_generation.postprocess import LONGEST, Answers, code_points, text_in, texts_of
from tlbench_generation.tasks import summaries
from tlbench_generation.tasks.own import PROMPT_WORDS


def text_of(pieces):
    """The text of named tokens."""
    return texts_of([range(len(pieces))], pieces)[0]


PAIRS = [(text, text.split()[-1]) for text in TEXTS]
LABELS = ["", "Ġred", "Ġlamp", "Ġis", "Ġold", "s"]
"""The token 0 ends an answer."""


class Chain:
    """Stands for a graph: what follows a token is drawn for each (token, number of tokens so far) once and for all."""

    def __init__(self, seed, end=0.0):
        outputs = len(LABELS)
        self.scores = np.random.default_rng(seed).random((outputs + 1, 60, outputs))
        self.scores[..., 0] += end
        self.passes = 0

    def __call__(self, inputs):
        ids, marks = inputs
        assert ids.shape == marks.shape
        assert ids.dtype == marks.dtype == np.int32
        self.passes += 1
        return self.scores[ids, np.arange(ids.shape[1])]


def batch(*prompts):
    """Prompts of token ids, padded; the last token of each is marked."""
    width = max(map(len, prompts))
    ids, marks = np.zeros((2, len(prompts), width), np.int32)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = np.array(prompt) + 1
        marks[row, len(prompt) - 1] = 1
    return [ids, marks]


def written_plainly(chain, prompt):
    """Greedy decoding of one prompt, as one would write it down."""
    tokens = list(prompt)
    while len(tokens) - len(prompt) < LONGEST:
        best = int(chain.scores[tokens[-1] + 1, len(tokens) - 1].argmax())
        if best == 0:
            break
        tokens.append(best)
    return text_of([LABELS[token] for token in tokens[len(prompt) :]])


class TestDecoding:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 1000),
        st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=9), min_size=1, max_size=5),
        st.sampled_from((-1.0, 0.0, 0.2, 1.0)),
    )
    def test_a_batch_is_written_as_each_prompt_by_itself(self, seed, prompts, end):
        chain = Chain(seed, end=end)
        texts = [text_in(part) for part in Answers().generate(chain, batch(*prompts), LABELS)]
        assert texts == [written_plainly(chain, prompt) for prompt in prompts]
        assert chain.passes <= LONGEST

    def test_the_true_answer_is_not_read(self):
        chain, (ids, marks) = Chain(3), batch([1, 2, 3])
        told = [np.array([[2, 3, 4, 5, 6, 2]], np.int32), np.array([[0, 0, 1, 1, 1, 1]], np.int32)]
        alone, beside = (Answers().generate(chain, inputs, LABELS) for inputs in ([ids, marks], told))
        assert text_in(alone[0]) == text_in(beside[0]) != ""

    def test_it_ends_with_the_token_without_a_text_or_after_the_longest_answer(self):
        (nothing,) = Answers().generate(Chain(0, end=9.0), batch([1]), LABELS)
        (longest,) = Answers().generate(Chain(0, end=-9.0), batch([1]), [*LABELS[:-1], "Ġx"])
        assert (text_in(nothing), len(text_in(longest).split())) == ("", LONGEST)

    def test_all_agree_on_the_longest_answer(self):
        from tlbench_nlp import preprocess

        assert ANSWER_TOKENS == LONGEST == preprocess.ANSWER_TOKENS
        (length,) = (o.default for o in load_catalog().backbone("text/gpt2-tiny").options if o.name == "max_length")
        assert length - preprocess.ANSWER_TOKENS - 1 == PROMPT_WORDS

    def test_log_probabilities_are_those_of_torch(self):
        import torch

        from tlbench.learning import Outputs

        units = np.random.default_rng(0).normal(0, 30, (7, 11)).astype(np.float32)
        made = Answers().predict(Outputs(units, shape=(7,)))
        expected = torch.log_softmax(torch.from_numpy(units).double(), -1).numpy()
        assert np.allclose(made, expected, rtol=1e-6, atol=1e-6)
        targets = np.arange(7)
        assert np.array_equal(Answers().predict(Outputs(units, shape=(7,)), targets), made[targets, targets])


class TestTexts:
    @settings(max_examples=60, deadline=None)
    @given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
    def test_byte_pairs_and_numbers_give_a_text_back(self, text):
        from tokenizers import pre_tokenizers

        spelled = pre_tokenizers.ByteLevel(add_prefix_space=True).pre_tokenize_str(text)
        assert text_of([piece for word, _ in spelled for piece in word]) == text.strip()
        assert text_in(code_points(text)) == text

    def test_pieces_of_sentencepiece_are_read_too(self):
        assert text_of(["▁The", "▁na", "ï", "ve", "<0xE2>", "<0x82>", "<0xAC>", "▁5"]) == "The naïve€ 5"

    def test_half_a_character_is_shown_as_such(self):
        assert text_of(["Ġa", "Ã"]) == "a\ufffd"


def predictions_of(texts, logs):
    from tlbench.learning import Predictions

    parts = [np.append(np.array(own, np.float32), code_points(text)) for text, own in zip(texts, logs, strict=True)]
    return Predictions.of(parts, np.zeros(len(parts)))


def targets_of(references, logs):
    from tlbench.learning import Targets

    counts = np.array([len(own) for own in logs])
    return Targets(np.zeros(counts.sum(), np.int64), counts, references)


def f1(overlap, one, other):
    return 0.0 if not overlap else 2 * overlap / (one + other)


def plain_rouge(name, text, reference):
    """ROUGE's F1 by its definition: n-grams counted, or the longest common subsequence by trying all of them."""
    one, other = (
        "".join(sign if sign in "abcdefghijklmnopqrstuvwxyz0123456789" else " " for sign in t.lower()).split()
        for t in (text, reference)
    )
    if name != "rouge-l":
        size = int(name[-1])
        grams = [Counter(zip(*(words[start:] for start in range(size)), strict=False)) for words in (one, other)]
        return f1((grams[0] & grams[1]).total(), grams[0].total(), grams[1].total())

    def common(i, j):
        if i == len(one) or j == len(other):
            return 0
        if one[i] == other[j]:
            return 1 + common(i + 1, j + 1)
        return max(common(i + 1, j), common(i, j + 1))

    return f1(common(0, 0), len(one), len(other))


WORDY = st.lists(st.sampled_from(("a", "b", "The", "the", "c9", "x-y", "é", ".", "")), max_size=6).map(" ".join)


class TestMetrics:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(WORDY, st.lists(WORDY, min_size=1, max_size=3)), min_size=1, max_size=4), st.data())
    def test_rouge_is_the_mean_of_the_best_f1_by_its_definition(self, pairs, data):
        texts, references = [text for text, _ in pairs], [known for _, known in pairs]
        logs = [[-1.0]] * len(texts)
        made, targets = predictions_of(texts, logs), targets_of(references, logs)
        weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(texts), max_size=len(texts))), float)
        weights[0] += 1
        for name in ROUGE:
            expected = [max(plain_rouge(name, text, one) for one in known) for text, known in pairs]
            assert rouge(name, ())(made, targets)(weights) == pytest.approx(np.average(expected, weights=weights))

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(WORDY, WORDY), min_size=1, max_size=4))
    def test_rouge_is_that_of_torchmetrics(self, pairs):
        text = pytest.importorskip("torchmetrics.text.rouge")
        logs = [[-1.0]] * len(pairs)
        made, targets = predictions_of([one for one, _ in pairs], logs), targets_of([[o] for _, o in pairs], logs)
        other = text.ROUGEScore(rouge_keys=tuple(ROUGE.values()))
        expected = other([one for one, _ in pairs], [two for _, two in pairs])
        for name, theirs in ROUGE.items():
            value = rouge(name, ())(made, targets)(np.ones(len(pairs)))
            assert value == pytest.approx(float(expected[f"{theirs}_fmeasure"]), abs=1e-6)

    @pytest.mark.parametrize(("text", "reference"), [("", ""), ("", "a"), ("a", ""), ("é", "é")])
    def test_a_text_without_words_scores_0(self, text, reference):
        made, targets = predictions_of([text], [[-1.0]]), targets_of([[reference]], [[-1.0]])
        assert [rouge(name, ())(made, targets)(np.ones(1)) for name in ROUGE] == [0, 0, 0]

    def test_without_references_the_tokens_of_the_answer_are_compared_with(self):
        from tlbench.learning import Predictions, Targets

        targets = Targets(np.array([1, 2, 0]), np.array([3]))
        made = Predictions.of([np.append(np.zeros(3, np.float32), code_points("red  LAMP"))], np.zeros(1))
        for metric in (rouge("rouge-l", LABELS), exact(LABELS)):
            assert metric(made, targets)(np.ones(1)) == 1

    def test_log_likelihood_is_the_mean_over_tokens_of_weighted_examples(self):
        logs, weights = [[-1.0, -3.0], [-0.5]], np.array([1.0, 3.0])
        made, targets = predictions_of(["any", ""], logs), targets_of([["x"], ["y"]], logs)
        assert log_likelihood(made, targets)(weights) == pytest.approx(-5.5 / 5)
        assert perplexity(made, targets)(weights) == pytest.approx(np.exp(5.5 / 5))


def tiny(max_length=60, **options):
    """The small decoder fitted to a few pairs, with their columns."""
    spec = load_catalog().backbone("text/gpt2-tiny")
    chosen = {option.name: option.default for option in spec.options}
    chosen |= {"vocabulary": 300, "max_length": max_length, "hidden": 16, **options}
    fitted = json.loads(json.dumps(spec.fit(FitRequest(inputs=PAIRS, options=chosen, layout="continuation"))))

    def prepare(inputs):
        return spec.prepare(PrepareRequest(inputs=inputs, fitted=fitted, layout="continuation", options=chosen))

    request = BuildRequest(fitted=fitted, layout="continuation", options=chosen)
    return spec, fitted, prepare, request


def answers_follow_prompts(columns, labels, expected):
    """Check what every backbone prepares: the marked tokens say the answer, as far as there is room."""
    for ids, marks, told, answer in zip(*(column.split() for column in columns), expected, strict=True):
        assert len(ids) == len(marks)
        assert marks.sum() == max(1, len(told))
        assert (np.diff(marks) >= 0).all()
        assert (ids[len(ids) - len(told) + 1 :] - 1 == told[:-1]).all()
        assert text_of([labels[token] for token in told]) == answer
        assert [labels[token] for token in told[-1:]] == [""]


class TestBackbones:
    def test_the_small_decoder_marks_the_answer(self):
        _, fitted, prepare, _ = tiny()
        answers_follow_prompts(prepare(PAIRS), fitted["vocabulary"], [answer for _, answer in PAIRS])

    def test_a_prompt_alone_marks_its_last_token(self):
        _, _, prepare, _ = tiny()
        (alone, marks, told), (whole, *_) = prepare([PAIRS[0][0]]), prepare(PAIRS[:1])
        (of_prompt,), (of_pair,) = alone.split(), whole.split()
        assert (of_pair[: len(of_prompt)] == of_prompt).all()
        assert marks.split()[0].tolist() == [0] * (len(of_prompt) - 1) + [1]
        assert len(told.split()[0]) == 0

    def test_checkpoints_with_few_positions_have_no_room_for_answers(self, folders):
        assert "continuation" not in Made(folders["gpt2"], TEXTS).spec.layouts

    def test_long_prompts_and_answers_are_cut_to_the_positions(self):
        _, _, prepare, _ = tiny(max_length=40)
        ids, marks, told = (column.split() for column in prepare([("the plot " * 30, "bad " * 60), ("bad", "")]))
        assert (len(ids[0]), len(told[0]), len(told[1])) == (40, ANSWER_TOKENS, 1)
        assert marks[0].argmax() == 40 - ANSWER_TOKENS
        with pytest.raises(BadInputError, match="max_length must be at least 34"):
            tiny(max_length=33)[2](PAIRS)

    def test_the_file_writes_what_the_model_writes(self, tmp_path):
        import torch

        from tlbench.deploy.export import export_model
        from tlbench.deploy.onnx_graph import export_graph
        from tlbench.learning import Examples, Inputs, Targets, TransferModel
        from tlbench.learning.generating import generate_split
        from tlbench_generation.kind import Generation

        spec, fitted, prepare, request = tiny()
        torch.manual_seed(0)
        encoder, kind, labels = spec.build(request), Generation(), fitted["vocabulary"]
        model = TransferModel(encoder, {"target": kind.head(encoder.feature_dim, labels)}).eval()
        torch.nn.init.normal_(model.heads["target"].weight, std=1.0)
        *columns, told = prepare(PAIRS)
        targets = Targets(told.values.astype(np.int64), told.lengths)
        examples = Examples(Inputs(tuple(columns)), targets)
        texts = [text_in(part) for part in generate_split(model, "target", kind, labels, examples.inputs)]
        export_graph(model, examples.inputs, tmp_path / "graph.onnx")
        files = (tmp_path / "graph.onnx", examples, kind, tmp_path / "model.onnx")
        parity = export_model(model, *files, "cpu", 1, labels)
        parts = zip(parity.predictions.split(), targets.counts, strict=True)
        assert [text_in(part[count:]) for part, count in parts] == texts
        assert len(set(texts)) > 1

    def test_a_checkpoint_writes_what_the_library_writes(self, tmp_path):
        import torch

        from tlbench.learning import Inputs
        from tlbench.learning.generating import generate_split
        from tlbench_generation.kind import Generation

        folder = gpt2_folder(tmp_path / "gpt2", positions=64)
        made = Made(folder, PAIRS, "continuation", max_length=48)
        own = made.spec.own_head(made.request)
        labels = list(own.labels)
        assert labels == made.fitted["vocabulary"]
        answers_follow_prompts(made.columns, labels, [answer for _, answer in PAIRS])
        model = made.model(len(labels))
        model.heads["target"].load_state_dict(own.head.state_dict())
        *columns, _ = made.columns
        generated = generate_split(model, "target", Generation(), labels, Inputs(tuple(columns)))
        library = the_library_s(folder, "AutoModelForCausalLM")
        for ids, marks, part in zip(*(column.split() for column in columns), generated, strict=True):
            prompt = torch.from_numpy(ids[: marks.argmax() + 1].astype(np.int64) - 1)[None]
            told = library.generate(prompt, attention_mask=prompt * 0 + 1, max_new_tokens=LONGEST, do_sample=False)
            tokens = told[0, prompt.shape[1] :].tolist()
            end = labels.index("")
            tokens = tokens[: tokens.index(end)] if end in tokens else tokens
            assert text_in(part) == text_of([labels[token] for token in tokens])


def hf_tokenizer(model, added=(), **rules):
    """A tokenizer of the library, which knows a few pieces."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer(model)
    for name, rule in rules.items():
        setattr(tokenizer, name, rule)
    tokenizer.add_tokens(list(added))
    return tokenizer


class TestTokenizers:
    """A text is put together of the names of tokens alone, so `said` must make them unambiguous."""

    def said(self, tokenizer):
        from types import SimpleNamespace

        from tlbench_hf.tokens import said

        return said(tokenizer, SimpleNamespace(vocab_size=tokenizer.get_vocab_size(), eos_token_id=0), "continuation")

    def test_added_tokens_of_byte_level_pieces_are_spelled_in_bytes(self):
        from tokenizers import decoders, models, pre_tokenizers

        alphabet = {letter: place for place, letter in enumerate(["<end>", *pre_tokenizers.ByteLevel.alphabet()])}
        rules = {"pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False), "decoder": decoders.ByteLevel()}
        tokenizer = hf_tokenizer(models.BPE(alphabet, []), ["<\u2581x\u2581>", "Ġé", "<|a|>"], **rules)
        labels = self.said(tokenizer)
        text = "né <\u2581x\u2581> ☕Ġé <|a|>"
        assert text_of([labels[place] for place in tokenizer.encode(text).ids]) == text

    @pytest.mark.parametrize("form", ["metaspace", "replace"])
    def test_pieces_of_sentencepiece_stay(self, form):
        from tokenizers import decoders, models, normalizers, pre_tokenizers

        vocabulary = {name: place for place, name in enumerate(["<end>", "\u2581", "a", "Ġ", "é"])}
        of_replace = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
        rules = {
            "metaspace": {"pre_tokenizer": pre_tokenizers.Metaspace()},
            "replace": {"normalizer": normalizers.Replace(" ", "\u2581"), "decoder": decoders.Sequence(of_replace)},
        }
        tokenizer = hf_tokenizer(models.BPE(vocabulary, []), **rules[form])
        labels = self.said(tokenizer)
        assert text_of([labels[place] for place in tokenizer.encode("aé Ġ a").ids]) == "aé Ġ a"

    def test_others_are_refused(self):
        from tokenizers import decoders, models

        word = hf_tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}), decoder=decoders.WordPiece())
        ends = hf_tokenizer(models.BPE({"a": 0, "b</w>": 1}, [], end_of_word_suffix="</w>"))
        for tokenizer, name in ((word, "WordPiece"), (ends, "BPE")):
            with pytest.raises(UsageError, match=f'pieces of "{name}", of which no answer can be written'):
                self.said(tokenizer)


class TestWithoutReading:
    def model(self, encoder, head):
        from tlbench.learning import TransferModel

        return TransferModel(encoder, {"target": head}).eval()

    def written(self, model, prepare, labels):
        from tlbench.learning import Inputs
        from tlbench.learning.generating import generate_split
        from tlbench_generation.kind import Generation

        *columns, _ = prepare(PAIRS)
        parts = generate_split(model, "target", Generation(), labels, Inputs(tuple(columns)))
        return [text_in(part) for part in parts]

    def test_the_lead_is_the_beginning_of_the_prompt(self):
        from tlbench_generation.without_reading import Copied, Copy

        _, fitted, prepare, _ = tiny()
        labels = fitted["vocabulary"]
        head = Copy(len(labels))
        head.length.fill_(1000.0)
        whole = self.written(self.model(Copied(), head), prepare, labels)
        assert whole == [text.strip() for text, _ in PAIRS]
        head.length.fill_(1.0)
        begun = self.written(self.model(Copied(), head), prepare, labels)
        assert all(prompt.startswith(text) and text for text, prompt in zip(begun, whole, strict=True))
        assert len("".join(begun)) < len("".join(whole)) / 3

    def test_a_batch_counts_the_outputs_of_any_head(self):
        import torch

        from tlbench.learning import Inputs
        from tlbench.learning.generating import OUTPUTS_AT_ONCE, dense_batch_size
        from tlbench_generation.without_reading import Copy

        *columns, _ = tiny()[2](PAIRS)
        inputs, outputs = Inputs(tuple(columns)), 10**6
        sizes = [dense_batch_size(head, inputs) for head in (Copy(outputs), torch.nn.Linear(1, outputs))]
        assert sizes == [max(1, OUTPUTS_AT_ONCE // (outputs * int(inputs.lengths.max())))] * 2
        assert sizes[0] < dense_batch_size(torch.nn.Identity(), inputs)

    def test_the_typical_answer_is_the_most_central_one(self):
        from types import SimpleNamespace

        import torch

        from tlbench.learning import Targets
        from tlbench_generation.without_reading import Places, most_central, typical_answer

        _, fitted, prepare, _ = tiny()
        labels = fitted["vocabulary"]
        *_, told = prepare([("x", "bad lid"), ("x", "bad plot"), ("y", "bad plot and hero"), ("z", "it")])
        answers = told.split()
        assert most_central(answers) is answers[1]
        model = self.model(Places(), torch.nn.Linear(ANSWER_TOKENS, len(labels)))
        train = SimpleNamespace(targets=Targets(told.values.astype(np.int64), told.lengths))
        typical_answer(SimpleNamespace(model=model, target=SimpleNamespace(train=train)))
        assert set(self.written(model, prepare, labels)) == {"bad plot"}


def own(**options):
    task = load_catalog().task("nlp/prompt-table")
    given = {option.name: option.default for option in task.options}
    return task, LoadRequest(task=task.name, options={**given, **options}, data_root=None, faults=CollectedFaults())


def lines(path, records):
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


class TestOwnPrompts:
    def test_tables_become_pairs_with_all_answers_of_a_prompt_as_references(self, tmp_path):
        rows = [{"q": f"count {n // 2}", "a": f"it is {n}"} for n in range(40)]
        (tmp_path / "t.csv").write_text("q,a\n" + "\n".join(f"{row['q']},{row['a']}" for row in rows))
        target = str(tmp_path / "t.csv")
        task, asked = own(source=lines(tmp_path / "s.jsonl", rows), target=target, prompt="q", answer="a")
        assert task.labels(asked).source == task.labels(asked).target
        data = task.load(asked)
        assert asked.faults.errors == []
        assert data.reading == {"prompt": "q", "quotes": True}
        for split in (data.source.train, data.source.test, data.target.train, data.target.test):
            assert len(split.inputs)
            for (prompt, answer), known in zip(split.inputs, split.references, strict=True):
                first = int(prompt.split()[1]) * 2
                assert answer in known == [f"it is {first}", f"it is {first + 1}"]
        prompts = [{prompt for prompt, _ in split.inputs} for split in (data.target.train, data.target.test)]
        assert not prompts[0] & prompts[1]

    def test_without_a_source_the_task_has_a_target_alone(self, tmp_path):
        task, asked = own(target=lines(tmp_path / "t.jsonl", [{"prompt": f"p {n}", "answer": "a"} for n in range(9)]))
        assert task.labels(asked).source is None
        assert task.load(asked).source is None

    def test_faults_are_named_with_their_lines(self, tmp_path):
        rows = [{"prompt": f"p {n}", "answer": "a b"} for n in range(20)]
        rows[3]["answer"], rows[5]["prompt"], rows[7]["answer"] = "", " ", "long " * 40
        rows[8]["answer"], rows[9]["prompt"] = "нет", "w " * (PROMPT_WORDS + 1)
        task, asked = own(target=lines(tmp_path / "t.jsonl", rows))
        task.load(asked)
        errors, notes = "\n".join(map(str, asked.faults.errors)), "\n".join(asked.faults.notes)
        assert 'line 4: column "answer" is empty' in errors
        assert 'line 6: column "prompt" is empty' in errors
        assert "Answers of more than 31 words" in notes
        assert "Prompts of more than 127 words" in notes
        assert "Answers without a letter a-z" in notes
        assert all("1 of 18" in note for note in asked.faults.notes if "words" in note)

    def test_prompts_in_both_splits_are_noted(self, tmp_path):
        rows = [{"prompt": f"p {n % 5}", "answer": f"a {n}", "who": f"w {n}"} for n in range(40)]
        task, asked = own(target=lines(tmp_path / "t.jsonl", rows), group="who")
        test = task.load(asked).target.test
        assert any(f"{len(test.inputs)} of {len(test.inputs)} test examples" in note for note in asked.faults.notes)
        task, asked = own(target=lines(tmp_path / "t.jsonl", rows))
        task.load(asked)
        assert not any("training split too" in note for note in asked.faults.notes)

    def test_test_examples_that_are_left_out_are_noted_and_stay_references(self, tmp_path):
        (tmp_path / "t").mkdir()
        rows = [{"prompt": f"p {n % 80}", "answer": f"a {n}"} for n in range(160)]
        for part, records in (("train", rows[:3]), ("test", rows)):
            lines(tmp_path / "t" / f"{part}.jsonl", [{**one, "prompt": f"{part} {one['prompt']}"} for one in records])
        task, asked = own(target=str(tmp_path / "t"))
        target = task.load(asked).target
        answers = [answer for _, answer in target.test.inputs]
        assert answers == [f"a {place * 160 // 50}" for place in range(50)]
        assert len(target.train.inputs) == 3
        for (_, answer), known in zip(target.test.inputs, target.test.references, strict=True):
            first = int(answer.split()[1]) % 80
            assert known == [f"a {first}", f"a {first + 80}"]
        assert any("110 of 160 test examples" in note and "test_size=160" in note for note in asked.faults.notes)

        task, asked = own(target=str(tmp_path / "t"), test_size=160)
        assert len(task.load(asked).target.test.inputs) == 160
        assert not any("left out" in note for note in asked.faults.notes)
        with pytest.raises(UsageError, match=r"invalid task\.test_size=0"):
            task.load(own(target=str(tmp_path / "t"), test_size=0)[1])

    def test_references_and_lengths_are_kept_with_the_model_inputs(self, catalog, settings, tmp_path):
        rows = [{"prompt": f"say {n % 9}", "answer": f"it is {n}"} for n in range(30)]
        overrides = {"task.target": lines(tmp_path / "t.jsonl", rows)}
        (pairing,) = plan_only(
            catalog, settings, tasks=["nlp/prompt-table"], strategies=["finetune"], overrides=overrides
        ).pairings
        (tmp_path / "out").mkdir()
        prepared = prepare(pairing, tmp_path / "out")
        targets = prepared.split("target-test").targets
        expected = [[row["answer"] for row in rows if row["answer"] in known] for known in targets.references]
        assert list(targets.references) == expected
        assert all(len(known) in (3, 4) for known in targets.references)
        texts = texts_of(targets.split(), prepared.target_labels)
        assert all(text in known for text, known in zip(texts, targets.references, strict=True))
        facts = json.loads((tmp_path / "out" / "facts.json").read_text())
        assert facts["target-test"]["answers_at_limit"] == facts["target-test"]["at_limit"] == 0


class TestFilesOfPrompts:
    def test_lines_and_tables_are_read(self, tmp_path):
        read = prompts_file.PromptReader("q")
        (tmp_path / "a.jsonl").write_text('{"q": " one", "other": 1}\n\n{"q": "t\\nwo"}\n')
        (tmp_path / "b.jsonl").write_text('\ufeff\n"one "\n\n"two\u2028"\n', encoding="utf-8")
        (tmp_path / "a.csv").write_text('x;q\n1;"a\nb"\n')
        assert read(tmp_path / "a.jsonl") == ["one", "t\nwo"]
        assert read(tmp_path / "b.jsonl") == ["one", "two"]
        assert read(tmp_path / "a.csv") == ["a\nb"]
        assert prompts_file.PromptReader("q", one_line=True)(tmp_path / "a.csv") == ["a b"]

    @pytest.mark.parametrize(
        ("name", "content", "fault"),
        [
            ("a.jsonl", '{"p": "one"}', 'Unknown column "q"'),
            ("a.jsonl", "{", "line 1"),
            ("a.jsonl", '"a"\n"b', "line 2 is not JSON"),
            ("a.jsonl", '"a"\n{"q": "b"}', "line 2 is not a text"),
            ("a.jsonl", '"a"\n\n" "', "line 3 is blank"),
            ("a.csv", "x,y\n1,2\n", 'Unknown column "q"'),
            ("a.csv", "x,q\n1,a\n2, \n", 'line 3: column "q" is empty'),
            ("a.csv", "x,q\n1,a\n2\n3,b\n", "line 3: 1 cells for 2 columns"),
            ("a.csv", "x,q\n", "has no rows"),
            ("a.jsonl", "\n", "has no rows"),
        ],
    )
    def test_others_are_refused(self, tmp_path, name, content, fault):
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=fault):
            prompts_file.PromptReader("q")(tmp_path / name)


class TestFilesOfSummaries:
    @pytest.mark.parametrize(
        "content",
        [
            *('{"text": 1, "summary": "b"}', '{"text": "a"}', "[]", "{", "", "\xff"),
            *('{"text": "a", "summary": "b", "references": "c"}', '{"text": "a", "summary": "b", "references": [1]}'),
        ],
    )
    def test_others_are_refused(self, tmp_path, content):
        (tmp_path / "t.jsonl").write_bytes(content.encode("latin-1"))
        with pytest.raises(BadInputError, match="get the file again"):
            summaries._read(tmp_path / "t.jsonl")
        with pytest.raises(BadInputError, match="cannot be read"):
            summaries._read(tmp_path / "missing.jsonl")

    def test_a_line_ends_with_a_line_feed_alone(self, tmp_path):
        record = {"text": "a\u2028b\x85c", "summary": "d"}
        (tmp_path / "t.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
        assert summaries._read(tmp_path / "t.jsonl") == [record]


def test_notes_of_the_generated_task_say_what_their_line_says():
    data = load_catalog().task("nlp/headlines").load(None)
    for side in (data.source, data.target):
        assert not {pair[0] for pair in side.train.inputs} & {pair[0] for pair in side.test.inputs}
        for prompt, answer in side.test.inputs:
            fields = dict(part.split(" : ") for part in prompt.split(" ; "))
            kept = [value for name, value in fields.items() if name not in ("urgent", "reported by", "crew")]
            assert all(value in answer for value in kept)
            assert answer.startswith(("please hurry", "keep away")) == (fields["urgent"] == "yes")


def test_summaries_are_read_with_all_their_references(data_root):
    task = load_catalog().task("nlp/summaries")
    options = {option.name: option.default for option in task.options}
    data = task.load(LoadRequest(task=task.name, options=options, data_root=data_root))
    assert (len(data.source.train.inputs), len(data.target.train.inputs)) == (1000, 871)
    assert {len(side.test.inputs) for side in (data.source, data.target)} == {50}
    assert {len(known) for known in data.source.test.references} <= {1, 2, 3}
    assert max(map(len, data.source.test.references)) > 1
