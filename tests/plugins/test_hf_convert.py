"""Checkpoints of other formats, made by hand, as folders of transformers."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from tlbench import BadInputError
from tlbench_hf.convert.ctranslate2 import read_ctranslate2
from tlbench_hf.convert.whisper import whisper_encoder

THEIRS = {"self_attn_layer_norm": "self_attention/layer_norm", "self_attn.out_proj": "self_attention/linear_1",
          "final_layer_norm": "ffn/layer_norm", "fc1": "ffn/linear_0", "fc2": "ffn/linear_1"}  # fmt: skip


def tiny():
    return WhisperConfig(
        d_model=16,
        num_mel_bins=8,
        encoder_layers=2,
        encoder_attention_heads=4,
        encoder_ffn_dim=24,
        max_source_positions=10,
    )


def of_ctranslate2(model):
    """Return the weights of an encoder as CTranslate2 names and fuses them."""
    ours = {name: part.detach() for name, part in model.state_dict().items()}
    weights = {"encoder/num_heads": torch.tensor(4, dtype=torch.int16)}
    for name, part in ours.items():
        place, _, rest = name.rpartition("layers.")[2].partition(".") if "layers." in name else ("", "", name)
        stem, _, end = rest.rpartition(".")
        if stem in THEIRS or "proj" not in stem:
            end = {"weight": "gamma", "bias": "beta"}[end] if "norm" in stem else end
            stem = THEIRS.get(stem, stem)
            key = "position_encodings/encodings" if stem == "embed_positions" else f"{stem}/{end}"
            weights[f"encoder/{f'layer_{place}/' if place else ''}{key}"] = part
    for number in range(2):
        q, k, v = (f"layers.{number}.self_attn.{one}_proj." for one in "qkv")
        bias = torch.cat([ours[q + "bias"], torch.zeros(16), ours[v + "bias"]])
        fused = {"weight": torch.cat([ours[one + "weight"] for one in (q, k, v)]), "bias": bias}
        weights |= {f"encoder/layer_{number}/self_attention/linear_0/{end}": part for end, part in fused.items()}
    return weights


def write(path, weights, specification="WhisperSpec", version=6):
    def text(word):
        return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"

    content = struct.pack("<I", version) + text(specification) + struct.pack("<II", 3, len(weights))
    for name, part in weights.items():
        stored = part if part.dtype == torch.int16 else part.half()
        content += text(name) + struct.pack(f"<B{part.ndim}I", part.ndim, *part.shape)
        raw = stored.numpy().tobytes()
        content += struct.pack("<BI", 2 if stored.dtype == torch.int16 else 4, len(raw)) + raw
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content + struct.pack("<I", 0))
    return path


def test_the_converted_encoder_of_whisper_computes_the_same(tmp_path):
    model = WhisperEncoder(tiny()).eval()
    write(tmp_path / "source/model.bin", of_ctranslate2(model))
    (tmp_path / "converted").mkdir()
    whisper_encoder(tmp_path / "source", tmp_path / "converted")
    again = WhisperEncoder.from_pretrained(tmp_path / "converted", key_mapping={r"^encoder\.": ""}).eval()
    spectra = torch.randn(2, 8, 20)
    with torch.no_grad():
        np.testing.assert_allclose(again(spectra)[0], model.half().float()(spectra)[0], atol=1e-5)
    assert {path.name for path in (tmp_path / "converted").iterdir()} == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    }


@pytest.mark.parametrize(
    ("change", "specification", "says"),
    [
        (lambda weights: weights, "TransformerSpec", "expected WhisperSpec"),
        (lambda weights: weights | {"encoder/gate/weight": torch.zeros(2)}, "WhisperSpec", "gate/weight"),
        (lambda weights: dict(list(weights.items())[:-1]), "WhisperSpec", "does not fit"),
        (lambda weights: {name: part for name, part in weights.items() if "conv1" not in name}, "WhisperSpec", "conv1"),
        (lambda weights: weights | {"encoder/conv2/bias": torch.zeros(3)}, "WhisperSpec", "does not fit"),
        (
            lambda weights: weights | {"encoder/layer_0/self_attention/linear_0/bias": torch.ones(48)},
            "WhisperSpec",
            "bias of attention keys",
        ),
    ],
)
def test_another_model_is_refused(tmp_path, change, specification, says):
    write(tmp_path / "source/model.bin", change(of_ctranslate2(WhisperEncoder(tiny()))), specification)
    (tmp_path / "converted").mkdir()
    with pytest.raises(BadInputError, match=says):
        whisper_encoder(tmp_path / "source", tmp_path / "converted")
    assert list((tmp_path / "converted").iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:100],
        lambda content: content[:3],
        lambda content: b"\7" + content[1:],
        lambda content: content[:22] + b"\xff\xff\xff\xff" + content[26:],
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = write(tmp_path / "source/model.bin", {"encoder/a": torch.ones(100, 100), "encoder/b": torch.ones(3)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInputError, match=r'"model.bin"'):
        read_ctranslate2(path)


def test_a_gguf_file_becomes_a_decoder_with_its_tokenizer(tmp_path):
    gguf = pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    from tlbench_hf.convert.gguf import decoder

    (tmp_path / "source").mkdir()
    (tmp_path / "converted").mkdir()
    writer = gguf.GGUFWriter(tmp_path / "source/tiny.gguf", "llama")
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(8)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<unk>", "<s>", "</s>", "a", "b", "c", "d", "ab"])
    writer.add_token_types([3, 3, 3, 1, 1, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    shapes = {"token_embd": (8, 32), "output_norm": (32,)}
    layer = {"attn_norm": (32,), "ffn_norm": (32,), "ffn_gate": (64, 32), "ffn_up": (64, 32), "ffn_down": (32, 64)}
    shapes |= {f"blk.0.{name}": shape for name, shape in layer.items()}
    shapes |= {f"blk.0.attn_{name}": (32, 32) for name in ("q", "k", "v", "output")}
    random = np.random.default_rng(0)
    tensors = {f"{name}.weight": random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    decoder(tmp_path / "source", tmp_path / "converted")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "converted")
    np.testing.assert_array_equal(model.get_input_embeddings().weight.detach(), tensors["token_embd.weight"])
    assert (tmp_path / "converted/tokenizer.json").is_file()


def test_a_damaged_gguf_file_is_refused(tmp_path):
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    from tlbench_hf.convert.gguf import decoder

    (tmp_path / "source").mkdir()
    (tmp_path / "source/tiny.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(BadInputError, match=r'tiny.gguf" cannot be read as GGUF .*download it again'):
        decoder(tmp_path / "source", tmp_path)
