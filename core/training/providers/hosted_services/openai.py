"""OpenAI itself: the API that the others follow, which ends for new jobs on 6 January 2027."""

from __future__ import annotations

from typing import Final

from core.training.providers.hosted import FileRules, HostedCapabilities
from core.training.providers.hosted_wire.dialect import FINE_TUNE, GIGABYTE, MEGABYTE, ServiceDialect

# Source: OpenAI's deprecations page and its description of the API, November 2026.
DIALECT: Final = ServiceDialect(
    "openai",
    "OpenAI",
    "OpenAI takes no new jobs from 6 January 2027, and turns off gpt-4o, gpt-4o-mini, gpt-4.1, gpt-4.1-mini and "
    "what was trained from them on 14 January 2027. The model answers at OpenAI only; the adapter does not come back.",
    default_url="https://api.openai.com/v1",
    capabilities=HostedCapabilities(methods=("lora",), pause=True, checkpoints=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=8 * GIGABYTE, min_examples=10, weights=True, tools=True),
    key_hosts={"OPENAI_API_KEY": ("api.openai.com",)},
    closes_on="2027-01-06",
    metadata=True,
    metadata_filter=True,
    part_bytes=64 * MEGABYTE,
    trainable=("gpt-4.1", "gpt-4o-2024", "gpt-4o-mini-2024", "gpt-3.5-turbo", "babbage-002", "davinci-002"),
)
