"""A hosted service as a place where jobs run; a task visits it from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import SettingsError
from core.training.providers.as_tasks import RunsAsTask
from core.training.providers.base import Capabilities, Estimate, Workload
from core.training.providers.hosted import HostedService


@dataclass(frozen=True, slots=True)
class HostedProvider(RunsAsTask):
    """Training at one service, through a connection."""

    service: HostedService

    task_kind = "hosted_training"
    hosted = True

    @property
    def id(self) -> str:
        return self.service.id

    @property
    def title(self) -> str:
        return self.service.title

    @property
    def text(self) -> str:
        return self.service.text

    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]:
        return self.service.key_hosts

    @property
    def capabilities(self) -> Capabilities:
        able = self.service.capabilities
        return Capabilities(methods=able.methods, pause=able.pause, stop_and_keep=False, live_metrics=able.metrics)

    def estimate(self, load: Workload) -> Estimate:
        """Raises SettingsError: memory and time of another machine are not known here."""
        raise SettingsError(f"{self.title} trains on its own machines.", "Choose a connection for the job.")
