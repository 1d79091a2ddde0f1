"""The studio's own inference process: base and tuned models on this machine; its decoder enforces schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.models.llm.base import Client, Endpoint
from core.models.llm.openai_compatible import OpenAiClient
from core.settings import get_settings


class StudioModels:
    """Speaks OpenAI's protocol on the loopback address; needs neither address nor key."""

    id = "studio"
    title = "This studio"
    text = "A base model or a tuned model of this studio. Nothing leaves this machine, and tokens cost nothing."
    needs_url = False
    needs_key = False
    is_local = True
    bounds_text = True
    openai_path = ""
    key_hosts: Mapping[str, tuple[str, ...]] = {}

    @property
    def default_url(self) -> str:
        return f"{get_settings().inference_url}/v1"

    def open(self, endpoint: Endpoint) -> Client:
        """A client for the address in the settings; a stored address is ignored."""
        remedy = "Start the studio with `sft up`; its models are available a few seconds later."
        return OpenAiClient(replace(endpoint, base_url=self.default_url, key="", start_remedy=remedy))
