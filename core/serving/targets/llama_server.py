"""A llama-server of llama.cpp elsewhere: the studio writes the files and the exact command, and asks the server."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import Conflict
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets import openai_server
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.http import connected
from core.serving.targets.publishing import Progress, Publication, Route

_ADAPTER, _COMPLETE = "adapter-gguf", "gguf-f16"


class LlamaServerElsewhere:
    """A server that was started with the model's files under the model's name (`--alias`)."""

    id = "llama_server"
    title = "llama-server"
    connection = "openai"

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        if method is None:
            return Availability(False, "Start llama-server with the base itself.")
        adapter, complete = (MODEL_FORMATS.get(name).check(base, method) for name in (_ADAPTER, _COMPLETE))
        if adapter.ok:
            return Availability(True, "As an adapter beside a GGUF file of its base, started with a command.")
        return complete

    def plan(self, publication: Publication) -> Route:
        if MODEL_FORMATS.get(_ADAPTER).check(publication.base, publication.method).ok:
            return Route((_ADAPTER,), "Adapter beside a GGUF file of its base (f16).", base_gguf="f16")
        return Route((_COMPLETE,), "Complete GGUF file (f16).")

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        command = _command(publication, files)
        with connected(self.title, publication.endpoint) as client:
            if publication.name not in openai_server.listed(self.title, client):
                raise Conflict(f"This llama-server does not serve “{publication.name}” yet.", f"Start it: {command}")
        return {"command": command}

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        """Nothing to remove: the model ends with its server."""

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        return openai_server.ask(self.title, publication, messages, options)


def _command(publication: Publication, files: Mapping[str, Path]) -> str:
    if _ADAPTER in files:
        model = f"-m {shlex.quote(str(files['base']))} --lora {shlex.quote(str(files[_ADAPTER] / 'adapter.gguf'))}"
    else:
        model = f"-m {shlex.quote(str(next(files[_COMPLETE].glob('*.gguf'))))}"
    return f"llama-server {model} --alias {publication.name} --jinja --api-key YOUR_KEY"
