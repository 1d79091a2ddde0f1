"""The base models that people ask for, one record each. Which of them can be used now depends on the files on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.models.methods.presets import Preset
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model of the Hugging Face Hub.

    Args:
        id: its Hub id, which is also where its files are downloaded from.
        billions: parameters, as its card says; replaced by the exact count once its files are here.
        names: what Ollama calls the same weights. Source: Ollama's model library.
        stands_in_for: Ollama names of a model that cannot be trained, with the reason why this one is used instead.
        recommended: the model to choose at its size.
        gated: its files can be downloaded only by accounts that accepted its license on the Hub.
        presets: by method id; they override the method's own presets.
    """

    id: str
    title: str
    family: str
    billions: float
    license: str
    text: str = ""
    names: tuple[str, ...] = ()
    stands_in_for: Mapping[str, str] = field(default_factory=dict)
    recommended: bool = False
    gated: bool = False
    presets: Mapping[str, Preset] = field(default_factory=dict)

    @property
    def size(self) -> str:
        return f"{self.billions:g}B" if self.billions >= 1 else f"{self.billions * 1000:.0f}M"


_QWEN = "Strong for its size, many languages."
_QWEN3 = f"{_QWEN} Answers directly; trained with an empty thinking block."
_LLAMA = "Widely served; its adapters go into Ollama as they are. Its license must be accepted on the Hub."
_GEMMA = (
    "Good at many languages; no system role: its template puts that text before the first input. "
    "Its license must be accepted on the Hub."
)

BASE_MODELS: Final = Registry[HubModel]("base model")
BASE_MODELS.add(
    HubModel(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "SmolLM2 135M",
        "SmolLM2",
        0.135,
        "Apache 2.0",
        "Runs on any CPU.",
        names=("smollm2:135m",),
    )
)
BASE_MODELS.add(
    HubModel(
        "HuggingFaceTB/SmolLM2-360M-Instruct",
        "SmolLM2 360M",
        "SmolLM2",
        0.36,
        "Apache 2.0",
        "Runs on any CPU.",
        names=("smollm2:360m",),
        recommended=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "HuggingFaceTB/SmolLM2-1.7B-Instruct",
        "SmolLM2 1.7B",
        "SmolLM2",
        1.7,
        "Apache 2.0",
        "English.",
        names=("smollm2",),
    )
)
BASE_MODELS.add(
    HubModel(
        "Qwen/Qwen2.5-0.5B-Instruct",
        "Qwen2.5 0.5B",
        "Qwen2.5",
        0.5,
        "Apache 2.0",
        _QWEN,
        names=("qwen2.5:0.5b",),
        recommended=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "Qwen/Qwen2.5-1.5B-Instruct",
        "Qwen2.5 1.5B",
        "Qwen2.5",
        1.5,
        "Apache 2.0",
        _QWEN,
        names=("qwen2.5:1.5b",),
        recommended=True,
    )
)
BASE_MODELS.add(
    HubModel("Qwen/Qwen2.5-3B-Instruct", "Qwen2.5 3B", "Qwen2.5", 3, "Qwen Research", _QWEN, names=("qwen2.5:3b",))
)
BASE_MODELS.add(
    HubModel(
        "Qwen/Qwen2.5-7B-Instruct",
        "Qwen2.5 7B",
        "Qwen2.5",
        7,
        "Apache 2.0",
        _QWEN,
        names=("qwen2.5", "qwen2.5:7b"),
        recommended=True,
    )
)
BASE_MODELS.add(HubModel("Qwen/Qwen3-0.6B", "Qwen3 0.6B", "Qwen3", 0.6, "Apache 2.0", _QWEN3))
BASE_MODELS.add(HubModel("Qwen/Qwen3-1.7B", "Qwen3 1.7B", "Qwen3", 1.7, "Apache 2.0", _QWEN3))
BASE_MODELS.add(HubModel("Qwen/Qwen3-4B", "Qwen3 4B", "Qwen3", 4, "Apache 2.0", _QWEN3, recommended=True))
BASE_MODELS.add(HubModel("Qwen/Qwen3-8B", "Qwen3 8B", "Qwen3", 8, "Apache 2.0", _QWEN3))
BASE_MODELS.add(
    HubModel(
        "meta-llama/Llama-3.2-1B-Instruct",
        "Llama 3.2 1B",
        "Llama",
        1.2,
        "Llama 3.2",
        _LLAMA,
        names=("llama3.2:1b",),
        gated=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "meta-llama/Llama-3.2-3B-Instruct",
        "Llama 3.2 3B",
        "Llama",
        3.2,
        "Llama 3.2",
        _LLAMA,
        names=("llama3.2", "llama3.2:3b"),
        recommended=True,
        gated=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "meta-llama/Llama-2-7b-chat-hf",
        "Llama 2 7B Chat",
        "Llama",
        6.7,
        "Llama 2",
        _LLAMA,
        names=("llama2", "llama2:7b"),
        gated=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "google/gemma-3-270m-it", "Gemma 3 270M", "Gemma", 0.27, "Gemma", _GEMMA, names=("gemma3:270m",), gated=True
    )
)
BASE_MODELS.add(
    HubModel("google/gemma-3-1b-it", "Gemma 3 1B", "Gemma", 1, "Gemma", _GEMMA, names=("gemma3:1b",), gated=True)
)
BASE_MODELS.add(
    HubModel(
        "google/gemma-1.1-7b-it",
        "Gemma 1.1 7B",
        "Gemma",
        8.5,
        "Gemma",
        "First generation, no system role.",
        names=("gemma", "gemma:7b"),
        gated=True,
    )
)
BASE_MODELS.add(
    HubModel(
        "mistralai/Mistral-7B-Instruct-v0.3",
        "Mistral 7B v0.3",
        "Mistral",
        7.2,
        "Apache 2.0",
        "A solid 7B.",
        names=("mistral", "mistral:7b"),
    )
)
BASE_MODELS.add(
    HubModel(
        "microsoft/Phi-3.5-mini-instruct",
        "Phi-3.5 mini",
        "Phi",
        3.8,
        "MIT",
        "Reasons well for its size.",
        names=("phi3.5",),
        stands_in_for={
            "phi": "Ollama's phi is Phi-2, which has no chat template; the next model of its family with one is used."
        },
    )
)
BASE_MODELS.add(
    HubModel(
        "microsoft/Phi-4-mini-instruct",
        "Phi-4 mini",
        "Phi",
        3.8,
        "MIT",
        "Reasons well for its size.",
        names=("phi4-mini",),
    )
)


def by_name(name: str) -> tuple[str, str]:
    """The Hub id behind a name that Ollama uses, with a remark; any other name is returned unchanged."""
    plain = name.lower().removesuffix(":latest")
    for entry in BASE_MODELS:
        if plain in entry.names:
            return entry.id, ""
        if plain in entry.stands_in_for:
            return entry.id, entry.stands_in_for[plain]
    return name, ""
