"""The base models that people ask for, as data. Which of them are choices today, `__init__.resolve` finds on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class HubEntry:
    """A model of the Hugging Face Hub. `billions` is what its card says, for lists only (the forecast reads files)."""

    id: str
    title: str
    family: str
    billions: float
    license: str
    text: str = ""
    recommended: bool = False  # the one to take at its size
    gated: bool = False  # its files are given only to accounts that accepted its licence on the Hub

    @property
    def size(self) -> str:
        return f"{self.billions:g}B" if self.billions >= 1 else f"{self.billions * 1000:.0f}M"


_QWEN = "Strong for its size, many languages."
_QWEN3 = f"{_QWEN} Answers at once: what is learnt has an empty place for thinking."
_LLAMA = "Widely served; its adapters go into Ollama as they are. Needs its licence accepted on the Hub."
_GEMMA = (
    "Good at many languages; no system role, its template puts that text before the first input. "
    "Needs its licence accepted on the Hub."
)

HUB: Final[tuple[HubEntry, ...]] = (
    HubEntry("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2 135M", "SmolLM2", 0.135, "Apache 2.0", "Runs on any CPU."),
    HubEntry(
        "HuggingFaceTB/SmolLM2-360M-Instruct", "SmolLM2 360M", "SmolLM2", 0.36, "Apache 2.0", "Runs on any CPU.", True
    ),
    HubEntry("HuggingFaceTB/SmolLM2-1.7B-Instruct", "SmolLM2 1.7B", "SmolLM2", 1.7, "Apache 2.0", "English."),
    HubEntry("Qwen/Qwen2.5-0.5B-Instruct", "Qwen2.5 0.5B", "Qwen2.5", 0.5, "Apache 2.0", _QWEN, True),
    HubEntry("Qwen/Qwen2.5-1.5B-Instruct", "Qwen2.5 1.5B", "Qwen2.5", 1.5, "Apache 2.0", _QWEN, True),
    HubEntry("Qwen/Qwen2.5-3B-Instruct", "Qwen2.5 3B", "Qwen2.5", 3, "Qwen Research", _QWEN),
    HubEntry("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5 7B", "Qwen2.5", 7, "Apache 2.0", _QWEN, True),
    HubEntry("Qwen/Qwen3-0.6B", "Qwen3 0.6B", "Qwen3", 0.6, "Apache 2.0", _QWEN3),
    HubEntry("Qwen/Qwen3-1.7B", "Qwen3 1.7B", "Qwen3", 1.7, "Apache 2.0", _QWEN3),
    HubEntry("Qwen/Qwen3-4B", "Qwen3 4B", "Qwen3", 4, "Apache 2.0", _QWEN3, True),
    HubEntry("Qwen/Qwen3-8B", "Qwen3 8B", "Qwen3", 8, "Apache 2.0", _QWEN3),
    HubEntry("meta-llama/Llama-3.2-1B-Instruct", "Llama 3.2 1B", "Llama", 1.2, "Llama 3.2", _LLAMA, gated=True),
    HubEntry("meta-llama/Llama-3.2-3B-Instruct", "Llama 3.2 3B", "Llama", 3.2, "Llama 3.2", _LLAMA, True, gated=True),
    HubEntry("meta-llama/Llama-2-7b-chat-hf", "Llama 2 7B Chat", "Llama", 6.7, "Llama 2", _LLAMA, gated=True),
    HubEntry("google/gemma-3-270m-it", "Gemma 3 270M", "Gemma", 0.27, "Gemma", _GEMMA, gated=True),
    HubEntry("google/gemma-3-1b-it", "Gemma 3 1B", "Gemma", 1, "Gemma", _GEMMA, gated=True),
    HubEntry(
        "google/gemma-1.1-7b-it", "Gemma 1.1 7B", "Gemma", 8.5, "Gemma", "First generation, no system role.", gated=True
    ),
    HubEntry("mistralai/Mistral-7B-Instruct-v0.3", "Mistral 7B v0.3", "Mistral", 7.2, "Apache 2.0", "A solid 7B."),
    HubEntry("microsoft/Phi-3.5-mini-instruct", "Phi-3.5 mini", "Phi", 3.8, "MIT", "Reasons well for its size."),
    HubEntry("microsoft/Phi-4-mini-instruct", "Phi-4 mini", "Phi", 3.8, "MIT", "Reasons well for its size."),
)

# Ollama's name -> (the weights behind it, what to know). Source: Ollama's model library.
ALIASES: Final[dict[str, tuple[str, str]]] = {
    "llama3.2": ("meta-llama/Llama-3.2-3B-Instruct", ""),
    "llama3.2:1b": ("meta-llama/Llama-3.2-1B-Instruct", ""),
    "llama3.2:3b": ("meta-llama/Llama-3.2-3B-Instruct", ""),
    "llama2": ("meta-llama/Llama-2-7b-chat-hf", ""),
    "llama2:7b": ("meta-llama/Llama-2-7b-chat-hf", ""),
    "mistral": ("mistralai/Mistral-7B-Instruct-v0.3", ""),
    "mistral:7b": ("mistralai/Mistral-7B-Instruct-v0.3", ""),
    "phi": (
        "microsoft/Phi-3.5-mini-instruct",
        "Ollama's phi is Phi-2, which has no chat template; the next of its family that has one stands in.",
    ),
    "phi3.5": ("microsoft/Phi-3.5-mini-instruct", ""),
    "phi4-mini": ("microsoft/Phi-4-mini-instruct", ""),
    "gemma": ("google/gemma-1.1-7b-it", ""),
    "gemma:7b": ("google/gemma-1.1-7b-it", ""),
    "gemma3:270m": ("google/gemma-3-270m-it", ""),
    "gemma3:1b": ("google/gemma-3-1b-it", ""),
    "qwen2.5": ("Qwen/Qwen2.5-7B-Instruct", ""),
    "qwen2.5:0.5b": ("Qwen/Qwen2.5-0.5B-Instruct", ""),
    "qwen2.5:1.5b": ("Qwen/Qwen2.5-1.5B-Instruct", ""),
    "qwen2.5:3b": ("Qwen/Qwen2.5-3B-Instruct", ""),
    "qwen2.5:7b": ("Qwen/Qwen2.5-7B-Instruct", ""),
    "smollm2:135m": ("HuggingFaceTB/SmolLM2-135M-Instruct", ""),
    "smollm2:360m": ("HuggingFaceTB/SmolLM2-360M-Instruct", ""),
    "smollm2": ("HuggingFaceTB/SmolLM2-1.7B-Instruct", ""),
}


def unique(entries: tuple[HubEntry, ...]) -> dict[str, HubEntry]:
    """The entries by id.

    Raises:
        ValueError: an id stands there twice.
    """
    by_id: dict[str, HubEntry] = {}
    for entry in entries:
        if entry.id in by_id:
            raise ValueError(f"There are two base models with the id {entry.id!r}.")
        by_id[entry.id] = entry
    return by_id


ENTRIES: Final[dict[str, HubEntry]] = unique(HUB)
