"""The requests that the server accepts, in OpenAI's shapes, converted to the studio's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import DataError
from core.messages import ROLES, Message
from core.serving.targets.base import DEFAULT_MAX_TOKENS, ChatOptions

MAX_MESSAGES = 2_000
_ROLE_NAMES = {"developer": "system"}  # OpenAI's newer name for the same role


class ChatMessage(BaseModel):
    """One turn; `content` is text, or a list of text parts."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    def to_message(self, number: int) -> Message:
        """Raises DataError for a role that does not exist or content that is not text."""
        role = _ROLE_NAMES.get(self.role, self.role)
        if role not in ROLES:
            raise DataError(
                f"Message {number}: the role {self.role!r} does not exist.",
                f"Use one of: {', '.join(ROLES)}.",
                code="role_unknown",
                field="messages",
            )
        parts = self.content if isinstance(self.content, list) else [{"type": "text", "text": self.content or ""}]
        if any(part.get("type") != "text" for part in parts):
            raise DataError(
                f"Message {number} contains something other than text.",
                "Send text only.",
                code="content",
                field="messages",
            )
        return Message(
            role=role,  # type: ignore[arg-type]
            content="".join(str(part.get("text") or "") for part in parts),
            name=self.name,
            tool_calls=tuple(self.tool_calls or ()),
            tool_call_id=self.tool_call_id,
        )


class StreamOptions(BaseModel):
    include_usage: bool = False


class JsonSchema(BaseModel):
    """The schema of a structured answer; it is always followed strictly here."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = ""
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """What an answer looks like: any text, any JSON object, or an object of a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class ChatRequest(BaseModel):
    """The body of /v1/chat/completions. Fields that this server has no use for are ignored, as clients expect."""

    model: str = Field(min_length=1, max_length=500)
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: Literal[1] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None

    def conversation(self) -> list[Message]:
        """The messages. Raises DataError."""
        return [message.to_message(number) for number, message in enumerate(self.messages, 1)]

    def answer_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the answer has to follow; None for any text. Raises DataError."""
        wanted = self.response_format
        if wanted is None or wanted.type == "text":
            return None
        if wanted.type == "json_object":
            return {"type": "object"}
        if wanted.json_schema is None:
            raise DataError(
                "response_format is json_schema, but there is no schema.",
                "Give it in response_format.json_schema.schema.",
                code="schema",
                field="response_format",
            )
        return wanted.json_schema.schema_

    def options(self) -> ChatOptions:
        """How to sample; temperature is 0 where it is not given: the studio compares models, it does not muse."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return ChatOptions(
            max_tokens=self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS,
            temperature=self.temperature or 0.0,
            top_p=self.top_p or 1.0,
            seed=self.seed,
            stop=tuple(word for word in stop if word),
        )
