"""A quality report: plain frozen records that are written to a file and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from core.data.issues.duplicate_map import DuplicateMap, MapEdge, MapPoint
from core.messages import Severity

FORMAT: Final = 2  # of the files; grows with the checks, so that an older report counts as missing


@dataclass(frozen=True, slots=True)
class Action:
    """A fix as the report offers it.

    Attributes:
        one_click: it needs no further choice and creates a new version at once.
        icon: of its operation, a Material name; "" where it has none.
    """

    id: str
    title: str
    text: str
    one_click: bool
    icon: str = ""


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """One issue that was found: how many examples it affects, what was found, and what to do about it."""

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
class QualityReport:
    """How good a version is, and what can be done about it.

    Attributes:
        score: 0 to 100, the sum of the parts, rounded.
        grade: the score in words.
        issues: the worklist, the most serious first; empty where nothing was found.
        max_seq_length: tokens, the length that examples were measured against.
        base_model: whose tokenizer counted them; "" where the lengths are estimates (characters / 4).
        notes: what the checks did not examine, and why.
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
        """The report that `to_dict` described. Raises KeyError or TypeError where it is another one."""
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
