"""Services that train for others: one file for each, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.registry import Registry
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_services import (
    azure,
    crusoe,
    custom,
    fireworks,
    nebius,
    openai,
    sft_studio,
    together,
)
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped

HOSTED_SERVICES: Final = Registry[HostedService]("hosted training service")
HOSTED_SERVICES.add(sft_studio.SftStudio(sft_studio.DIALECT))
HOSTED_SERVICES.add(nebius.Nebius(nebius.DIALECT))
HOSTED_SERVICES.add(crusoe.Crusoe(crusoe.DIALECT))
HOSTED_SERVICES.add(together.TogetherAi())
HOSTED_SERVICES.add(fireworks.FireworksAi())
HOSTED_SERVICES.add(azure.Azure(azure.DIALECT))
HOSTED_SERVICES.add(OpenAiShaped(openai.DIALECT))
HOSTED_SERVICES.add(OpenAiShaped(custom.DIALECT))
