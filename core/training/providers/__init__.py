"""Where training runs: one file per provider, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.registry import Registry
from core.training.providers.base import Capabilities, Estimate, Provider, Workload
from core.training.providers.hosted_provider import HostedProvider
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.local import LocalProvider

DEFAULT_PROVIDER: Final = LocalProvider.id  # where a job runs unless another provider is chosen
PROVIDERS: Final = Registry[Provider]("training provider")
PROVIDERS.add(LocalProvider())
for _service in HOSTED_SERVICES:
    PROVIDERS.add(HostedProvider(_service))
