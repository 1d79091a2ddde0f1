"""Nebius Token Factory: the client of OpenAI works there; the checkpoints are files, and so the adapter comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError, clean
from core.training.providers.hosted import (
    Beat,
    DeploymentState,
    FileRules,
    HostedCapabilities,
    HostedDeployment,
    HostedRun,
    HostedStatus,
    Hyperparameter,
)
from core.training.providers.hosted_wire import adapters
from core.training.providers.hosted_wire.client import Wire, quoted
from core.training.providers.hosted_wire.dialect import FINE_TUNE, GIGABYTE, IN_METHOD, ServiceDialect, decimal, whole
from core.training.providers.hosted_wire.openai_shaped import JOBS, OpenAiShaped
from core.training.providers.hosted_wire.paging import listed, mapped

_MODELS: Final = "/v0/models"  # custom models are beside the OpenAI-shaped API
# Source: Nebius' description of its API (models: create, get and delete a custom model), November 2026.
_STATES: Final[Mapping[str, DeploymentState]] = {
    "validating": "starting", "active": "active", "error": "failed", "deleted": "retired",
}  # fmt: skip


# Source: Nebius' description of its API (create a fine-tuning job), November 2026.
DIALECT: Final = ServiceDialect(
    "nebius",
    "Nebius Token Factory",
    "Trains open models in Europe or the US. The adapter comes back, and answers here or at Nebius without a "
    "deployment by the hour.",
    default_url="https://api.tokenfactory.nebius.com/v1",
    capabilities=HostedCapabilities(methods=("lora", "full"), checkpoints=True, adapter=True, deploy=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=5 * GIGABYTE, min_examples=10, tools=True),
    hyperparameters=(
        whole("epochs", f"{IN_METHOD}.n_epochs", 1, 50, 3),
        whole("batch", f"{IN_METHOD}.batch_size", 1, 512, 8),
        decimal("rate", f"{IN_METHOD}.learning_rate", 1e-8, 0.1, 1e-5),
        decimal("warmup", f"{IN_METHOD}.warmup_ratio", 0, 1, 0.0),
        decimal("decay", f"{IN_METHOD}.weight_decay", 0, 1, 0.0),
        decimal("clipping", f"{IN_METHOD}.max_grad_norm", 0, 100, 1.0),
        whole("context", f"{IN_METHOD}.context_length", 512, 131_072, 8192),
        Hyperparameter(
            "packing", "Packing", "Several examples in one sequence.", "bool", f"{IN_METHOD}.packing", True, auto=False
        ),
        whole("rank", f"{IN_METHOD}.lora_r", 8, 128, 8),
        whole("alpha", f"{IN_METHOD}.lora_alpha", 1, 512, 8),
        decimal("dropout", f"{IN_METHOD}.lora_dropout", 0, 1, 0.0),
    ),
    key_hosts={"NEBIUS_API_KEY": ("api.tokenfactory.nebius.com",)},
)


class Nebius(OpenAiShaped):
    """Reads the adapter from the files of the last checkpoint."""

    def body(self, run: HostedRun) -> dict[str, Any]:
        body = super().body(run)
        numbers = body["method"].setdefault("supervised", {}).setdefault("hyperparameters", {})
        numbers["lora"] = run.method != "full"
        if run.method == "full":
            for name in ("lora_r", "lora_alpha", "lora_dropout"):
                numbers.pop(name, None)
        return body

    def seen(self, job: Mapping[str, Any]) -> HostedStatus:
        return replace(super().seen(job), model="")  # it has an id, but answers only after `deploy`

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        with self.wire(endpoint) as wire:
            job, saved = wire.get(f"{JOBS}/{quoted(remote_id)}"), self.saved(wire, remote_id)
        if not saved or not saved[-1].files or _is_full(job):
            return False
        with self.wire(endpoint, transfer=True) as wire:
            download_files(wire, saved[-1].files, into, beat)
        adapters.verify(into)
        return True

    def deploy(self, endpoint: Endpoint, remote_id: str, *, name: str) -> HostedDeployment:
        with self.wire(endpoint) as wire:
            saved = self.saved(wire, remote_id)
            if not saved:
                raise LlmError(
                    "The job has no checkpoint that could be deployed.", "Wait until it ends.", cause="refused"
                )
            made = _deployed(wire, remote_id, saved[-1].id)
            if made is None:
                base = str(wire.get(f"{JOBS}/{quoted(remote_id)}").get("model") or "")
                asked = {"name": name, "base_model": base, "source": f"{remote_id}:{saved[-1].id}"}
                made = wire.post(_MODELS, asked)
        return _deployment(made)

    def deployment(self, endpoint: Endpoint, name: str) -> HostedDeployment:
        with self.wire(endpoint) as wire:
            try:
                return _deployment({"name": name, **wire.get(_place(name))})
            except LlmError as error:
                if error.cause != "gone":
                    raise
        return HostedDeployment(name, "retired", "")

    def retire(self, endpoint: Endpoint, name: str) -> None:
        with self.wire(endpoint) as wire:
            try:
                wire.send("DELETE", _place(name))
            except LlmError as error:
                if error.cause != "gone":
                    raise


def _place(name: str) -> str:
    """The path of a custom model: its name has a vendor and a slash."""
    return f"{_MODELS}/{'/'.join(map(quoted, name.split('/')))}"


def _deployment(made: Mapping[str, Any]) -> HostedDeployment:
    word = clean(str(made.get("status") or ""))
    state = _STATES.get(word)
    why = clean(str(made.get("status_reason") or "")) if state == "failed" else ""
    return HostedDeployment(str(made.get("name") or ""), state or "starting", word, state is not None, why)


def _deployed(wire: Wire, job: str, checkpoint: str) -> Mapping[str, Any] | None:
    """The custom model of a checkpoint, from an earlier call; None if there is none. The list names job and checkpoint,
    the answer to its creation their `source`."""
    found = wire.listing(_MODELS)
    entries = map(mapped, listed(found.get("data") if isinstance(found, Mapping) else found))
    kept = (one for one in entries if one.get("status") not in ("deleted", "error"))
    for one in kept:
        if one.get("source") == f"{job}:{checkpoint}" or (one.get("job_id"), one.get("checkpoint_id")) == (
            job,
            checkpoint,
        ):
            return one
    return None


def _is_full(job: Mapping[str, Any]) -> bool:
    return mapped(job.get("hyperparameters")).get("lora") is False


def download_files(wire: Wire, files: tuple[str, ...], into: Path, beat: Beat | None) -> None:
    """Download files into a folder under the names that the service gives them; archives are unpacked."""
    for number, file in enumerate(files):
        facts = wire.get(f"files/{quoted(file)}")
        name = adapters.plain_name(str(facts.get("filename") or ""))
        part = into / f".{number}.download"
        try:
            share = (lambda done, number=number: beat((number + done) / len(files))) if beat else None
            given = wire.download(f"files/{quoted(file)}/content", part, share)
            name = name or adapters.plain_name(given)
            expected = facts.get("bytes")
            if isinstance(expected, int) and expected > 0 and expected != part.stat().st_size:
                raise LlmError(f"{name or file} arrived with another size.", "Fetch it again.", cause="broken")
            adapters.keep(part, name, into)
        finally:
            part.unlink(missing_ok=True)
