"""What a provider is: where training runs. Screens hide what a provider's capabilities lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do with a job."""

    methods: tuple[str, ...]
    pause: bool
    stop_and_keep: bool
    live_metrics: bool
    download: bool
    base_models_here: bool  # trains the models of this studio's catalog (a hosted one has its own list)


class Provider(Protocol):
    """One entry of the registry. The work itself is a background task of `task_kind` on `queue`."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def task_kind(self) -> str: ...
    @property
    def queue(self) -> str: ...

    def cost(self, tokens: int) -> float:
        """Price in US dollars of training on so many tokens, all epochs together."""
