"""What is read of an answer while it is handed on: the agent is named in it, and its text is kept to be recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.services.serving.recorded.recording import RecordedAnswer

_DATA: Final = b"data: "


@dataclass(slots=True)
class Observed:
    """The answer of one attempt.

    Args:
        labels: of the agent, added to each object of the answer as `agent`; {} for a model.
        record: called once with the complete answer; None: it is not recorded.
        hides_usage: the counts at the end of a stream were requested here, not by the client.
    """

    labels: Mapping[str, Any] = field(default_factory=dict)
    record: Callable[[RecordedAnswer], object] | None = None
    hides_usage: bool = False
    began: float = field(default_factory=time.perf_counter)
    _rest: bytes = b""
    _text: list[str] = field(default_factory=list)
    _first_s: float | None = None
    _finish: str = ""
    _hidden: bool = False
    _usage: Mapping[str, Any] = field(default_factory=dict)

    def whole(self, content: bytes) -> bytes:
        """An answer in one piece, with the agent in it."""
        return self._object(content)

    def piece(self, data: bytes) -> bytes:
        """A piece of a stream: its complete lines, each with the agent in it."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._line(line) + b"\n" for line in lines)

    def rest(self) -> bytes:
        """What is left of a stream that ended in the middle of a line."""
        left, self._rest = self._rest, b""
        return left

    @property
    def answer(self) -> RecordedAnswer:
        """What has been read."""
        return RecordedAnswer(
            text="".join(self._text),
            finish_reason=self._finish,
            prompt_tokens=int(self._usage.get("prompt_tokens") or 0),
            completion_tokens=int(self._usage.get("completion_tokens") or 0),
            first_token_s=self._first_s,
            seconds=time.perf_counter() - self.began,
        )

    def _line(self, line: bytes) -> bytes:
        if not line.startswith(_DATA) or line.strip() == b"data: [DONE]":
            return line
        content = self._object(line.removeprefix(_DATA))
        return b"" if self._hidden else _DATA + content

    def _object(self, content: bytes) -> bytes:
        try:
            found = json.loads(content)
        except ValueError:
            return content
        if not isinstance(found, dict) or "error" in found:
            return content
        self._read(found)
        return json.dumps({**found, "agent": dict(self.labels)}).encode() if self.labels else content

    def _read(self, found: Mapping[str, Any]) -> None:
        self._usage = found.get("usage") or self._usage
        self._hidden = self.hides_usage and not found.get("choices")
        for choice in (found.get("choices") or ())[:1]:
            text = (choice.get("delta") or choice.get("message") or {}).get("content")
            if isinstance(text, str) and text:
                self._first_s = self._first_s or time.perf_counter() - self.began
                self._text.append(text)
            self._finish = choice.get("finish_reason") or self._finish
