"""The types that every part of the studio uses: Message, Example, Row, Reject, Finding.

Plain frozen dataclasses with slots: a 100 MB file makes hundreds of thousands of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Role = Literal["system", "user", "assistant", "tool"]
ROLES: Final[tuple[str, ...]] = ("system", "user", "assistant", "tool")
Split = Literal["train", "validation", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")  # never trained or validated on: test
SPLIT_TITLES: Final[Mapping[Split, str]] = {"train": "Training", "validation": "Held out", "test": "Test"}
SPLIT_NAMES: Final[Mapping[Split, str]] = {"train": "training", "validation": "validation", "test": "test"}  # in a text
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `weight` 0 keeps an assistant turn out of the loss; None means the default (1).

    `tool_calls` are OpenAI-shaped dictionaries whose `arguments` are a JSON string.
    """

    role: Role
    content: str
    weight: Literal[0, 1] | None = None
    name: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The chat-format dictionary: `role` and `content`, and the optional keys only where set."""
        out: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.weight is not None:
            out["weight"] = self.weight
        if self.name is not None:
            out["name"] = self.name
        if self.tool_calls:
            out["tool_calls"] = [dict(call) for call in self.tool_calls]
        if self.tool_call_id is not None:
            out["tool_call_id"] = self.tool_call_id
        return out

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Message:
        """Build from a dictionary that was already checked (quality/structure does the checking)."""
        return cls(
            role=raw["role"],
            content=raw.get("content") or "",
            weight=raw.get("weight"),
            name=raw.get("name"),
            tool_calls=tuple(raw.get("tool_calls") or ()),
            tool_call_id=raw.get("tool_call_id"),
        )


Tools = Sequence[Mapping[str, Any]]  # OpenAI-shaped schemas of functions that the assistant may call


@dataclass(frozen=True, slots=True)
class Example:
    """One labeled example: messages, where they came from, and the split they belong to.

    Attributes:
        source: a source id; `source_line` the physical line there (1-based; 0 where there is none).
        tools: the functions that the assistant may call, as OpenAI-shaped schemas.
        rejected: of a preference pair, the messages that answer worse than those after the last input.
    """

    messages: tuple[Message, ...]
    source: str = ""
    source_line: int = 0
    split: Split = "train"
    flags: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    rejected: tuple[Message, ...] = ()

    @property
    def answer(self) -> str:
        """The text of the last assistant message; "" without one."""
        return next((message.content for message in reversed(self.messages) if message.role == "assistant"), "")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem with data; the same record everywhere.

    `line` is physical and 1-based; `raw` the offending text verbatim; `rows` the lines concerned when the finding is
    about a set (duplicates, balance).
    """

    line: int | None
    field: str | None
    code: str
    severity: Severity
    message: str
    remedy: str
    raw: str | None = None
    rows: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The public JSON shape (`raw` and `rows` only where they carry something)."""
        names = ("line", "field", "code", "severity", "message", "remedy")
        out: dict[str, Any] = {name: getattr(self, name) for name in names}
        if self.raw is not None:
            out["raw"] = self.raw
        if self.rows:
            out["rows"] = list(self.rows)
        return out


class SharedLine(int):
    """The number of a physical line that holds several records, as in JSON on one line; `record` tells them apart.

    It is an int everywhere; what is said about its line says the record too (see issues.findings).
    """

    record: int

    def __new__(cls, line: int, record: int = 0) -> SharedLine:
        made = super().__new__(cls, line)
        made.record = record
        return made

    def __add__(self, lines: int) -> SharedLine:
        """A later line of the same record."""
        return SharedLine(int(self) + lines, self.record)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file with the physical line it starts on. CSV cells stay text; JSON values stay what they are."""

    line: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be accepted: its line, its text verbatim, and why."""

    line: int
    raw: str
    findings: tuple[Finding, ...] = field(default=())
