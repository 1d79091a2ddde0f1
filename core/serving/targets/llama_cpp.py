"""llama.cpp in the studio: the inference process runs it beside its own engine, several times faster on a CPU."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets.base import AnswerChunk, Availability, ChatOptions
from core.serving.targets.publishing import Progress, Publication, Route
from core.serving.targets.studio import Studio

PACKAGE: Final = "xllamacpp"
_ADAPTER, _COMPLETE, _PRECISION = "adapter-gguf", "gguf-f16", "f16"


class LlamaCpp(Studio):
    """A tuned LoRA model as the base's GGUF file with an adapter beside it; others as a complete GGUF file."""

    id = "llama_cpp"
    title = "llama.cpp (this studio)"
    connection = ""
    engine = "llama_cpp"

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        if method is None:
            return Availability(False, "Serves tuned models; the studio's own engine serves their bases.")
        adapter, complete = (MODEL_FORMATS.get(name).check(base, method) for name in (_ADAPTER, _COMPLETE))
        if not (adapter.ok or complete.ok):
            return complete
        if importlib.util.find_spec(PACKAGE) is None:
            return Availability(False, 'Not installed: pip install "sft-studio[llamacpp]".')
        if adapter.ok:
            return Availability(True, "As an adapter beside a GGUF file of its base.")
        return Availability(True, "As a complete GGUF file.")

    def plan(self, publication: Publication) -> Route:
        if MODEL_FORMATS.get(_ADAPTER).check(publication.base, publication.method).ok:
            return Route((_ADAPTER,), "Adapter beside a GGUF file of the base (f16).", base_gguf=_PRECISION)
        return Route((_COMPLETE,), "Complete GGUF file (f16).")

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        """Nothing is sent: the inference process reads the files when the model is asked."""
        if _ADAPTER in files:
            return {"model": str(files["base"]), "adapter": str(files[_ADAPTER] / "adapter.gguf")}
        return {"model": str(next(files[_COMPLETE].glob("*.gguf"))), "adapter": ""}

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        """Nothing to do: without the deployment the studio's own engine answers."""

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        return self.chat(publication.model_id, messages, options)
