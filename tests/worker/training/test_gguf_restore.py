from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.errors import Conflict, DataError
from core.models.base_models import local_folder
from core.models.base_models.light_tokenizer import LightTokenizer
from core.models.base_models.restored import restored_from
from tests.support.tiny_gguf import make_source, rounded, stored_weights, write_gguf
from worker.training.gguf_restore import restore, weights


def _restore(file: Path, directory: Path, **options: Any) -> Path:
    restore(file, directory, lambda percent, text: None, **options)
    return directory


def _expected(model: Any) -> dict[str, torch.Tensor]:
    tied = model.config.tie_word_embeddings
    return {name: weight for name, weight in model.state_dict().items() if not (tied and name == "lm_head.weight")}


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_weight_of_an_unquantized_file_is_restored_exactly(tmp_path: Path, architecture: str, tied: bool) -> None:
    source = make_source(architecture, tied=tied)
    found = load_file(_restore(write_gguf(tmp_path / "a.gguf", source), tmp_path / "a") / "model.safetensors")
    expected = _expected(source)
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], weight.bfloat16()) for name, weight in expected.items())


@pytest.mark.parametrize(("kind", "bound"), [("F16", 2**-8), ("Q8_0", 1 / 127), ("Q4_1", 1 / 15), ("Q4_0", 1 / 8)])
def test_a_quantized_weight_is_within_half_a_step_of_its_block(tmp_path: Path, kind: str, bound: float) -> None:
    """`bound`: the step of the type as a share of the block's range, and the rounding to bf16."""
    source = make_source()
    directory = _restore(write_gguf(tmp_path / "a.gguf", source, kind=kind), tmp_path / "a")
    found = load_file(directory / "model.safetensors")
    for name, weight in _expected(source).items():
        error = (found[name].float() - weight).abs().max()
        assert error <= bound * 2 * weight.abs().max(), name
    origin = restored_from(directory)
    assert origin is not None
    assert origin.quantization == kind
    assert origin.text == {"Q8_0": "Restored from 8-bit weights.", "F16": "Restored from F16 weights."}.get(
        kind, "Restored from 4-bit weights."
    )


def test_the_directory_is_an_ordinary_one_with_the_right_tokens(tmp_path: Path) -> None:
    source = make_source()
    file = write_gguf(tmp_path / "tiny.gguf", source)
    directory = _restore(file, tmp_path / "a", fetched_from={"package": "tiny 1.0"}, license_text="Free.")
    facts = local_folder.inspect(directory)
    assert facts.dims.params == sum(weight.numel() for weight in source.parameters())
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == (
        "<|im_end|>",
        "<|endoftext|>",
        "<|im_start|>",
    )
    assert tokenizer.clean_up_tokenization_spaces is False
    assert json.loads((directory / "generation_config.json").read_text())["eos_token_id"] == 2
    config = json.loads((directory / "config.json").read_text())
    assert (config["eos_token_id"], config["pad_token_id"], config["dtype"]) == (2, 0, "bfloat16")
    assert (directory / "LICENSE").read_text() == "Free."
    origin = restored_from(directory)
    assert origin is not None
    assert (origin.file, origin.license, origin.fetched_from) == ("tiny.gguf", "apache-2.0", {"package": "tiny 1.0"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "tiny.gguf"]


def test_it_answers_as_the_source_does(tmp_path: Path) -> None:
    source = rounded(make_source())
    directory = _restore(write_gguf(tmp_path / "a.gguf", source), tmp_path / "a")
    loaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    ids = torch.arange(40).reshape(2, 20)
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids).logits, source(ids).logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "Order 88-1204: where is it?  We'd like   to know.",
        "naïve café 日本語 😀\r\n\r\n\ttabs  12345 1 2",
        "<|im_start|>user\nHi<|im_end|>\n",
        "  leading and trailing  ",
    ],
)
def test_a_text_survives_the_tokenizer(tmp_path: Path, text: str) -> None:
    directory = _restore(write_gguf(tmp_path / "a.gguf", make_source()), tmp_path / "a")
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert LightTokenizer(directory)(text)["input_ids"] == ids


def test_weights_are_written_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SHARD_WEIGHTS", 40_000)
    monkeypatch.setattr(weights, "_PIECE", 1_000)
    source = make_source(tied=False)
    directory = _restore(write_gguf(tmp_path / "a.gguf", source), tmp_path / "a")
    assert len(list(directory.glob("model-*.safetensors"))) > 2
    assert local_folder.inspect(directory).dims.params == sum(weight.numel() for weight in source.parameters())
    loaded = AutoModelForCausalLM.from_pretrained(directory)
    assert all(torch.equal(loaded.state_dict()[name], w.bfloat16()) for name, w in source.state_dict().items())


def test_a_restore_can_be_stopped_between_tensors_and_leaves_nothing(tmp_path: Path) -> None:
    seen = threading.Event()

    def stop(percent: float, text: str) -> None:
        if percent > 30:
            seen.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(write_gguf(tmp_path / "a.gguf", make_source()), tmp_path / "a", stop)
    assert seen.is_set()
    assert [path.name for path in tmp_path.iterdir()] == ["a.gguf"]


def test_a_second_restore_uses_the_first_and_another_model_is_refused(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf", make_source())
    directory = _restore(file, tmp_path / "a")
    before = (directory / "model.safetensors").stat().st_mtime_ns
    _restore(file, directory)
    assert (directory / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(Conflict, match="another model"):
        _restore(write_gguf(tmp_path / "b.gguf", make_source(seed=1)), directory)


def _rope_factors(factor: float) -> numpy.ndarray:
    """As llama.cpp's converter writes them for Llama 3 with heads of 16 and theta 50,000."""
    waves = 2 * numpy.pi * 50_000.0 ** (numpy.arange(0, 16, 2) / 16)
    smooth = (8192 / waves - 1) / 3
    return numpy.where(
        waves < 8192 / 4, 1.0, numpy.where(waves > 8192, factor, 1 / ((1 - smooth) / factor + smooth))
    ).astype(numpy.float32)


def test_the_position_scaling_of_llama_3_is_restored(tmp_path: Path) -> None:
    file = write_gguf(
        tmp_path / "a.gguf",
        make_source(),
        change=lambda writer: writer.add_tensor("rope_freqs.weight", _rope_factors(32.0)),
    )
    config = json.loads((_restore(file, tmp_path / "a") / "config.json").read_text())
    assert config["rope_parameters"]["rope_type"] == "llama3"
    assert config["rope_parameters"]["factor"] == 32.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda writer: writer.add_tensor("rope_freqs.weight", numpy.full(8, 3, numpy.float32)), "position scaling"),
        (lambda writer: writer.add_rope_scaling_type(__import__("gguf").RopeScalingType.YARN), "scaling yarn"),
        (lambda writer: writer.add_sliding_window(64), "a window of 64 tokens"),
        (lambda writer: writer.add_tensor("blk.0.extra.weight", numpy.ones((4, 4), numpy.float32)), "has no place"),
    ],
)
def test_what_would_be_lost_is_refused(tmp_path: Path, change: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        _restore(write_gguf(tmp_path / "a.gguf", make_source(), change=change), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def _set(key: str, value: Any) -> Any:
    def change(writer: Any) -> None:
        from gguf import GGUFValueType
        from gguf.gguf_writer import GGUFValue

        kind = GGUFValueType.UINT32 if type(value) is int else GGUFValueType.get_type(value)
        writer.kv_data[0][key] = GGUFValue(value, kind)

    return change


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("llama.block_count", 100_000, "block_count is 100000"),  # would be built, layer by layer
        ("llama.block_count", 2_000, "weights of 2 layers"),
        ("llama.attention.head_count", 3, "not a multiple"),
        ("llama.attention.key_length", 1 << 28, "key_length is 268435456"),
        ("llama.attention.layer_norm_rms_epsilon", float("nan"), "epsilon is nan"),
        ("llama.rope.freq_base", 0.0, "freq_base is 0.0"),
        ("llama.attention.sliding_window", "all", "cannot be restored"),
        ("tokenizer.ggml.merges", [1, 2, 3], "cannot be restored"),
        ("tokenizer.ggml.merges", ["zzq qqz"], "`zzq` out of vocabulary"),
        ("tokenizer.chat_template", "{% for x in", r"a.gguf cannot be restored: The base model's chat template fails"),
    ],
)
def test_values_that_no_model_can_have_are_refused_by_the_name_of_the_file(
    tmp_path: Path, key: str, value: Any, says: str
) -> None:
    with pytest.raises(DataError, match=says) as caught:
        _restore(write_gguf(tmp_path / "a.gguf", make_source(), change=_set(key, value)), tmp_path / "a")
    assert "a.gguf" in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["a.gguf"]


def test_what_a_file_says_about_itself_is_stored_without_control_characters(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf", make_source(), change=_set("general.license", "MIT\x1b[2J\u202e"))
    origin = restored_from(_restore(file, tmp_path / "a"))
    assert origin is not None
    assert origin.license == "MIT[2J"


def test_a_missing_tensor_and_a_value_that_is_not_finite_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source()
    with torch.no_grad():
        source.model.layers[1].mlp.up_proj.weight[3, 4] = float("nan")
    with pytest.raises(DataError, match=r"blk.1.ffn_up.weight has values that are not finite"):
        _restore(write_gguf(tmp_path / "a.gguf", source), tmp_path / "a")
    stored = stored_weights(source)
    stored.pop("output_norm.weight")
    monkeypatch.setattr("tests.support.tiny_gguf.stored_weights", lambda model: stored)
    with pytest.raises(DataError, match=r"model.norm.weight is missing"):
        _restore(write_gguf(tmp_path / "b.gguf", source), tmp_path / "b")
