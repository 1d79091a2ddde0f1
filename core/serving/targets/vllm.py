"""vLLM: adapters are loaded and unloaded while it runs; anything else needs a start with the exact command.

Source: vLLM's documentation of LoRA adapters: the allowed ranks, and `VLLM_ALLOW_RUNTIME_LORA_UPDATING`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.errors import Conflict
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets import openai_server
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.http import checked, connected
from core.serving.targets.publishing import Progress, Publication, Route

# Source: vLLM's table of supported models (column LoRA)
ARCHITECTURES: Final = frozenset(
    f"{family}ForCausalLM" for family in ("Llama", "Gemma", "Gemma2", "Gemma3", "Phi3", "Qwen2", "Qwen3", "Mistral")
)
RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
MAX_LORAS: Final = 4  # adapters at once; vLLM's own default is 1
_ADAPTER, _COMPLETE = "adapter", "safetensors"


class Vllm:
    """A vLLM server that reads the studio's files: on this machine, or on a shared disk."""

    id = "vllm"
    title = "vLLM"
    connection = "openai"

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        if method is None:
            return Availability(False, "Start vLLM with the base itself.")
        complete = MODEL_FORMATS.get(_COMPLETE).check(base, method)
        if not complete.ok:
            text = "Only this studio and transformers serve what this method adds; it cannot be merged into the base."
            return Availability(False, text)
        if not base.architecture:
            return Availability(False, "Known once the base model is downloaded.")
        if base.architecture not in ARCHITECTURES:
            return Availability(False, f"{base.architecture} is not known to be served there.")
        if _is_adapter(method):
            beside = " beside the unquantized base" if method.load_arguments().get("quantization") else ""
            return Availability(True, f"As an adapter{beside}, loaded while vLLM runs.")
        return Availability(True, complete.reason if method.peft_type else "As a complete model.")

    def plan(self, publication: Publication) -> Route:
        with connected(self.title, publication.endpoint) as client:
            openai_server.listed(self.title, client)
        if _is_adapter(publication.method):
            return Route((_ADAPTER,), "Adapter, loaded while vLLM runs.")
        return Route((_COMPLETE,), "Complete model, which vLLM was started with.")

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        (directory,) = files.values()
        with connected(self.title, publication.endpoint) as client:
            names = openai_server.listed(self.title, client)
            if _ADAPTER not in files:
                if publication.name not in names:
                    raise Conflict(f"vLLM does not serve “{publication.name}” yet.", _command(publication, directory))
                return {}
            report(0.2, "Loading the adapter")
            if publication.name in names:  # an earlier version of it
                checked(self.title, client.post("unload_lora_adapter", json={"lora_name": publication.name}), 404)
            body = {"lora_name": publication.name, "lora_path": str(directory)}
            response = client.post("load_lora_adapter", json=body)
            if response.status_code in (404, 405):
                raise Conflict("This vLLM does not load adapters while it runs.", _command(publication, directory))
            checked(self.title, response)
        return {"runtime": True}

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        if not details.get("runtime"):
            return  # a complete model ends with its server
        with connected(self.title, publication.endpoint) as client:
            checked(self.title, client.post("unload_lora_adapter", json={"lora_name": publication.name}), 404)

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        return openai_server.ask(self.title, publication, messages, options)


def _is_adapter(method: Method) -> bool:
    return method.peft_type == "LORA" and not (method.peft_arguments() or {}).get("use_dora")


def allowed_rank(rank: int) -> int:
    """The smallest value of --max-lora-rank that holds a rank."""
    return next((allowed for allowed in RANKS if allowed >= rank), RANKS[-1])


def _command(publication: Publication, directory: Path) -> str:
    """The exact command that starts vLLM for a model."""
    base, method = publication.base, publication.method
    if not _is_adapter(method):
        return f"Start it: vllm serve {shlex.quote(str(directory))} --served-model-name {publication.name}"
    rank = allowed_rank(int((method.peft_arguments() or {}).get("r", RANKS[0])))
    served = shlex.quote(str(base.path or base.id))
    return (
        f"Start it: VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve {served} --enable-lora --max-loras {MAX_LORAS} "
        f"--max-lora-rank {rank} --lora-modules {publication.name}={shlex.quote(str(directory))}"
    )
