"""What a target is to serve, how it gets there, and the protocol of targets that models are published to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from core.models.base_models.records import BaseModelRef
from core.models.llm import Endpoint
from core.models.methods import Method
from core.serving.targets.base import AnswerChunk, ChatOptions, Target

Progress = Callable[[float, str], None]  # of 0..1 with a description; it may raise to stop


@dataclass(frozen=True, slots=True)
class Publication:
    """A model to be published.

    Args:
        name: on the target: lower-case letters, digits and hyphens.
        template: its chat template (Jinja).
        specials: its special tokens by their names in a template, such as `bos_token`.
        stops: the texts that end an answer.
        system: the system message that it saw most often in its training; "" for none.
        endpoint: the server; None for what runs in the studio.
    """

    model_id: str
    name: str
    base: BaseModelRef
    method: Method
    template: str = ""
    specials: Mapping[str, str] = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    system: str = ""
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How a model gets to a target: the formats that have to be written, and a sentence about the route.

    `base_gguf` is the precision of a GGUF file of the base that is needed too, "" for none.
    """

    formats: tuple[str, ...]
    route: str
    base_gguf: str = ""


@runtime_checkable
class PublishingTarget(Target, Protocol):
    """A target that serves a model only after it was published there.

    `connection` is the kind of a connection (`core.models.llm.CLIENTS`) that leads there; "" for what runs here.
    """

    @property
    def connection(self) -> str: ...

    def plan(self, publication: Publication) -> Route:
        """How the model would get there now. Raises StudioError: the server does not respond, or takes none of what
        the model can become; says which."""

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        """Publish the model; returns what `retire` and `ask` need to know.

        Args:
            files: the directory of each format of the plan; the base's GGUF file as `base`.
        """

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        """Remove the model from the target; nothing happens if it is not there."""

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        """Stream the published model's answer, with the target's own chat template."""
