"""Clients of language models: one small interface over Ollama, OpenAI-compatible servers and the studio itself.

    client = CLIENTS.get("ollama").open(Endpoint("http://127.0.0.1:11434"))
    client.models()                 # names, for the connection test
    client.ask(Ask(...))            # one completion, or an LlmError that says whether a retry makes sense

A new kind of client is one file with a class (see base.ClientKind) and a line in the registry.
"""

from __future__ import annotations

from typing import Final

from core.models.llm.base import Ask, Client, ClientKind, Completion, Endpoint
from core.models.llm.failures import LlmError
from core.models.llm.ollama import Ollama
from core.models.llm.openai_compatible import OpenAiCompatible
from core.models.llm.studio import StudioModels
from core.registry import Registry

CLIENTS: Final = Registry[ClientKind]("kind of language-model client")
CLIENTS.add(StudioModels())
CLIENTS.add(Ollama())
CLIENTS.add(OpenAiCompatible())
