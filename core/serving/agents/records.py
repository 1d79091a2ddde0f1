"""Frozen records of agents, and the typed settings by which they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from core.models.methods.base import setting
from core.serving.targets.base import DEFAULT_MAX_TOKENS, ChatOptions

PREFIX: Final = "agent:"  # of the model name by which programs ask for an agent
LONGEST_SYSTEM: Final = 100_000  # characters, as in a conversation
MOST_STARTERS, LONGEST_STARTER = 8, 300
_SIDES: Final = 10_000  # a share is exact to 0.01 %


def is_of(named: str, model_id: str) -> bool:
    """Whether a model that an agent names is this one, was merged from it, or is behind this connection (`via:ID`)."""
    return named == model_id or named.startswith(f"{model_id}:")


class AgentSettings(BaseModel):
    """How an agent's answers are sampled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = setting(
        default=DEFAULT_MAX_TOKENS,
        ge=1,
        le=8_192,
        title="Maximum answer length",
        description="An answer ends here, complete or not.",
        unit="tokens",
        usual="128-1,024",
        up="Longer answers are possible; a model that does not stop takes longer.",
        source="the studio's own: the longest outputs of most datasets are shorter.",
        extra={"widget": "number"},
    )
    temperature: float = setting(
        default=0.0,
        ge=0.0,
        le=2.0,
        title="Temperature",
        description="0 always picks the most likely token.",
        usual="0-0.7",
        up="More varied and less precise.",
        source="the studio's own: tuned models are asked for what they learned.",
    )
    top_p: float = setting(
        default=1.0,
        gt=0.0,
        le=1.0,
        title="Top p",
        description="Picks among the most likely tokens that together have this probability. No effect at "
        "temperature 0.",
        usual="0.9-1.0",
        up="Rarer words are possible.",
        source="OpenAI's API.",
    )
    seed: int | None = setting(
        default=None,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="The same seed gives the same answer to the same input. No effect at temperature 0.",
        usual="none",
        up="Another answer, not a better one.",
        source="OpenAI's API.",
    )
    stop: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = setting(
        default=(),
        max_length=4,
        title="Stop texts",
        description="An answer ends where one of these texts begins; one on each line.",
        usual="none",
        up="",
        source="OpenAI's API.",
        extra={"widget": "lines"},
    )

    @property
    def options(self) -> ChatOptions:
        """As a target takes them."""
        return ChatOptions(
            max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, seed=self.seed, stop=self.stop
        )


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """A second model that gets a share of the conversations, above 0 and below 1.

    A conversation keeps its side: it is chosen by a hash of the conversation's id, and a larger share takes
    conversations from the first model without moving any the other way.
    """

    model_id: str
    share: float

    def takes(self, agent_id: str, thread: str) -> bool:
        """Whether a conversation belongs to the second model."""
        digest = hashlib.sha256(f"{agent_id}\n{thread}".encode("utf-8", "backslashreplace")).digest()
        return int.from_bytes(digest[:8], "big") % _SIDES < round(self.share * _SIDES)


@dataclass(frozen=True, slots=True)
class AgentVersionRecord:
    """How an agent answers. `fallback_model_id` answers where a model cannot; "" for none.

    Attributes:
        starters: inputs that a chat with the agent offers.
        note: what changed, and why. author: who changed it; "" for someone on this machine.
    """

    agent_id: str
    number: int
    system: str
    model_id: str
    settings: AgentSettings
    fallback_model_id: str
    starters: tuple[str, ...]
    split: TrafficSplit | None
    note: str
    author: str
    created_at: float

    def model_of(self, thread: str) -> str:
        """The model that a conversation belongs to."""
        if self.split is not None and self.split.takes(self.agent_id, thread):
            return self.split.model_id
        return self.model_id

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Every model that it names: the first, the second of a split, the fallback."""
        second = (self.split.model_id,) if self.split else ()
        fallback = (self.fallback_model_id,) if self.fallback_model_id else ()
        return (self.model_id, *second, *fallback)

    def uses(self, model_id: str) -> bool:
        """Whether it names this model, as `is_of` means it."""
        return any(is_of(named, model_id) for named in self.model_ids)

    def content(self) -> dict[str, Any]:
        """What a further version takes over, as the row stores it."""
        return {
            "system": self.system,
            "model_id": self.model_id,
            "settings": self.settings.model_dump(mode="json"),
            "fallback_model_id": self.fallback_model_id,
            "starters": list(self.starters),
            "split": {"model_id": self.split.model_id, "share": self.split.share} if self.split else {},
        }


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """An agent with its current version. Programs ask for it as `agent:<handle>`."""

    id: str
    name: str
    handle: str
    description: str
    archived_at: float | None
    created_at: float
    updated_at: float
    version: AgentVersionRecord

    @property
    def model_name(self) -> str:
        """The name by which programs ask for it."""
        return f"{PREFIX}{self.handle}"

    @property
    def names(self) -> Iterator[str]:
        """What it can be asked for by."""
        yield from (self.id, self.handle, self.model_name, self.name)
