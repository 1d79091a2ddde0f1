from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import DataError
from core.models.base_models.local_folder import inspect
from tests.support.random_model import make_model


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test can break."""
    for file in whole.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_reads_shape_and_exact_count(whole: Path) -> None:
    from transformers import AutoModelForCausalLM

    facts = inspect(whole)
    loaded = AutoModelForCausalLM.from_pretrained(whole)
    assert facts.dims.params == sum(weight.numel() for weight in loaded.parameters())
    assert facts.dims.with_counted_params().params == facts.dims.params
    assert facts.bytes_per_param == 4
    linear = [module for name, module in loaded.named_modules() if name.endswith("_proj")]
    assert sorted((m.in_features, m.out_features) for m in linear) == sorted(
        (inputs, outputs) for _, inputs, outputs in facts.dims.linear_shapes()
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer.json"),
        ("chat_template.jinja", "no chat template"),
        ("model.safetensors", "no model.safetensors"),
    ],
)
def test_a_missing_file_is_named(model: Path, broken: str, says: str) -> None:
    (model / broken).unlink()
    with pytest.raises(DataError, match=says):
        inspect(model)


def test_pickled_weights_are_refused(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(DataError, match="pickled"):
        inspect(model)


def test_broken_weights_are_named(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(DataError, match="not a readable safetensors"):
        inspect(model)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"auto_map": {"AutoModel": "evil.py"}}, "needs its own code"),
        ({"quantization_config": {"bits": 4}}, "quantized already"),
        ({"architectures": ["BertModel"]}, "BertModel"),
        ({"hidden_size": None}, "no usable"),
    ],
)
def test_unusable_configs_are_refused(model: Path, change: dict[str, object], says: str) -> None:
    config = json.loads((model / "config.json").read_text()) | change
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=says):
        inspect(model)


def _in_config(model: Path, **change: object) -> None:
    config = json.loads((model / "config.json").read_text()) | change
    (model / "config.json").write_text(json.dumps(config))


def _cut(model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _template(model: Path, text: str) -> None:
    (model / "chat_template.jinja").write_text(text)


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (lambda m: _in_config(m, architectures=["MadeUpForCausalLM"]), "transformers does not support MadeUp"),
        (lambda m: _in_config(m, num_hidden_layers=3), "says 3 layers, the weights have 2"),
        (lambda m: _in_config(m, hidden_size=64), r"embed_tokens.weight is \d+ x 32"),
        (_cut, "cut off: 100 bytes are missing"),
        (lambda m: (m / "tokenizer.json").write_text('{"model": 1}'), "tokenizer .* cannot be read"),
        (lambda m: _template(m, "{{ raise_exception('never') }}"), "refuses a conversation"),
        (
            lambda m: _template(m, "{{ 1 / 0 }}"),
            "fails on a conversation of the roles user, assistant: division by zero",
        ),
        (lambda m: _template(m, "{% if %}"), "fails|refuses"),
        (lambda m: _template(m, "{{ messages[0].content }}"), "omits the assistant's text"),
        (
            lambda m: _template(
                m, "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}"
            ),
            "omits the assistant's text",
        ),
        (
            lambda m: (m / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"model.layers.9.lost": "model.safetensors"}})
            ),
            "lost is in model.safetensors.index.json, but in no file",
        ),
    ],
)
def test_files_that_do_not_match_are_named(model: Path, breaks, says: str) -> None:
    breaks(model)
    with pytest.raises(DataError, match=says) as refused:
        inspect(model)
    assert refused.value.remedy


def test_a_tokenizer_of_another_model_is_refused(model: Path) -> None:
    parsed = json.loads((model / "tokenizer.json").read_text())
    parsed["model"]["vocab"] |= {f"word{number}": 1_000 + number for number in range(300)}
    (model / "tokenizer.json").write_text(json.dumps(parsed))
    with pytest.raises(DataError, match="do not match"):
        inspect(model)


def test_a_shard_cannot_point_outside(model: Path) -> None:
    index = {"weight_map": {"model.norm.weight": "../../model.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert inspect(model).dims.params  # the name's last part is looked up inside the directory


@pytest.mark.parametrize("kind", ["Llama", "Mistral", "Qwen2", "Qwen3", "Phi3", "Gemma2", "Gemma3"])
def test_the_shape_of_every_family_is_what_transformers_builds(kind: str, tmp_path: Path) -> None:
    """Linear layers (what LoRA trains) and, within a percent, the number of weights, from config.json alone."""
    import torch
    import transformers

    from core.models.base_models.records import Dims

    config_class = getattr(transformers, {"Gemma3": "Gemma3TextConfig"}.get(kind, f"{kind}Config"))
    config = config_class(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        pad_token_id=0,
    )
    with torch.device("meta"):
        model = getattr(transformers, f"{kind}ForCausalLM")(config)
    config.architectures = [f"{kind}ForCausalLM"]
    config.save_pretrained(tmp_path)
    dims = Dims.from_config(json.loads((tmp_path / "config.json").read_text()))
    linear = [module for name, module in model.named_modules() if name.endswith("_proj")]
    assert sorted((m.in_features, m.out_features) for m in linear) == sorted(
        (inputs, outputs) for _, inputs, outputs in dims.linear_shapes()
    )
    assert dims.params == pytest.approx(model.num_parameters(), rel=0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "gpt2"}, "the architecture LlamaForCausalLM, but model_type gpt2"),
        ({"num_attention_heads": 0, "head_dim": None}, "no usable"),
        ({"num_attention_heads": 0}, "no usable value: num_heads: it is 0"),
    ],
)
def test_a_config_that_would_build_another_model_is_refused(model: Path, change: dict, says: str) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(DataError, match=says):
        inspect(model)


@pytest.mark.parametrize("index", ['{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": {"a": 1}}'])
def test_an_index_that_names_no_files_is_refused(model: Path, index: str) -> None:
    (model / "model.safetensors.index.json").write_text(index)
    with pytest.raises(DataError, match=r"no usable weight_map|names no file|1 is missing"):
        inspect(model)


def test_weights_with_extra_bytes_or_already_quantized_are_refused(model: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    file = model / "model.safetensors"
    weights = load_file(file)
    file.write_bytes(file.read_bytes() + b"junk")
    with pytest.raises(DataError, match="4 bytes more"):
        inspect(model)
    save_file({name: weight.to(torch.int8) for name, weight in weights.items()}, file, {"format": "pt"})
    with pytest.raises(DataError, match="quantized already"):
        inspect(model)


def test_a_path_too_long_for_the_file_system_does_not_exist() -> None:
    with pytest.raises(DataError, match="There is no directory"):
        inspect(Path("a" * 5000))


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "tokenizer.model",
        "vocab.json",
        "merges.txt",
        "chat_template.jinja",
        "additional_chat_templates/default.jinja",
        "generation_config.json",
    ],
)
def test_the_revision_changes_with_every_file_that_changes_what_the_model_reads(model: Path, name: str) -> None:
    before = inspect(model).revision
    file = model / name
    new = (model / "chat_template.jinja").read_text() if file.suffix == ".jinja" else "{}"
    text = file.read_text() if file.is_file() else new
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + " ")
    changed = inspect(model).revision
    assert changed != before
    file.touch()
    assert inspect(model).revision == changed  # the contents count, not the time


def test_the_revision_is_the_same_for_a_copy(model: Path, whole: Path) -> None:
    assert inspect(model).revision == inspect(whole).revision
    (model / "README.md").write_text("about it")
    assert inspect(model).revision == inspect(whole).revision
