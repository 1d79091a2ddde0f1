"""Another SFT Studio: its `/v1/fine_tuning`, its uploads in parts, and its models, which can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.models.llm.base import Endpoint
from core.models.llm.failures import clean
from core.models.methods import METHODS
from core.settings import MAX_UPLOAD_BYTES
from core.training.providers.hosted import (
    Beat,
    FileRules,
    HostedBase,
    HostedCapabilities,
    HostedRun,
    HostedStatus,
    Hyperparameter,
    RemoteState,
)
from core.training.providers.hosted_wire import adapters, measured, uploads
from core.training.providers.hosted_wire.client import Wire, quoted
from core.training.providers.hosted_wire.dialect import (
    BATCH_SIZE,
    EPOCHS,
    FINE_TUNE,
    LEARNING_RATE_MULTIPLIER,
    MEGABYTE,
    ServiceDialect,
)
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped
from core.training.providers.hosted_wire.paging import listed, mapped

_STATES: Final[Mapping[str, RemoteState]] = {
    "pending": "queued",
    "validating": "queued",
    "queued": "queued",
    "running": "running",
    "paused": "paused",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
_ARCHIVE: Final = ".download"

DIALECT: Final = ServiceDialect(
    "sft_studio",
    "Another SFT Studio",
    "Another studio of your team, for example one with a GPU. The examples go there and nowhere else, and the trained "
    "adapter comes back and answers here.",
    default_url="http://127.0.0.1:8000/v1",
    capabilities=HostedCapabilities(methods=METHODS.ids(), pause=True, checkpoints=True, adapter=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=MAX_UPLOAD_BYTES, min_examples=1, weights=True, tools=True),
    hyperparameters=(
        replace(EPOCHS, high=1_000),
        BATCH_SIZE,
        LEARNING_RATE_MULTIPLIER,
        Hyperparameter(
            "max_seq_length",
            "Context length",
            "Tokens of an example; longer ones are cut off.",
            "int",
            "studio.training.max_seq_length",
            low=64,
            high=131_072,
        ),
    ),
    metadata=True,
    suffix_chars=64,
    page=1_000,
    part_bytes=8 * MEGABYTE,
)


class SftStudio(OpenAiShaped):
    """Speaks to a studio's own API beside the OpenAI-shaped one where that says more."""

    def body(self, run: HostedRun) -> dict[str, Any]:
        body = super().body(run)
        body["suffix"] = run.name.strip()[:64] or body["suffix"]  # found by its metadata: the name stays readable
        body.setdefault("studio", {})["method"] = run.method
        return body

    def headers(self, run: HostedRun) -> dict[str, str]:
        return {"Idempotency-Key": run.intent}

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        with self.wire(endpoint) as wire:
            found = wire.listing(_own(endpoint, "base-models"))
        return [
            HostedBase(
                id=str(entry["id"]),
                title=clean(str(entry.get("title") or "")),
                methods=self.capabilities.methods,
                extra={name: value for name, value in entry.items() if name not in ("id", "title")},
            )
            for entry in listed(found)
            if isinstance(entry, Mapping) and entry.get("id") and entry.get("ready")
        ]

    def in_parts(self, wire: Wire, plan: uploads.UploadPlan) -> str:
        return uploads.in_studio_parts(wire, plan, self.dialect.part_bytes)

    def seen(self, job: Mapping[str, Any]) -> HostedStatus:
        status = super().seen(job)
        facts = mapped(job.get("studio"))
        word = clean(str(facts.get("state") or status.provider_status))
        state = _STATES.get(word)
        share = measured.number(facts.get("progress"))
        return replace(
            status,
            state=state or "running",
            provider_status=word,
            known=state is not None,
            progress=status.progress if share is None else min(max(share, 0.0), 1.0),
        )

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        model_id = self.status(endpoint, remote_id).model
        if not model_id:
            return False
        path = _own(endpoint, f"models/{quoted(model_id)}")
        with self.wire(endpoint) as wire:
            method = str(wire.get(path).get("method") or "")
        if method in METHODS and METHODS.get(method).peft_type is None:
            return False  # a complete model, which has no adapter
        archive = into / _ARCHIVE
        try:
            with self.wire(endpoint, transfer=True) as wire:
                wire.download(f"{path}/download", archive, beat, format="adapter")
            adapters.unpack(archive, into)
        finally:
            archive.unlink(missing_ok=True)
        adapters.verify(into)
        return True


def _own(endpoint: Endpoint, path: str) -> str:
    """The address of a path of the studio's own API, which is beside the OpenAI-shaped one."""
    return f"{endpoint.base_url.rstrip('/').removesuffix('/v1')}/api/v1/{path}"
