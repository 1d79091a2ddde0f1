"""Other servers that a downloaded model can be moved to: one record each, known before training.

The studio does not talk to them; a place that it does talk to is a target (`core.serving.targets`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.registry import Registry
from core.serving.availability import Availability

# Source: Ollama's documentation of imports and its converter: adapters as safetensors, full models as safetensors.
OLLAMA_ADAPTERS: Final = frozenset({"LlamaForCausalLM", "Gemma2ForCausalLM"})
OLLAMA_MODELS: Final = frozenset(
    f"{family}ForCausalLM" for family in ("Llama", "Gemma", "Gemma2", "Gemma3", "Phi3", "Qwen2")
)
# Source: vLLM's table of supported models (column LoRA) and llama.cpp's convert_hf_to_gguf.py.
WIDELY_SERVED: Final = OLLAMA_MODELS | {"MistralForCausalLM", "Qwen3ForCausalLM"}


@dataclass(frozen=True, slots=True)
class TrainedResult:
    """What training leaves: the architecture is transformers' class name."""

    architecture: str
    is_adapter: bool
    gguf: bool
    quantized: bool  # the base is quantized in training only: merged into and served, it is the unquantized one


@dataclass(frozen=True, slots=True)
class OtherServer:
    """A server elsewhere. `check` judges a result that can be moved at all; `converts` says that it converts files."""

    id: str
    title: str
    check: Callable[[TrainedResult], Availability]
    converts: bool

    def can_serve(self, base: BaseModelRef, method: Method) -> Availability:
        """Whether the result of a method on a base can be served there, and how."""
        adapter = method.peft_type is not None
        if adapter and not method.mergeable:
            reason = "Only this studio and transformers serve what this method adds; it cannot be merged into the base."
            return Availability(False, reason)
        if not base.architecture:
            return Availability(False, "Known once the base model is downloaded.")
        if base.buildable and self.converts:
            return Availability(False, "Converters recognize known tokenizers only; the starter's was made here.")
        quantized = "quantization" in method.load_arguments()
        return self.check(TrainedResult(base.architecture, adapter, method.gguf, quantized))


def _ollama(result: TrainedResult) -> Availability:
    # Source: Ollama's documentation of imports: "it's best to use non-quantized (i.e. non-QLoRA) adapters"
    if result.is_adapter and not result.quantized and result.architecture in OLLAMA_ADAPTERS:
        return Availability(True, "As an adapter beside its unquantized base.")
    if result.architecture in OLLAMA_MODELS:
        merged = f"After merging into the {'unquantized ' if result.quantized else ''}base, here under Models."
        return Availability(True, merged if result.is_adapter else "As a full model.")
    if result.gguf and result.architecture in WIDELY_SERVED:
        return Availability(True, "Only as a GGUF file, converted with llama.cpp first.")
    return Availability(False, f"Ollama does not import {result.architecture} trained in this way.")


def _vllm(result: TrainedResult) -> Availability:
    if result.architecture not in WIDELY_SERVED:
        return Availability(False, f"{result.architecture} is not known to be served there.")
    if result.is_adapter:
        beside = " beside the unquantized base" if result.quantized else ""
        return Availability(True, f"As an adapter{beside} (--enable-lora; above rank 16 also --max-lora-rank).")
    return Availability(True, "As a full model.")


def _llama_cpp(result: TrainedResult) -> Availability:
    if not result.gguf or result.architecture not in WIDELY_SERVED:
        return Availability(False, f"There is no known converter for {result.architecture} trained in this way.")
    merged = "convert_lora_to_gguf.py, or merged and convert_hf_to_gguf.py"
    return Availability(True, f"Converted with {merged if result.is_adapter else 'convert_hf_to_gguf.py'}.")


OTHER_SERVERS: Final = Registry[OtherServer]("other server")
OTHER_SERVERS.add(OtherServer("ollama", "Ollama", _ollama, converts=True))
OTHER_SERVERS.add(OtherServer("vllm", "vLLM", _vllm, converts=False))
OTHER_SERVERS.add(OtherServer("llama_cpp", "llama.cpp (GGUF)", _llama_cpp, converts=True))
