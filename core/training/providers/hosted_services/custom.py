"""Any other server that speaks OpenAI's fine-tuning API."""

from __future__ import annotations

from typing import Final

from core.training.providers.hosted import FileRules, HostedCapabilities
from core.training.providers.hosted_wire.dialect import FINE_TUNE, MEGABYTE, ServiceDialect

DIALECT: Final = ServiceDialect(
    "custom",
    "Custom (OpenAI-shaped)",
    "Any server with OpenAI's fine-tuning API. What it does with the examples, and what it costs, is between you and "
    "its operator.",
    default_url="https://example.com/v1",
    capabilities=HostedCapabilities(methods=("lora",), pause=True, checkpoints=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=512 * MEGABYTE, min_examples=10, weights=True, tools=True),
    metadata=True,
)
