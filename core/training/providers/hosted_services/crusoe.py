"""Crusoe: the client of OpenAI works there; each checkpoint lists its files, and so the adapter comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.models.llm.base import Endpoint
from core.models.llm.failures import clean
from core.training.providers.hosted import (
    Beat,
    FileRules,
    HostedBase,
    HostedCapabilities,
    HostedCheckpoint,
    HostedRun,
)
from core.training.providers.hosted_services.nebius import download_files
from core.training.providers.hosted_wire import adapters, measured
from core.training.providers.hosted_wire.dialect import (
    EPOCHS,
    FINE_TUNE,
    GIGABYTE,
    IN_METHOD,
    LEARNING_RATE_MULTIPLIER,
    MEGABYTE,
    ServiceDialect,
    choice,
    decimal,
)
from core.training.providers.hosted_wire.openai_shaped import JOBS, OpenAiShaped

_FILE_LISTS: Final = ("result_files", "file_ids", "files")  # what a checkpoint calls the list of its files

# Source: Crusoe's guide to fine-tuning and the example in its developer hub, November 2026.
DIALECT: Final = ServiceDialect(
    "crusoe",
    "Crusoe",
    "Trains LoRA adapters for open models. The adapter comes back and answers here; to answer at Crusoe, deploy it in "
    "its console.",
    default_url="https://api.intelligence.crusoecloud.com/v1",
    capabilities=HostedCapabilities(methods=("lora",), checkpoints=True, adapter=True, price_call=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=3 * GIGABYTE, min_examples=10, tools=True),
    hyperparameters=(
        EPOCHS,
        choice("batch", f"{IN_METHOD}.batch_size", "16", "32", "64", "128", "256", "512", "1024"),
        LEARNING_RATE_MULTIPLIER,
        decimal("rate", f"{IN_METHOD}.learning_rate", 1e-8, 0.1),
        choice("rank", f"{IN_METHOD}.lora_rank", "2", "4", "8", "16", "32", "64", "128", "256"),
        choice("alpha", f"{IN_METHOD}.lora_alpha", "1", "2", "4", "8", "16", "32", "64", "128", "256", "512"),
        decimal("dropout", f"{IN_METHOD}.lora_dropout", 0, 1),
        decimal("warmup", f"{IN_METHOD}.warmup_ratio", 0, 1),
        decimal("decay", f"{IN_METHOD}.weight_decay", 0, None),
    ),
    key_hosts={"CRUSOE_API_KEY": ("api.intelligence.crusoecloud.com",)},
    part_bytes=64 * MEGABYTE,
)


class Crusoe(OpenAiShaped):
    """Reads the adapter from the files of the last checkpoint, and the price from Crusoe's own estimate."""

    def is_trainable(self, entry: Mapping[str, Any]) -> bool:
        return bool(entry.get("fine_tuning_available"))

    def base(self, entry: Mapping[str, Any]) -> HostedBase:
        return replace(super().base(entry), title=clean(str(entry.get("model_name") or "")))

    def checkpoint(self, entry: Mapping[str, Any]) -> HostedCheckpoint:
        files: list[Any] = next((entry[name] for name in _FILE_LISTS if isinstance(entry.get(name), list)), [])
        return replace(
            super().checkpoint(entry),
            model=str(entry.get("fine_tuned_model_id") or entry.get("fine_tuned_model_checkpoint") or ""),
            files=tuple(str(file.get("id") or "") if isinstance(file, Mapping) else str(file) for file in files),
        )

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        with self.wire(endpoint) as wire:
            saved = self.saved(wire, remote_id)
        if not saved or not saved[-1].files:
            return False
        with self.wire(endpoint, transfer=True) as wire:
            download_files(wire, saved[-1].files, into, beat)
        adapters.verify(into)
        return True

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        with self.wire(endpoint) as wire:
            found = wire.post(f"{JOBS}/estimate_price", self.body(run))
        names = [name for name in found if "price" in name or "cost" in name]
        return next((value for name in sorted(names) if (value := measured.number(found[name])) is not None), None)
