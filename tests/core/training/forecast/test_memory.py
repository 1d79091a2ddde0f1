from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from core.models.base_models.records import Dims
from core.models.methods import build
from core.training.forecast.activations import activation_bytes, logit_bytes
from core.training.forecast.batches import Widest
from core.training.forecast.device import Device, detect
from core.training.forecast.disk import forecast_disk
from core.training.forecast.memory import MARGIN, MemoryForecast, either, forecast_memory

GB = 2**30
LLAMA_8B = Dims("LlamaForCausalLM", 8_030_261_248, 4096, 14336, 32, 32, 8, 128, 128_256, 131_072, False)
SMALL = Dims("LlamaForCausalLM", 2_600_000, 256, 512, 4, 4, 2, 64, 1024, 2048)


@dataclass
class Run:
    per_device_batch_size: int = 2
    max_seq_length: int = 2048
    gradient_accumulation_steps: int = 1
    gradient_checkpointing: str = "auto"


def gpu(free: float) -> Device:
    return Device("cuda", "GPU", 80 * GB, round(free * GB))


def test_lora_on_8b_is_in_the_published_range() -> None:
    """16-bit LoRA on a 7-8B model takes 16-22 GB with fused logits; ours are not fused."""
    found = forecast_memory(LLAMA_8B, build("lora"), Run(1, 1024), gpu(80))
    assert 15 * GB < found.expected < 22 * GB


def test_full_fine_tuning_of_8b_needs_a_large_gpu() -> None:
    found = forecast_memory(LLAMA_8B, build("full"), Run(1, 1024), gpu(79))
    assert found.expected > 60 * GB
    assert found.verdict == "tight"
    assert forecast_memory(LLAMA_8B, build("full"), Run(1, 1024), gpu(48)).verdict == "too_large"


def test_the_verdict_compares_with_free_memory_and_a_margin() -> None:
    plenty = forecast_memory(SMALL, build("lora"), Run(), gpu(79))
    assert plenty.verdict == "fits"
    assert plenty.low < plenty.expected < plenty.high
    tight = Device("cpu", "CPU", 80 * GB, round(plenty.high * MARGIN) - 1)
    found = forecast_memory(SMALL, build("lora"), Run(), gpu(tight.free_bytes / GB))
    assert found.verdict == "tight"
    assert "GB" in found.text or "MB" in found.text
    assert forecast_memory(SMALL, build("lora"), Run(), gpu(0.1)).verdict == "too_large"


def test_a_measured_peak_narrows_the_range() -> None:
    found = forecast_memory(SMALL, build("lora"), Run(), gpu(79), peak_bytes=GB)
    assert found.measured
    assert found.low < GB < found.high < 1.2 * GB


def test_activations_grow_with_tokens_and_full_training() -> None:
    def size(method: str, tokens: int) -> int:
        return activation_bytes(SMALL, build(method), Widest(tokens, tokens, tokens, False), 4)

    assert size("lora", 2048) > size("lora", 1024)
    assert size("full", 1024) > size("lora", 1024) > size("bottleneck_adapter", 1024)


def test_a_cpu_stores_what_is_inside_the_attention_in_fp32_and_a_gpu_in_bf16() -> None:
    def stored(method: str, device: Device, precision: str) -> int:
        found = forecast_memory(SMALL, build(method), Run(4, 512, 4), device, precision=precision)
        return dict(found.parts)["activations"]

    cpu = Device("cpu", "CPU", 80 * GB, 79 * GB)
    batch = Widest(1024, 1024, 1024, False)
    wider = activation_bytes(SMALL, build("lora"), batch, 2, attention=4)
    queries = SMALL.num_heads * SMALL.head_dim
    inside = SMALL.num_layers * (2 * queries + 2 * SMALL.kv_size + SMALL.num_heads)
    assert wider - activation_bytes(SMALL, build("lora"), batch, 2) == 1024 * inside * 2
    assert stored("lora", cpu, "bf16") > 0.5 * stored("lora", cpu, "fp32")
    prefix = [stored("prefix_tuning", cpu, precision) for precision in ("bf16", "fp32")]  # rows of one example
    assert prefix[0] < 0.6 * prefix[1]


def test_the_logits_of_a_large_vocabulary_are_one_chunk_on_a_cpu_unless_the_output_layer_is_trained() -> None:
    batch, chunk = Widest(1024, 1024, 1024, False), 256 * LLAMA_8B.vocab_size * 4
    assert logit_bytes(LLAMA_8B.vocab_size, batch, own_chunks=True) == chunk
    assert logit_bytes(LLAMA_8B.vocab_size, batch, own_chunks=False) == 6 * chunk

    def logits(method: str, device: Device) -> int:
        """What a vocabulary of 128,000 adds to one so small that it has no chunks, beside the weights."""
        sizes = [replace(LLAMA_8B, vocab_size=size) for size in (LLAMA_8B.vocab_size, 16)]
        found = [dict(forecast_memory(dims, build(method), Run(4, 1024, 4), device).parts) for dims in sizes]
        return found[0]["activations"] - found[1]["activations"]

    cpu = Device("cpu", "CPU", 80 * GB, 79 * GB)
    assert logits("lora", cpu) == pytest.approx(chunk, rel=0.01)
    assert logits("full", cpu) > 5 * chunk
    assert logits("lora", gpu(79)) > 5 * chunk


def test_gradients_reuse_the_memory_of_activations_in_a_single_micro_batch() -> None:
    """In one micro-batch gradients replace activations; with several, both are in memory together."""
    one, more = (forecast_memory(SMALL, build("full"), Run(1, 256, steps), gpu(79)) for steps in (1, 4))
    assert more.expected - one.expected == dict(more.parts)["gradients"]


def test_a_base_that_is_quantized_on_loading_is_in_memory_beside_its_files() -> None:
    """On a CPU the steps of QLoRA need less than loading the base; weights used as they are count once."""
    cpu = Device("cpu", "CPU", 80 * GB, 79 * GB)
    qlora = forecast_memory(LLAMA_8B, build("qlora"), Run(1, 64), cpu, file_bytes_per_param=4.0)
    packed = build("qlora").base_bytes(LLAMA_8B, 4)
    assert qlora.above_baseline == pytest.approx(LLAMA_8B.params * 4 + 1.7 * packed, rel=0.01)
    lora = forecast_memory(LLAMA_8B, build("lora"), Run(1, 64), cpu, file_bytes_per_param=4.0)
    assert dict(lora.parts)["loading"] == 0
    widened = forecast_memory(LLAMA_8B, build("lora"), Run(1, 64), cpu, file_bytes_per_param=2.0)
    assert widened.above_baseline == pytest.approx(LLAMA_8B.params * 6, rel=0.01)
    on_gpu = forecast_memory(LLAMA_8B, build("qlora"), Run(1, 64), gpu(79), file_bytes_per_param=4.0)
    assert "loading" not in dict(on_gpu.parts)


def test_gradient_checkpointing_can_be_chosen() -> None:
    def kept(shape: Dims, choice: str) -> int:
        found = forecast_memory(shape, build("lora"), Run(gradient_checkpointing=choice), gpu(79))
        return dict(found.parts)["activations"]

    assert kept(LLAMA_8B, "off") > 3 * kept(LLAMA_8B, "auto")
    assert kept(LLAMA_8B, "auto") == kept(LLAMA_8B, "on")
    assert kept(SMALL, "on") < kept(SMALL, "auto") == kept(SMALL, "off")


def test_short_examples_need_less_than_the_maximum_length() -> None:
    whole = forecast_memory(SMALL, build("lora"), Run(), gpu(79))
    short = forecast_memory(SMALL, build("lora"), Run(), gpu(79), longest_tokens=64)
    assert dict(short.parts)["activations"] < dict(whole.parts)["activations"]


def test_disk_counts_what_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    lora, full = (forecast_disk(SMALL, build(method), 4) for method in ("lora", "full"))
    assert full.model_bytes == SMALL.params * 4
    assert full.checkpoint_bytes == 3 * full.model_bytes  # with Adam's two moments
    assert lora.peak_bytes < full.peak_bytes
    assert full.verdict == "fits"
    for free, verdict in ((full.peak_bytes + 1, "tight"), (full.peak_bytes - 1, "too_large")):
        monkeypatch.setattr("core.training.forecast.disk.free_bytes", lambda free=free: free)
        assert forecast_disk(SMALL, build("full"), 4).verdict == verdict
    assert "SFT_DATA_DIR" in forecast_disk(SMALL, build("full"), 4).text


# Gigabytes. Source: what Unsloth, LLaMA-Factory and Axolotl publish for one GPU, short batches.
PUBLISHED = {
    "1B": {"qlora": (3.0, 3.6), "lora": (4.3, 4.3), "full": (12, 12)},
    "3B": {"qlora": (3.5, 5.4), "lora": (8, 8), "full": (27, 27)},
    "8B": {"qlora": (5, 10.6), "lora": (16, 22), "full": (60, 66)},
    "14B": {"qlora": (8.5, 16), "lora": (32, 32), "full": (120, 120)},
    "32B": {"qlora": (24, 30), "lora": (64, 76), "full": (265, 300)},
    "70B": {"qlora": (41, 55), "lora": (145, 164), "full": (567, 600)},
}
SHAPES = {
    "1B": Dims("LlamaForCausalLM", 0, 2048, 8192, 16, 32, 8, 64, 128_256, 8192),
    "3B": Dims("LlamaForCausalLM", 0, 3072, 8192, 28, 24, 8, 128, 128_256, 8192),
    "8B": LLAMA_8B,
    "14B": Dims("Qwen2ForCausalLM", 0, 5120, 13824, 48, 40, 8, 128, 152_064, 8192, False),
    "32B": Dims("Qwen2ForCausalLM", 0, 5120, 27648, 64, 40, 8, 128, 152_064, 8192, False),
    "70B": Dims("LlamaForCausalLM", 0, 8192, 28672, 80, 64, 8, 128, 128_256, 8192, False),
}


@pytest.mark.parametrize("size", PUBLISHED)
@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
def test_gpu_memory_matches_published_figures(size: str, method: str) -> None:
    """One example of 1,024 tokens; 25 % above or below the published range is allowed."""
    low, high = PUBLISHED[size][method]
    dims = SHAPES[size] if SHAPES[size].params else SHAPES[size].with_counted_params()
    expected = forecast_memory(dims, build(method), Run(1, 1024), gpu(80)).expected / 1e9
    assert low * 0.75 <= expected <= high * 1.25


def test_the_device_is_found_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    device = detect()
    assert device.kind == "cpu"
    assert 0 < device.free_bytes <= device.total_bytes


def test_bf16_on_a_cpu_halves_the_frozen_base_and_adds_rounded_copies_of_trained_weights() -> None:
    def parts(method: str, precision: str) -> dict[str, int]:
        cpu = Device("cpu", "CPU", 80 * GB, 79 * GB)
        return dict(forecast_memory(LLAMA_8B, build(method), Run(1, 1024), cpu, precision=precision).parts)

    lora, half = parts("lora", "fp32"), parts("lora", "bf16")
    assert lora["weights"] - half["weights"] == 2 * LLAMA_8B.params
    assert (half["gradients"], half["optimizer"]) == (lora["gradients"], lora["optimizer"])
    assert half["activations"] < lora["activations"]
    full, rounded = parts("full", "fp32"), parts("full", "bf16")
    assert rounded["weights"] == 6 * LLAMA_8B.params
    assert (rounded["gradients"], rounded["optimizer"]) == (full["gradients"], full["optimizer"])
    assert parts("lora", "") == lora


def test_a_run_that_may_become_one_of_two_has_the_range_of_both() -> None:
    def forecast(free: float, precision: str) -> MemoryForecast:
        cpu = Device("cpu", "CPU", 80 * GB, round(free * GB))
        return forecast_memory(SMALL, build("lora"), Run(4, 64), cpu, precision=precision)

    fp32, bf16 = forecast(79, "fp32"), forecast(79, "bf16")
    both = either(fp32, bf16)
    assert bf16.expected > fp32.expected  # a small base: what is prepared for bf16 counts more than its weights
    assert (both.low, both.high, both.expected) == (fp32.low, bf16.high, bf16.expected)
    free = (bf16.low + bf16.high) / 2 * MARGIN / GB
    assert forecast(free, "fp32").verdict == "fits"
    assert either(forecast(free, "fp32"), forecast(free, "bf16")).verdict == "tight"
