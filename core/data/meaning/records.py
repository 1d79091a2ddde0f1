"""What was found by meaning in a dataset version: plain records that are written to a file and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

FORMAT: Final = 1  # of the file; a report of another format counts as missing


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two examples whose inputs mean nearly the same, by their positions, and whether their outputs are the same."""

    first: int
    second: int
    similarity: float
    same_output: bool


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic of the inputs, as `core.data.meaning.topics` found it; `positions` are those of its typical examples."""

    name: str
    count: int
    x: float
    y: float
    thin: bool
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MeaningReport:
    """Examples that are alike by meaning, topics, and held-out inputs that training knows in other words.

    Attributes:
        compared: examples that were compared, of `examples`; more than MOST are drawn evenly.
        alike, alike_total: the most similar pairs, and how many there are.
        known, known_total: held-out examples (`first`) with the most similar training example (`second`).
    """

    format: int
    version_id: str
    examples: int
    compared: int
    alike: tuple[AlikePair, ...]
    alike_total: int
    known: tuple[AlikePair, ...]
    known_total: int
    topics: tuple[TopicFound, ...]
    computed_at: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> MeaningReport:
        """Raises ValueError for anything else."""
        return _adapter().validate_python(stored)


@cache
def _adapter() -> TypeAdapter[MeaningReport]:
    return TypeAdapter(MeaningReport)
