"""The local provider: this studio's own worker trains, on the GPU where there is one, else on the CPU."""

from __future__ import annotations

from collections.abc import Mapping

from core.models.methods import METHODS
from core.training.providers.as_tasks import RunsAsTask
from core.training.providers.base import Capabilities, Estimate, Workload


class LocalProvider(RunsAsTask):
    """Training on this machine."""

    id = "local"
    title = "Local"
    text = "Trains on this studio's own GPU or CPU. Nothing leaves this machine."
    key_hosts: Mapping[str, tuple[str, ...]] = {}
    task_kind = "training"
    hosted = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(methods=METHODS.ids(), pause=True, stop_and_keep=True, live_metrics=True)

    def estimate(self, load: Workload) -> Estimate:
        from core.training.forecast import device
        from core.training.providers.local_estimate import estimate

        return estimate(load, device.detect())
