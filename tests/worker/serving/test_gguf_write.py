"""GGUF files that the studio writes, held to a real llama.cpp server: weights, adapters, tokens and templates."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import SettingsError, StorageError, TrainingError
from core.models.base_models.gguf import file as gguf_file
from core.models.base_models.gguf.vocabulary import PRE_TOKENIZERS
from tests.support import llama_cpp
from tests.support.random_model import make_adapter
from worker.serving.gguf_write import write_adapter, write_model
from worker.serving.gguf_write.vocabulary import metadata_of, plain_template

Disk = namedtuple("Disk", "total used free")
TEXT = "It's 12 o'clock; they've 345 apples.  Ça va, naïve café?\n\n日本語 \t x"
ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {name: llama_cpp.make_directory(folder / name, name) for name in ARCHITECTURES}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_llama_cpp_answers_as_peft_does(bases: dict[str, Path], tmp_path: Path, architecture: str) -> None:
    import torch
    from peft import PeftModel
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    base = bases[architecture]
    adapter = make_adapter(base, tmp_path / "adapter")
    write_model(base, tmp_path / "base.gguf", "f16", lambda share: None, name="Tiny", license="apache-2.0")
    write_adapter(adapter, base, tmp_path / "adapter.gguf")
    assert gguf_file.read(tmp_path / "base.gguf").metadata["general.license"] == "apache-2.0"
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    ids = Tokenizer.from_file(str(base / "tokenizer.json")).encode("Where is my order?").ids
    with llama_cpp.serving(tmp_path / "base.gguf", [tmp_path / "adapter.gguf"]) as client:
        plain, tuned = (llama_cpp.letters(client, ids, 12, adapter=number) for number in (None, 0))
        greedy = llama_cpp.greedy(client, ids, 12, adapter=0)
        tokens = client.post("/tokenize", json={"content": TEXT}).json()["tokens"]
    assert plain[1] == pytest.approx(llama_cpp.logprobs(model, ids, plain[0]), abs=0.1)
    peft = PeftModel.from_pretrained(model, adapter)
    assert tuned[1] == pytest.approx(llama_cpp.logprobs(peft, ids, tuned[0]), abs=0.1)
    assert greedy == llama_cpp.likeliest(peft, ids, 12)
    assert tuned[0] != plain[0]
    assert tokens == Tokenizer.from_file(str(base / "tokenizer.json")).encode(TEXT).ids


def test_llama_3s_positions(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    rope = {
        "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }  # fmt: skip
    base = llama_cpp.make_directory(tmp_path / "base", rope_parameters=rope)
    write_model(base, tmp_path / "base.gguf", "f16", lambda share: None)
    model, ids = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), list(range(10, 210))
    with llama_cpp.serving(tmp_path / "base.gguf") as client:
        answer, probs = llama_cpp.letters(client, ids, 6)
    assert probs == pytest.approx(llama_cpp.logprobs(model, ids, answer), abs=0.1)


def test_q8_0_is_within_its_rounding(bases: dict[str, Path], tmp_path: Path) -> None:
    import numpy
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.numpy import load_file

    write_model(bases["qwen2"], tmp_path / "base.gguf", "q8_0", lambda share: None)
    assert gguf_file.read(tmp_path / "base.gguf").quantization == "Q8_0"
    own = load_file(bases["qwen2"] / "model.safetensors")["model.layers.1.mlp.down_proj.weight"]
    stored = next(one for one in GGUFReader(tmp_path / "base.gguf").tensors if one.name == "blk.1.ffn_down.weight")
    read = dequantize(stored.data, stored.tensor_type)
    assert numpy.abs(read - own).max() <= numpy.abs(own).max() / 127


def test_q8_0_has_the_blocks_of_llama_cpps_own_quantizer() -> None:
    import ctypes

    import gguf
    import numpy
    import xllamacpp

    library = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("*.so"))))
    if not hasattr(library, "quantize_row_q8_0_ref"):
        pytest.skip("this build of xllamacpp does not export its quantizer")
    quantize = library.quantize_row_q8_0_ref
    quantize.argtypes, quantize.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64], None
    random = numpy.random.default_rng(0)
    values = random.standard_normal((64, 512)).astype(numpy.float32) * 10.0 ** random.integers(-6, 3, (64, 1))
    values[0, :64] = numpy.arange(-32, 32) / 2  # ties
    values[1] = 0
    values = numpy.ascontiguousarray(values, dtype=numpy.float32)
    theirs = numpy.empty(values.size // 32 * 34, dtype=numpy.uint8)
    quantize(values.ctypes.data, theirs.ctypes.data, values.size)
    ours = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
    assert numpy.array_equal(ours.reshape(-1), theirs)


@pytest.mark.parametrize("rule", ["gpt-2", "smollm", "llama-bpe", "qwen2"])
def test_the_rule_of_a_tokenizer_is_recognized(tmp_path: Path, rule: str) -> None:
    metadata = metadata_of(llama_cpp.make_directory(tmp_path / "base", pre=rule), 400)
    assert PRE_TOKENIZERS[metadata["tokenizer.ggml.pre"]].pattern == PRE_TOKENIZERS[rule].pattern
    assert PRE_TOKENIZERS[metadata["tokenizer.ggml.pre"]].digits == PRE_TOKENIZERS[rule].digits
    assert metadata["tokenizer.ggml.eos_token_id"] == 2
    assert metadata["tokenizer.ggml.token_type"][:4] == [3, 3, 3, 1]


def test_a_tokenizer_that_cuts_otherwise_is_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    base = llama_cpp.make_directory(tmp_path / "base")
    stored = json.loads((base / "tokenizer.json").read_text())
    stored["pre_tokenizer"]["pretokenizers"].insert(0, {"type": "Punctuation", "behavior": "Isolated"})
    (base / "tokenizer.json").write_text(json.dumps(stored))
    with pytest.raises(SettingsError, match=r"No rule of llama\.cpp"):
        write_model(base, tmp_path / "a.gguf", "f16", lambda share: None)
    assert not list(tmp_path.glob("*.gguf*")) + list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architectures": ["GPT2LMHeadModel"]}, "no verified GGUF mapping for GPT2LMHeadModel"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "position scaling yarn"),
        ({"sliding_window": 64}, "window of 64 tokens"),
        ({"attention_bias": True}, "with biases"),
    ],
)
def test_what_has_no_verified_mapping_is_refused_by_name(
    bases: dict[str, Path], tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    config = json.loads((bases["llama"] / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(SettingsError, match=reason):
        write_model(tmp_path, tmp_path / "a.gguf", "f16", lambda share: None)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("use_dora", True, "DoRA"),
        ("modules_to_save", ["lm_head"], "trained layers"),
        ("bias", "all", "trained biases"),
        ("peft_type", "PREFIX_TUNING", "this one is PREFIX_TUNING"),
    ],
)
def test_an_adapter_that_llama_cpp_cannot_apply_is_refused(
    bases: dict[str, Path], tmp_path: Path, key: str, value: object, reason: str
) -> None:
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(SettingsError, match=reason):
        write_adapter(adapter, bases["llama"], tmp_path / "a.gguf")


def test_rank_stabilized_adapters_have_their_strength(bases: dict[str, Path], tmp_path: Path) -> None:
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"use_rslora": True}))
    write_adapter(adapter, bases["llama"], tmp_path / "a.gguf")
    from gguf import GGUFReader

    alpha = GGUFReader(tmp_path / "a.gguf").fields["adapter.lora.alpha"].contents()
    assert alpha / config["r"] == pytest.approx(config["lora_alpha"] / config["r"] ** 0.5)


@pytest.mark.parametrize("cut", [4, 60, -100])
def test_a_damaged_adapter_is_an_error_by_name(bases: dict[str, Path], tmp_path: Path, cut: int) -> None:
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(TrainingError, match=r"adapter_model\.safetensors is damaged"):
        write_adapter(adapter, bases["llama"], tmp_path / "a.gguf")
    assert not list(tmp_path.glob("*.gguf*"))


def test_a_full_disk_is_noticed_before_anything_is_written(
    bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(100, 100, 0))
    with pytest.raises(StorageError, match="The disk is full: the GGUF file of Tiny needs"):
        write_model(bases["llama"], tmp_path / "a.gguf", "f16", lambda share: None, name="Tiny")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_file_is_deleted(bases: dict[str, Path], tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_model(bases["llama"], tmp_path / "a.gguf", "f16", stop)
    assert not list(tmp_path.iterdir())


def test_generation_marks_are_replaced_by_what_trims_the_same() -> None:
    from jinja2 import Environment

    template = "{%- for m in messages -%} {%- generation -%} {{ m }} {%- endgeneration %} {% endfor -%}"
    plain = plain_template(template)
    assert "generation" not in plain
    assert Environment().from_string(plain).render(SimpleNamespace(messages="ab").__dict__) == "a b "


def test_the_data_worker_writes_gguf_files_without_torch() -> None:
    """Its process does without pandas, so that torch cannot be imported there."""
    code = (
        "import sys\n"
        "from core.platform.short_processes import do_without_pandas\n"
        "do_without_pandas()\n"
        "import worker.handlers.export\n"
        "import worker.serving.writers.adapter_gguf, worker.serving.writers.copied, worker.serving.writers.gguf\n"
        "print(sorted({'torch', 'transformers', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
