"""Azure AI Foundry: OpenAI's API below the address of a resource, with the key in a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.training.providers.hosted import FileRules, HostedCapabilities, HostedRun, Hyperparameter
from core.training.providers.hosted_wire.dialect import FINE_TUNE, MEGABYTE, OPENAI_SETTINGS, ServiceDialect
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped

# Source: Microsoft's guide to fine-tuning and its description of the v1 API, November 2026.
DIALECT: Final = ServiceDialect(
    "azure",
    "Azure AI Foundry",
    "Trains in your Azure subscription. A tuned model answers only after it is deployed in the Foundry portal, which "
    "costs by the hour; the adapter does not come back.",
    default_url="https://YOUR-RESOURCE.openai.azure.com/openai/v1",
    capabilities=HostedCapabilities(methods=("lora",), pause=True, checkpoints=True),
    file_rules=FileRules(FINE_TUNE, max_bytes=512 * MEGABYTE, min_examples=10, tools=True),
    hyperparameters=(
        *OPENAI_SETTINGS,
        Hyperparameter(
            "trainingType",
            "Where it runs",
            "Standard trains in the region of the resource; Global and Developer are cheaper and may train elsewhere.",
            "choice",
            "trainingType",
            choices=("Standard", "GlobalStandard", "Developer"),
        ),
    ),
    key_hosts={"AZURE_OPENAI_API_KEY": ("*.openai.azure.com", "*.services.ai.azure.com")},
    key_header="api-key",
    metadata=True,
)


class Azure(OpenAiShaped):
    """Its list of models says which ones can be trained, and its suffix is shorter than OpenAI's."""

    def body(self, run: HostedRun) -> dict[str, Any]:
        body = super().body(run)
        body["suffix"] = body["suffix"][-40:].strip("-")
        return body

    def is_trainable(self, entry: Mapping[str, Any]) -> bool:
        able = entry.get("capabilities")
        return isinstance(able, Mapping) and bool(able.get("fine_tune")) and not str(entry["id"]).startswith("ft:")
