"""The requests that the server accepts, in OpenAI's shapes, converted to the studio's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.errors import DataError
from core.messages import ROLES, Message
from core.serving.targets.base import DEFAULT_MAX_TOKENS, ChatOptions

MAX_MESSAGES = 2_000
MAX_TOOL_CALLS = 128  # of one turn
MAX_TOOLS = 128
MAX_NAME = 256  # characters of a tool's name or of an id
MAX_ANSWER_TOKENS = 10_000_000
MAX_ANSWERS = 8  # to one question
TEXT_TOKENS = 16  # of a text completion where no number is given
MAX_LIKELIEST = 20  # tokens named beside each one
MAX_STOPS, MAX_STOP = 16, 256  # each is searched for at every token
ROLES_WITH_CONTENT = ("system", "developer", "user", "tool")  # a turn of the assistant may be its tool calls alone
_ROLE_NAMES = {"developer": "system"}  # OpenAI's newer name for the same role


class ToolFunction(BaseModel):
    """What a tool call runs: a name, and the arguments as JSON text ("" for none)."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1, max_length=MAX_NAME)
    arguments: str = ""

    @field_validator("arguments")
    @classmethod
    def _json(cls, value: str) -> str:
        """Templates get the parsed arguments, so that text which no parser should see ends here."""
        from core.data.formats.parsing import strict_json

        try:
            if value.strip() and not isinstance(strict_json.loads(value), dict):
                raise ValueError("it must be a JSON object, written as text")
        except DataError as error:
            raise ValueError(f"it must be a JSON object, written as text; {error.message}") from error
        return value


class ToolCall(BaseModel):
    """One call of a tool in an assistant's turn."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = Field(default=None, max_length=MAX_NAME)
    type: Literal["function"] = "function"
    function: ToolFunction


class ChatMessage(BaseModel):
    """One turn; `content` is text, or a list of text parts."""

    role: str
    content: str = ""
    name: str | None = Field(default=None, max_length=MAX_NAME)
    tool_calls: list[ToolCall] | None = Field(default=None, max_length=MAX_TOOL_CALLS)
    tool_call_id: str | None = Field(default=None, max_length=MAX_NAME)

    @model_validator(mode="before")
    @classmethod
    def _has_content(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("content") is None and value.get("role") in ROLES_WITH_CONTENT:
            raise ValueError("it has no content")
        return value

    @field_validator("content", mode="before")
    @classmethod
    def _text(cls, value: Any) -> str:
        """The text of the parts; null, in a turn of tool calls, is empty text."""
        if value is None or isinstance(value, str):
            return value or ""
        if not isinstance(value, list):
            raise ValueError("it must be text, or a list of parts")
        for number, part in enumerate(value, 1):
            if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise ValueError(f"part {number} must be {{'type': 'text', 'text': ...}}; only text can be sent")
        return "".join(part["text"] for part in value)

    def to_message(self, number: int) -> Message:
        """Raises DataError for a role that does not exist."""
        role = _ROLE_NAMES.get(self.role, self.role)
        if role not in ROLES:
            raise DataError(
                f"Message {number}: the role {self.role[:60]!r} does not exist.",
                f"Use one of: {', '.join(ROLES)}.",
                code="role_unknown",
                field=f"messages.{number - 1}.role",
            )
        return Message(
            role=role,  # type: ignore[arg-type]
            content=self.content,
            name=self.name,
            tool_calls=tuple(call.model_dump(exclude_none=True) for call in self.tool_calls or ()),
            tool_call_id=self.tool_call_id,
        )


class FunctionSchema(BaseModel):
    """A function that the assistant may call."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=MAX_NAME)
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(BaseModel):
    type: Literal["function"] = "function"
    function: FunctionSchema


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


class SamplingRequest(BaseModel):
    """What every request for answers has.

    Fields that change no answer (`user`, `store`) are ignored, as clients expect. Those that would change it and are
    not offered are refused, so that nothing is left out in silence.
    """

    model: str = Field(min_length=1, max_length=500)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_ANSWER_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    seed: int | None = None
    stop: list[Annotated[str, Field(max_length=MAX_STOP)]] | None = Field(default=None, max_length=MAX_STOPS)
    n: int | None = Field(default=None, ge=1, le=MAX_ANSWERS)
    presence_penalty: float | None = Field(default=None, ge=0, le=0)  # not offered, as the next two
    frequency_penalty: float | None = Field(default=None, ge=0, le=0)
    logit_bias: dict[str, float] | None = Field(default=None, max_length=0)
    engine: Literal["studio", "llama_cpp"] | None = None  # ours: instead of the one that was chosen for the model
    stream: bool = False
    stream_options: StreamOptions | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @property
    def answers(self) -> int:
        """How many to each question."""
        return self.n or 1

    @property
    def streams_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def answer_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the answer has to follow; None for any text. Raises DataError."""
        return None

    def options(self, answer: int = 0) -> ChatOptions:
        """How to sample an answer; temperature is 0 where it is not given: the studio compares models.

        Args:
            answer: of several to the same question: each draws with another seed.
        """
        return ChatOptions(
            max_tokens=self.max_tokens or DEFAULT_MAX_TOKENS,
            temperature=self.temperature or 0.0,
            top_p=self.top_p or 1.0,
            seed=None if self.seed is None else self.seed + answer,
            stop=tuple(word for word in self.stop or () if word),
        )


class ChatRequest(SamplingRequest):
    """The body of /v1/chat/completions."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MAX_ANSWER_TOKENS)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_LIKELIEST)
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: Literal["none", "auto"] | None = None

    def conversation(self) -> list[Message]:
        """The messages. Raises DataError."""
        return [message.to_message(number) for number, message in enumerate(self.messages, 1)]

    def offered(self) -> list[dict[str, Any]]:
        """The schemas of the functions that the assistant may call."""
        tools = [] if self.tool_choice == "none" else self.tools or []
        return [tool.model_dump(exclude_none=True) for tool in tools]

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

    def options(self, answer: int = 0) -> ChatOptions:
        """As of every request, with what only a conversation has."""
        sampled = super().options(answer)
        return replace(
            sampled,
            max_tokens=self.max_completion_tokens or sampled.max_tokens,
            special=bool(self.offered()),
            logprobs=(self.top_logprobs or 0) if self.logprobs else None,
        )


class TextRequest(SamplingRequest):
    """The body of /v1/completions: one or several prompts, each as text or as token ids."""

    prompt: str | list[str] | list[int] | list[list[int]]
    logprobs: int | None = Field(default=None, ge=0, le=MAX_LIKELIEST)
    echo: Literal[False] | None = None  # not offered: the prompt has no log-probabilities here
    suffix: Literal[""] | None = None  # not offered: these models write on, they do not fill gaps
    best_of: Literal[1] | None = None

    def prompts(self) -> list[str | list[int]]:
        """The prompts. Raises DataError for none, or too many."""
        given = self.prompt
        several: list[Any] = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else list(given)
        if not 1 <= len(several) <= MAX_ANSWERS:
            text = f"prompt: 1 to {MAX_ANSWERS} prompts can be sent at once; got {len(several)}."
            raise DataError(text, "Send fewer at once.", code="prompt", field="prompt")
        return several

    def options(self, answer: int = 0) -> ChatOptions:
        """As of every request; as with OpenAI, the answer has at most 16 tokens where nothing is said."""
        return replace(super().options(answer), max_tokens=self.max_tokens or TEXT_TOKENS, logprobs=self.logprobs)
