"""Where a trained model could be served, as plain facts by architecture and method, told before training.

Only the studio itself is a target that works by one click; the other rows say what a downloaded model needs there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Source: Ollama's importing documentation and converter: adapters as safetensors, whole models as safetensors.
OLLAMA_ADAPTERS: Final = frozenset({"LlamaForCausalLM", "Gemma2ForCausalLM"})
OLLAMA_MODELS: Final = frozenset(
    {
        "LlamaForCausalLM",
        "GemmaForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
    }
)
# Source: vLLM's table of supported models (column LoRA) and llama.cpp's convert_hf_to_gguf.py.
WIDELY_SERVED: Final = OLLAMA_MODELS | {"MistralForCausalLM", "Qwen3ForCausalLM"}


_ELSEWHERE: Final = ("Ollama", "vLLM", "llama.cpp (GGUF)")


@dataclass(frozen=True, slots=True)
class ServingFact:
    """One row of "Can be served in"."""

    target: str
    ok: bool
    reason: str


def facts(
    architecture: str,
    *,
    adapter: bool,
    mergeable: bool,
    gguf: bool,
    own_tokenizer: bool = False,
    quantized: bool = False,
) -> tuple[ServingFact, ...]:
    """Ollama, vLLM and llama.cpp for a model that is not trained yet.

    Args:
        architecture: transformers' class name; "" where the base is not here yet.
        adapter: the result is an adapter beside the base, not a whole model.
        mergeable: the adapter can be folded into the base. Other servers know no other kind of adapter.
        gguf: the result can become a GGUF file.
        own_tokenizer: the base's tokenizer was made here (the starter's), so converters do not know it.
        quantized: the base is quantized while it trains; what is merged or served is the unquantized one.
    """
    if adapter and not mergeable:
        only = "Only this studio and transformers serve what this method adds; it cannot be merged into the base."
        return tuple(ServingFact(target, False, only) for target in _ELSEWHERE)
    if not architecture:
        unknown = "Known once the base model's files are here."
        return tuple(ServingFact(target, False, unknown) for target in _ELSEWHERE)
    if own_tokenizer:
        unknown = "Converters know tokenizers by name; the starter's was made here."
        return (
            ServingFact("Ollama", False, unknown),
            _vllm(architecture, adapter, quantized),
            ServingFact("llama.cpp (GGUF)", False, unknown),
        )
    return (
        _ollama(architecture, adapter, gguf, quantized),
        _vllm(architecture, adapter, quantized),
        _gguf(architecture, adapter, gguf),
    )


def _ollama(architecture: str, adapter: bool, gguf: bool, quantized: bool) -> ServingFact:
    # Source: Ollama's importing documentation: "it's best to use non-quantized (i.e. non-QLoRA) adapters"
    if adapter and not quantized and architecture in OLLAMA_ADAPTERS:
        return ServingFact("Ollama", True, "The adapter goes in as it is, beside its unquantized base.")
    if architecture in OLLAMA_MODELS:
        merged = f"After merging into the {'unquantized ' if quantized else ''}base, here under Models."
        return ServingFact("Ollama", True, merged if adapter else "The whole model goes in.")
    if gguf and architecture in WIDELY_SERVED:
        return ServingFact("Ollama", True, "Only as a GGUF file, converted with llama.cpp first.")
    return ServingFact("Ollama", False, f"Ollama takes no {architecture} trained in this way.")


def _vllm(architecture: str, adapter: bool, quantized: bool) -> ServingFact:
    if architecture not in WIDELY_SERVED:
        return ServingFact("vLLM", False, f"{architecture} is not known to be served there.")
    if adapter:
        beside = " beside the unquantized base" if quantized else ""
        how = "--enable-lora; above rank 16 also --max-lora-rank"
        return ServingFact("vLLM", True, f"As an adapter{beside} ({how}).")
    return ServingFact("vLLM", True, "The whole model goes in.")


def _gguf(architecture: str, adapter: bool, gguf: bool) -> ServingFact:
    if not gguf or architecture not in WIDELY_SERVED:
        return ServingFact("llama.cpp (GGUF)", False, f"No converter is known for {architecture} trained in this way.")
    how = "convert_lora_to_gguf.py, or merged and convert_hf_to_gguf.py" if adapter else "convert_hf_to_gguf.py"
    return ServingFact("llama.cpp (GGUF)", True, f"Converted with {how}.")
