"""What an issue is: one record for everything that can be wrong with data, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, Protocol, Self

from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, CheckSettings
from core.messages import Message, Severity
from core.registry import Registry
from core.text import plural

Scope = Literal["file", "row", "example", "set"]


class AffectedRow(NamedTuple):
    """An example that an issue affects; see `issues.check.Hit`."""

    position: int
    group: int
    subject: bool


class Affected(Protocol):
    """The examples of a version that an issue affects, as a fix sees them."""

    @property
    def rows(self) -> Sequence[AffectedRow]:
        """Those to be fixed, and all others of their groups."""

    @property
    def positions(self) -> Sequence[int]:
        """Those to be fixed, in ascending order: the chosen ones, or all that are not listed for comparison only."""

    def places(self, code: str) -> Sequence[AffectedRow]:
        """All examples that an issue affects."""

    def messages(self, positions: Sequence[int]) -> Iterator[tuple[int, tuple[Message, ...]]]:
        """The messages at some positions, by position."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Something that can be done about an issue.

    Attributes:
        title: `{n}` is the number of examples that it changes, `{examples}` and `{copies}` the same with the noun.
        operation: the id of an editing operation; "" where a person edits the examples one by one.
        parameters: of the operation, for the affected examples; None or an empty mapping where there is nothing to do.
        changes: how many examples it changes.
        drops_all: it drops every example that it changes.
    """

    id: str
    title: str
    text: str
    operation: str = ""
    parameters: Callable[[Affected], Mapping[str, Any] | None] = lambda affected: None
    changes: Callable[[Affected], int] = lambda affected: len(affected.positions)
    drops_all: bool = False

    @classmethod
    def at(
        cls, find: Callable[[Affected], Sequence[int]], id: str, title: str, text: str, operation: str, **more: Any
    ) -> Self:
        """A fix of the examples that `find` names; `more` are further parameters of the operation."""

        def parameters(affected: Affected) -> Mapping[str, Any]:
            return {"positions": found, **more} if (found := find(affected)) else {}

        return cls(id, title, text, operation, parameters, lambda affected: len(find(affected)))

    @property
    def one_click(self) -> bool:
        """Whether it needs no further choice and makes a new version at once."""
        return bool(self.operation)

    def title_for(self, count: int) -> str:
        """The title with the number of examples that it changes."""
        return self.title.format(
            n=f"{count:,}", examples=plural(count, "example"), copies=plural(count, "copy", "copies")
        )


@dataclass(frozen=True, slots=True)
class ScoreShare:
    """Which part of the quality score an issue costs points in, and how much an example weighs there (0 to 1)."""

    part: str
    weight: float


class Verdict(NamedTuple):
    """What a rule found in a set.

    Attributes:
        examples: how many the sentence names.
        groups: the positions of examples that belong together.
    """

    examples: int
    groups: Sequence[Sequence[int]] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that can be wrong with data. Its code is stable: scripts test for it.

    Attributes:
        subject: the heading under which it is documented.
        scope: what it is about.
        sentence: what was found. May contain the count: `{examples}` ("3 examples"), `{labeled_examples}`,
            `{redundant}`, `{in_groups}` (" in 2 groups"), and words that follow the count: `{are}`, `{have}`, `{s}`.
        remedy: what to do; "" where there is nothing to add.
        fixes: what the quality report offers.
        share: what it costs in the quality score; None: nothing.
        check: finds it in the examples of a version, for the quality report; one check may find several issues.
        rule: finds it in a set as a whole, for validation and for the quality report.
        unreadable: where no row at all could be read, the file counts as unreadable (exit code 2) rather than as
            read with errors (exit code 1).
    """

    code: str
    title: str
    severity: Severity
    sentence: str
    remedy: str = ""
    fixes: tuple[Fix, ...] = ()
    share: ScoreShare | None = None
    check: Callable[[CheckSettings], BaseCheck] | None = None
    rule: Callable[[ExampleSet], Verdict | None] | None = None
    unreadable: bool = False
    subject: str = "Other"
    scope: Scope = "example"

    def say(self, count: int, groups: int = 0) -> str:
        """The sentence with its counts."""
        one = count == 1
        return self.sentence.format(
            examples=plural(count, "example"),
            labeled_examples=plural(count, "labeled example"),
            redundant=plural(count, "redundant example"),
            in_groups=f" in {plural(groups, 'group')}" if groups else "",
            are="is" if one else "are",
            have="has" if one else "have",
            s="s" if one else "",
        )

    @property
    def meaning(self) -> str:
        """The sentence without counts."""
        return self.sentence.format(
            examples="Examples", labeled_examples="Labeled examples", redundant="Redundant examples", in_groups="",
            are="are", have="have", s="",
        )  # fmt: skip

    def fix(self, fix_id: str) -> Fix | None:
        """The fix with this id."""
        return next((fix for fix in self.fixes if fix.id == fix_id), None)


ISSUES: Final = Registry[Issue]("issue", key=lambda issue: issue.code)


def checks() -> list[Callable[[CheckSettings], BaseCheck]]:
    """Every check of the quality report once, in the order of the catalog."""
    return list(dict.fromkeys(issue.check for issue in ISSUES if issue.check is not None))


def codes(*scopes: Scope) -> frozenset[str]:
    """The codes of the issues about these."""
    return frozenset(issue.code for issue in ISSUES if issue.scope in scopes)


# ---- the fixes that several issues offer


def positions(affected: Affected) -> Mapping[str, Any]:
    """Parameters of an operation that takes nothing but the examples; empty where there are none."""
    return {"positions": affected.positions} if affected.positions else {}


DROP: Final = Fix(
    "drop", "Drop {examples}", "Makes a new version without them.", "drop_rows", positions, drops_all=True
)
DROP_ALL: Final = replace(DROP, title="Drop all {n}", text="Makes a new version without any of them.")
EDIT: Final = Fix("edit", "Edit them one by one", "Opens these examples in the grid.")
