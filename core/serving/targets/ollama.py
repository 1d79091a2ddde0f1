"""Ollama: the route follows its version. Template, system message and stop texts always go along.

Source: Ollama's API documentation (0.33), and its release notes of 0.34.1: no adapters in new models, no quantization
on import.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import ProviderError, SettingsError
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.go_template import turn_template
from core.serving.targets.http import checked, connected, json_lines
from core.serving.targets.publishing import Progress, Publication, Route

if TYPE_CHECKING:
    import httpx

# Source: Ollama's documentation of imports and its converter.
ADAPTERS: Final = frozenset({"LlamaForCausalLM", "Gemma2ForCausalLM"})
SAFETENSORS: Final = frozenset(
    f"{family}ForCausalLM" for family in ("Llama", "Gemma", "Gemma2", "Gemma3", "Phi3", "Qwen2")
)
WITHOUT_ADAPTERS: Final = (0, 34, 1)  # from this version on
_ADAPTER, _F16, _Q8_0, _COMPLETE = "adapter-gguf", "gguf-f16", "gguf-q8_0", "safetensors"
_SMALL_PARAMS: Final = 2_000_000_000  # up to here in 16 bits: the file is small, and the answers are the studio's
_BLOCK: Final = 1 << 20
_CONTEXT: Final = 8192  # tokens; more takes memory that few conversations need


class OllamaTarget:
    """An Ollama server, on this machine or another."""

    id = "ollama"
    title = "Ollama"
    connection = "ollama"

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        if method is None:
            return Availability(False, "Pull the base with Ollama itself.")
        complete, gguf = (MODEL_FORMATS.get(name).check(base, method) for name in (_COMPLETE, _F16))
        if not complete.ok:
            text = "Only this studio and transformers serve what this method adds; it cannot be merged into the base."
            return Availability(False, text)
        if not base.architecture:
            return Availability(False, "Known once the base model is downloaded.")
        if not gguf.ok and base.architecture not in SAFETENSORS:
            return Availability(False, f"Ollama does not import {base.architecture} trained in this way.")
        how = "a complete GGUF file" if gguf.ok else "complete safetensors"
        if method.peft_type is None:
            return Availability(True, f"As {how}.")
        unquantized = "unquantized " if method.load_arguments().get("quantization") else ""
        merged = f"After merging into the {unquantized}base, as {how}."
        if _takes_adapter(base, method):
            return Availability(True, f"As an adapter beside its base below version 0.34.1. From there on: {merged}")
        return Availability(True, merged)

    def plan(self, publication: Publication) -> Route:
        with connected(self.title, publication.endpoint) as client:
            version = _version(client)
        turn_template(publication.template, publication.specials)  # refused before anything is written
        base, method = publication.base, publication.method
        shown = ".".join(map(str, version))
        if version < WITHOUT_ADAPTERS and _takes_adapter(base, method):
            return Route((_ADAPTER,), f"Adapter beside a GGUF file of its base (Ollama {shown}).", base_gguf="f16")
        gguf = _F16 if base.params <= _SMALL_PARAMS else _Q8_0
        if MODEL_FORMATS.get(gguf).check(base, method).ok:
            return Route((gguf,), f"Complete GGUF file, {gguf.removeprefix('gguf-')} (Ollama {shown}).")
        if base.architecture in SAFETENSORS:
            return Route((_COMPLETE,), f"Complete model as safetensors (Ollama {shown}).")
        raise SettingsError(f"Ollama {shown} does not import {base.architecture}.", "Choose another target.")

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        sent, adapters = _parts(files)
        with connected(self.title, publication.endpoint) as client:
            total = max(1, sum(file.stat().st_size for file in (*sent.values(), *adapters.values())))
            done = 0
            digests: dict[str, str] = {}
            for name, file in {**sent, **adapters}.items():
                digests[name] = _push(client, file, partial(_uploaded, report, done, total))
                done += file.stat().st_size
            body: dict[str, Any] = {
                "model": publication.name,
                "files": {name: digests[name] for name in sent},
                "template": turn_template(publication.template, publication.specials).go,
                "system": publication.system,
                "parameters": _parameters(publication),
                "stream": True,
            }
            if adapters:
                body["adapters"] = {name: digests[name] for name in adapters}
            self._create(client, body, report)
        quantized = "q8_0" if _Q8_0 in plan.formats else ""
        return {"digests": sorted(digests.values()), "quantized": quantized}

    def _create(self, client: httpx.Client, body: dict[str, Any], report: Progress) -> None:
        status = ""
        with client.stream("POST", "/api/create", json=body) as response:
            checked(self.title, response)
            for event in json_lines(response.iter_lines()):
                if event.get("error"):
                    raise ProviderError(f"Ollama could not create the model: {event['error']}.", "")
                status = str(event.get("status", ""))
                total, completed = event.get("total") or 0, event.get("completed") or 0
                report(0.8 + 0.2 * (completed / total if total else 0.5), f"Ollama: {status}"[:200])
        if status != "success":
            raise ProviderError("Ollama ended before the model was created.", "Publish it again.")

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        with connected(self.title, publication.endpoint) as client:
            response = client.request("DELETE", "/api/delete", json={"model": publication.name})
            checked(self.title, response, 404)

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        sampling: dict[str, Any] = {"temperature": options.temperature, "num_predict": options.max_tokens}
        if options.temperature == 0:
            sampling["top_k"] = 1
        body = {
            "model": publication.name,
            "messages": [dict(message) for message in messages],
            "options": sampling,
            "stream": True,
        }
        with (
            connected(self.title, publication.endpoint) as client,
            client.stream("POST", "/api/chat", json=body) as response,
        ):
            checked(self.title, response)
            for event in json_lines(response.iter_lines()):
                if event.get("error"):
                    raise ProviderError(f"Ollama: {event['error']}.", "")
                text = str((event.get("message") or {}).get("content") or "")
                if event.get("done"):
                    counts = (int(event.get("prompt_eval_count") or 0), int(event.get("eval_count") or 0))
                    yield AnswerChunk(text, str(event.get("done_reason") or "stop"), *counts)
                    return
                if text:
                    yield AnswerChunk(text)
        raise ProviderError("The answer of Ollama ended early.", "Ask again.")


def _takes_adapter(base: BaseModelRef, method: Method) -> bool:
    # Source: Ollama's documentation of imports: "it's best to use non-quantized (i.e. non-QLoRA) adapters"
    adapter = MODEL_FORMATS.get(_ADAPTER).check(base, method)
    return adapter.ok and base.architecture in ADAPTERS and not method.load_arguments().get("quantization")


def _version(client: httpx.Client) -> tuple[int, ...]:
    response = checked("Ollama", client.get("/api/version"))
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", str(response.json().get("version", "")))
    if found is None:
        raise ProviderError("The server does not report a version of Ollama.", "Check the address in Settings.")
    return tuple(map(int, found.groups()))


def _parts(files: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """The files of the model and of the adapter, by their names there."""
    if "base" in files:
        return {"model.gguf": files["base"]}, {"adapter.gguf": files[_ADAPTER] / "adapter.gguf"}
    if _COMPLETE in files:
        wanted = (".safetensors", ".json")
        found = (file for file in sorted(files[_COMPLETE].iterdir()) if file.suffix in wanted)
        return {file.name: file for file in found if file.name not in ("manifest.json",)}, {}
    (directory,) = files.values()
    return {"model.gguf": next(directory.glob("*.gguf"))}, {}


def _uploaded(report: Progress, before: int, total: int, now: int) -> None:
    report(0.8 * (before + now) / total, "Uploading")


def _push(client: httpx.Client, file: Path, report: Callable[[int], None]) -> str:
    """Push a file by its digest, unless the server has it."""
    with file.open("rb") as stream:
        digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if client.head(f"/api/blobs/{digest}").status_code == 200:
        return digest

    def blocks() -> Iterator[bytes]:
        sent = 0
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
                sent += len(block)
                report(sent)

    headers = {"Content-Length": str(file.stat().st_size)}
    checked("Ollama", client.post(f"/api/blobs/{digest}", content=blocks(), headers=headers))
    return digest


def _parameters(publication: Publication) -> dict[str, Any]:
    dims = publication.base.dims
    context = min(_CONTEXT, dims.max_position_embeddings) if dims else _CONTEXT
    return {"stop": list(publication.stops), "num_ctx": context, "repeat_penalty": 1.0, "temperature": 0.7}
