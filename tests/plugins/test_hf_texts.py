from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from fakes.checkpoints import WORDS, bert_folder
from fakes.hf_backbones import MANY, TEXTS, Made, clips, pieces, the_library_s
from safetensors.torch import load_file, save_file

from tlbench import (
    BadInputError,
    BuildRequest,
    FitRequest,
    PrepareRequest,
    RemaskRequest,
    SaveRequest,
    UsageError,
)


class TestTokens:
    def test_ids_stand_one_higher_so_that_0_is_padding(self, folders):
        (ids,) = Made(folders["bert"], TEXTS).columns
        words = {word: place for place, word in enumerate(["", "", "[CLS]", "[SEP]", "", *WORDS])}
        assert pieces(ids)[1] == [words[word] for word in ("[CLS]", "a", "dull", "ending", "[SEP]")]

    def test_words_of_a_sentence_have_a_space_before_them_in_byte_pairs(self, folders):
        from tokenizers import Tokenizer

        ids, firsts = Made(folders["gpt2"], [["good", "plot"]], "sequence").columns
        tokenizer = Tokenizer.from_file(str(folders["gpt2"] / "tokenizer.json"))
        tokens = [tokenizer.id_to_token(one) for one in pieces(ids)[0]]
        assert "".join(tokens) == "ĠgoodĠplot"
        assert [tokens[place][0] for place in pieces(firsts)[0]] == ["Ġ", "Ġ"]

    def test_a_word_behind_the_cut_reads_the_last_position(self, folders):
        ids, firsts = Made(folders["bert"], [list(WORDS[:6])], "sequence", max_length=5).columns
        assert (len(pieces(ids)[0]), pieces(firsts)[0]) == (5, [1, 2, 3, 4, 4, 4])

    def test_pairs_are_told_apart_where_the_model_can(self, folders):
        pairs = [("good plot", "bad lid"), ("it", "the hero")]
        _, segments = Made(folders["bert"], pairs).columns
        assert [part.tolist() for part in segments.split()] == [[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]]
        assert len(Made(folders["gpt2"], pairs).columns) == 1

    def test_other_inputs_are_refused(self, folders):
        with pytest.raises(BadInputError, match="list of words"):
            Made(folders["bert"], ["a text"], "sequence")

    def test_each_token_stands_beside_the_one_before(self, folders):
        before, targets = Made(folders["gpt2"], [*TEXTS, ""], "next-token").columns
        for given, said in zip(pieces(before), targets.split(), strict=True):
            assert given == [0, *said.tolist()][: len(said)]
        assert len(targets.split()[-1]) == 0

    def test_masked_words_are_always_the_same_and_named_by_their_targets(self, folders):
        made = Made(folders["bert"], MANY, "masked-token")
        ids, places, targets = made.columns
        whole = pieces(Made(folders["bert"], MANY).columns[0])
        for given, masked, said, text in zip(pieces(ids), pieces(places), targets.split(), whole, strict=True):
            assert [text[place] for place in masked] == said.tolist()
            assert all(given[place] == text[place] for place in set(range(len(text))) - set(masked))
        masks = np.mean(
            [given[place] == 4 for given, at in zip(pieces(ids), pieces(places), strict=True) for place in at]
        )
        assert 0.65 < masks < 0.95
        assert np.array_equal(made.prepare(MANY)[0].values, ids.values)

    @pytest.mark.parametrize(
        ("kind", "layout", "inputs"),
        [
            ("bert", "pooled", [*TEXTS, "", "the " * 50]),
            ("bert", "pooled", [("good plot", "bad lid"), ("it " * 40, "the hero")]),
            (
                "bert",
                "context",
                [("is it", "the plot is good, but"), ("is it " * 20, "the hero " * 30), ("", "it")],
            ),
            ("gpt2", "context", [("is it good", "the plot \u00e9 \u2615"), ("is it " * 20, "the hero " * 30)]),
            ("gpt2", "pooled", [*TEXTS, "\u00e9 \u2615"]),
            ("bert", "sequence", [["good", "plot"], list(WORDS) * 3]),
            ("gpt2", "sequence", [["good", "plot"], ["it"]]),
            ("bert", "masked-token", MANY),
            ("gpt2", "next-token", TEXTS),
        ],
    )
    def test_an_export_prepares_each_example_as_training_did(self, folders, kind, layout, inputs):
        made = Made(folders[kind], inputs, layout)
        prepare = made.spec.preprocess().preprocessor(made.fitted, made.options, layout)
        columns = [column.split() for column in made.inputs().columns]
        for example, *expected in zip(inputs, *columns, strict=True):
            # JSON knows no pairs.
            prepared = prepare(json.loads(json.dumps(example)))
            assert [part.dtype for part in prepared] == [np.int32] * len(columns)
            assert all(map(np.array_equal, prepared, expected))

    def test_a_token_without_an_embedding_is_refused_when_serving_too(self, folders):
        made = Made(folders["bert"], TEXTS)
        prepare = made.spec.preprocess().preprocessor({**made.fitted, "size": 6}, made.options, "pooled")
        with pytest.raises(ValueError, match="embeddings of 6 tokens only"):
            prepare("the plot is good")

    def test_training_masks_as_many_words_in_other_places(self, folders):
        import torch

        made = Made(folders["bert"], MANY, "masked-token")
        inputs, targets = made.inputs().batch(np.arange(80)), torch.from_numpy(made.columns[-1].values).long()
        request = RemaskRequest(
            inputs=inputs, targets=targets, fitted=made.fitted, generator=torch.Generator().manual_seed(0)
        )
        (ids, places), said = made.spec.remask(request)
        assert torch.equal((places > 0).sum(1), (inputs[1] > 0).sum(1))
        assert not torch.equal(places, inputs[1])
        whole = pieces(Made(folders["bert"], MANY).columns[0])
        parts = said.split((places > 0).sum(1).tolist())
        for given, masked, true, text in zip(ids, places, parts, whole, strict=True):
            at = [int(place) - 1 for place in masked if place]
            assert [text[place] for place in at] == true.tolist()
            assert not {0, len(text) - 1} & set(at)
            assert all(given[place] - 1 == text[place] for place in set(range(len(text))) - set(at))

    def test_an_older_form_of_tokenizer_gives_the_same_tokens(self, folders, tmp_path):
        folder = shutil.copytree(folders["bert"], tmp_path / "old")
        (folder / "tokenizer.json").unlink()
        assert np.array_equal(Made(folder, TEXTS).columns[0].values, Made(folders["bert"], TEXTS).columns[0].values)


class TestTexts:
    @pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
    @pytest.mark.parametrize("name", ["bert", "gpt2"])
    def test_features_are_the_library_s_and_no_text_changes_another_s(self, folders, name, pooling):
        import torch

        made = Made(folders[name], TEXTS, pooling=pooling)
        features = made.features()
        for text, feature in zip(pieces(made.columns[0]), features, strict=True):
            with torch.no_grad():
                states = the_library_s(folders[name])(torch.tensor([text])).last_hidden_state[0]
            expected = {"mean": states.mean(0), "cls": states[0], "last": states[-1]}[pooling]
            assert np.allclose(feature, expected.numpy(), atol=1e-5)

    def test_an_empty_text_has_a_feature(self, folders):
        assert np.isfinite(Made(folders["gpt2"], ["", "good"]).features()).all()

    def test_random_weights_are_others(self, folders):
        assert "weights" not in Made(folders["bert"], TEXTS, weights="random").files
        assert not np.allclose(
            Made(folders["bert"], TEXTS, weights="random").features(), Made(folders["bert"], TEXTS).features()
        )

    def test_an_unknown_pooling_is_named(self, folders):
        with pytest.raises(UsageError, match='"mean"'):
            Made(folders["bert"], TEXTS, pooling="meen").model()

    def test_weights_that_the_file_lacks_are_listed(self, tmp_path):
        made = Made(bert_folder(tmp_path / "base", masked=False), TEXTS, "masked-token")
        with pytest.raises(BadInputError, match=r"only in part. Weights: 6 missing from the file \(cls.predictions"):
            made.model()

    def test_damaged_files_are_named_and_code_is_not_run(self, folders, tmp_path):
        import torch

        class Trap:
            def __reduce__(self):
                return (type(tmp_path).touch, (tmp_path / "sprung",))

        def broken(name, file, content):
            folder = shutil.copytree(folders["bert"], tmp_path / name)
            (folder / file).write_bytes(content)
            with pytest.raises(BadInputError) as refused:
                Made(folder, TEXTS).model()
            return str(refused.value)

        weights = (folders["bert"] / "model.safetensors").read_bytes()
        assert 'model.safetensors" cannot be read as weights' in broken("cut", "model.safetensors", weights[:-9])
        assert 'tokenizer.json" cannot be read as a tokenizer' in broken("tokens", "tokenizer.json", b"{}")
        strange = {"model_type": "strange", "auto_map": {"AutoConfig": "mine.Config"}}
        assert "Code of a checkpoint is never run" in broken("own", "config.json", json.dumps(strange).encode())
        folder = shutil.copytree(folders["bert"], tmp_path / "trap")
        (folder / "model.safetensors").unlink()
        torch.save({"trap": Trap()}, folder / "pytorch_model.bin")
        with pytest.raises(BadInputError, match=r'pytorch_model.bin" cannot be read as weights: it .* code'):
            Made(folder, TEXTS).model()
        assert not (tmp_path / "sprung").exists()

    def test_weights_in_parts_are_read_and_a_part_that_is_a_pointer_is_named(self, folders, tmp_path):
        folder = shutil.copytree(folders["bert"], tmp_path / "parts")
        whole, state = folder / "model.safetensors", load_file(folder / "model.safetensors")
        names = {name: f"model-{place % 2 + 1}-of-2.safetensors" for place, name in enumerate(state)}
        for part in set(names.values()):
            save_file({name: state[name] for name in state if names[name] == part}, folder / part, {"format": "pt"})
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
        whole.unlink()
        assert np.array_equal(Made(folder, TEXTS).features(), Made(folders["bert"], TEXTS).features())
        (folder / "model-2-of-2.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
        with pytest.raises(BadInputError, match=r'model-2-of-2.safetensors" is a pointer of Git LFS'):
            Made(folder, TEXTS).model()

    def test_more_positions_than_the_model_has_are_refused(self, folders):
        with pytest.raises(UsageError, match="32 positions"):
            Made(folders["bert"], TEXTS, max_length=33).model()

    @pytest.mark.parametrize(
        ("name", "layout", "auto"),
        [("gpt2", "next-token", "AutoModelForCausalLM"), ("bert", "masked-token", "AutoModelForMaskedLM")],
    )
    def test_the_own_head_says_what_the_library_says_and_survives_being_saved(
        self, folders, tmp_path, name, layout, auto
    ):
        import torch

        made = Made(folders[name], TEXTS, layout)
        own = made.spec.own_head(made.request)
        model = made.model(len(own.labels))
        model.heads["target"].load_state_dict(own.head.state_dict())
        batch = made.inputs().batch(np.arange(len(TEXTS)))
        made.spec.save(
            SaveRequest(
                encoder=model.encoder,
                head=own.head,
                fitted=made.fitted,
                layout=layout,
                options=made.options,
                files=made.files,
                folder=tmp_path,
            )
        )
        ids = torch.clamp(batch[0] - 1, min=0).long()
        for folder in (folders[name], tmp_path):
            with torch.no_grad():
                logits = the_library_s(folder, auto)(ids, attention_mask=(batch[0] > 0).long()).logits
                expected = logits
                if layout == "masked-token":
                    expected = torch.take_along_dim(logits, (batch[-1].long() - 1).clamp(min=0)[..., None], 1)
                assert torch.allclose(model(*batch).units, expected[model.encoder.units(*batch)], atol=1e-5)


def test_a_small_bert_that_was_saved_is_read_again_with_the_same_features(tmp_path):
    import torch

    from tlbench.learning.data import Inputs
    from tlbench.learning.model import TransferModel, encode
    from tlbench_nlp.plugin import tlbench_backbones

    spec = next(spec for spec in tlbench_backbones() if spec.name == "text/bert-tiny")
    options = {option.name: option.default for option in spec.options} | {"vocabulary": 300, "max_length": 20}
    fitted = spec.fit(FitRequest(inputs=TEXTS, options=options))
    request = BuildRequest(fitted=fitted, layout="pooled", options=options)
    encoder = spec.build(request).eval()
    columns = spec.prepare(PrepareRequest(inputs=TEXTS, fitted=fitted, layout="pooled", options=options))
    spec.save(
        SaveRequest(
            encoder=encoder,
            head=torch.nn.Linear(1, 1),
            fitted=fitted,
            layout="pooled",
            options=options,
            files={},
            folder=tmp_path,
        )
    )
    expected = encode(TransferModel(encoder, {}), Inputs(columns))
    assert np.allclose(Made(tmp_path, TEXTS).features(), expected, atol=1e-5)


class TestExport:
    @pytest.mark.parametrize(
        ("name", "layout", "inputs", "longer"),
        [
            (
                "bert",
                "pooled",
                [("good plot", "bad lid"), ("it", "the hero")],
                [("the hero was good", "the lid is bad")],
            ),
            ("gpt2", "sequence", [["the", "plot"], ["a", "dull", "ending"]], [list(WORDS[:5]), ["bad"]]),
            ("wav2vec2", "pooled", clips(0), clips(1)),
            ("whisper", "pooled", clips(0), clips(1)),
            ("swin", "pooled", [np.zeros((9, 9, 3), np.uint8)] * 2, [np.full((40, 30, 3), 200, np.uint8)] * 3),
        ],
    )
    def test_the_file_and_the_model_agree_at_other_lengths(self, folders, tmp_path, name, layout, inputs, longer):
        from tlbench.deploy.export import export_model
        from tlbench.deploy.onnx_graph import export_graph
        from tlbench.learning.data import Examples, Inputs
        from tlbench.learning.kinds import Classification
        from tlbench.learning.targets import Targets

        made = Made(folders[name], inputs, layout, rate=8000)
        model = made.model()
        export_graph(model, made.inputs(), tmp_path / "graph.onnx")
        targets = Targets.of([[0] * len(words) if layout == "sequence" else 0 for words in longer])
        examples = Examples(Inputs(made.prepare(longer)), targets)
        path = tmp_path / "model.onnx"
        assert export_model(model, tmp_path / "graph.onnx", examples, Classification(), path, "cpu", 1).relative < 1e-5
