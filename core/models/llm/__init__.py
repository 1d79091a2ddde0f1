"""Language models that write: one small interface over Ollama, OpenAI-compatible servers and the studio itself.

    client = PROVIDERS["ollama"].open(Endpoint("http://127.0.0.1:11434"))
    client.models()                 # names, for the connection test
    client.ask(Ask(...))            # one answer, or an LlmError that says whether asking again makes sense

A new provider is one file with a class (see base.Provider) and a line in the registry; a duplicate id raises.
"""

from __future__ import annotations

from core.models.llm.base import Answer, Ask, Client, Endpoint, Provider
from core.models.llm.failures import LlmError
from core.models.llm.ollama import Ollama
from core.models.llm.openai_compatible import OpenAiCompatible
from core.models.llm.studio import StudioProvider

__all__ = ["PROVIDERS", "Answer", "Ask", "Client", "Endpoint", "LlmError", "Provider", "register"]

PROVIDERS: dict[str, Provider] = {}


def register(entry: Provider) -> None:
    """Add a provider; ValueError where its id is taken."""
    if entry.id in PROVIDERS:
        raise ValueError(f"there are two providers with the id {entry.id!r}")
    PROVIDERS[entry.id] = entry


for _provider in (StudioProvider(), Ollama(), OpenAiCompatible()):
    register(_provider)
