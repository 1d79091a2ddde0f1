"""What a quality report says: plain frozen records that go into a file and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from core.messages import Severity

Span = tuple[int, int, int]  # index of the message, start, end (code points)
FORMAT = 1  # of the files; grows with the checks, so that an older report counts as missing


@dataclass(frozen=True, slots=True)
class Hit:
    """One example that something was found about.

    `group` is shared by examples that belong together (the position of the first), -1 where each stands alone.
    `subject` is false for an example that is listed only for comparison (the training twin of a leaked one).
    """

    code: str
    position: int
    detail: str
    group: int = -1
    spans: tuple[Span, ...] = ()
    subject: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done about an issue. `one_click`: it needs no further choice and makes a new version at once."""

    id: str
    title: str
    text: str
    one_click: bool


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """One thing that was found, with how many examples it concerns, why it matters, and what can be done."""

    code: str
    title: str
    severity: Severity
    count: int
    message: str
    remedy: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part of the score: `points` of `of`, and why."""

    id: str
    title: str
    points: float
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class MapPoint:
    """An example in the duplicate map; x and y from -1 to 1."""

    position: int
    x: float
    y: float
    cluster: int
    split: str
    text: str


@dataclass(frozen=True, slots=True)
class MapEdge:
    """Two near duplicates of the map, by position, and how similar they are."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True, slots=True)
class DuplicateMap:
    """The largest clusters of duplicates. `clusters` and `examples` count all of them, drawn or not."""

    points: tuple[MapPoint, ...] = ()
    edges: tuple[MapEdge, ...] = ()
    clusters: int = 0
    examples: int = 0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How good a version is, and what can be done about it.

    Attributes:
        score: 0 to 100, the sum of the parts, rounded.
        grade: the score in words.
        issues: the worklist, the gravest and most frequent first; empty where nothing was found.
        max_seq_length: the length that the check of long examples used, in tokens.
        base_model: whose tokenizer counted them; "" where the lengths are estimates (characters / 4).
        notes: what the checks did not look at, and why.
    """

    version_id: str
    examples: int
    score: int
    grade: str
    parts: tuple[ScorePart, ...]
    issues: tuple[IssueGroup, ...]
    max_seq_length: int
    base_model: str = ""
    notes: tuple[str, ...] = ()
    duplicate_map: DuplicateMap = field(default_factory=DuplicateMap)
    computed_at: float = 0.0
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> QualityReport:
        """The report that `to_dict` described. Raises KeyError or TypeError where it was another."""
        values = dict(raw)
        values["parts"] = tuple(ScorePart(**part) for part in raw["parts"])
        values["issues"] = tuple(
            IssueGroup(**{**issue, "actions": tuple(Action(**action) for action in issue["actions"])})
            for issue in raw["issues"]
        )
        values["notes"] = tuple(raw["notes"])
        drawn = raw["duplicate_map"]
        values["duplicate_map"] = DuplicateMap(
            tuple(MapPoint(**point) for point in drawn["points"]),
            tuple(MapEdge(**edge) for edge in drawn["edges"]),
            drawn["clusters"],
            drawn["examples"],
        )
        return cls(**values)

    def issue(self, code: str) -> IssueGroup | None:
        """The issue of this code, if it was found."""
        return next((issue for issue in self.issues if issue.code == code), None)


Keep = Literal["first", "longest"]
