"""The schema of an answer, and the check that an answer follows it, whatever the endpoint promised.

An answer for a row has `answers` (one text per given question) and `more` (questions with answers that the model
writes). Nothing is repaired: any other answer is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.data.formats.parsing import strict_json
from core.errors import DataError

MAX_ANSWER: Final = 20_000  # characters of one text
STUDIO_QUESTION, STUDIO_ANSWER = 160, 400  # characters; the limits for a small model under the studio's own decoder


@dataclass(frozen=True, slots=True)
class WrittenPair:
    """A question and its answer, for one example."""

    question: str
    answer: str
    given: bool = False  # the question comes from a user's pattern, not from the model


class BadAnswer(DataError):
    """The model's answer does not follow the schema; a retry may help."""


def schema_for(fixed: int, free: int, *, bounded: bool = False) -> dict[str, Any]:
    """The JSON schema of one row's answer.

    Args:
        fixed: number of given questions.
        free: number of questions that the model writes.
        bounded: also limit the lengths of texts (not every endpoint supports that).
    """
    answer: dict[str, Any] = {"type": "string"}
    question: dict[str, Any] = {"type": "string"}
    if bounded:
        answer, question = {**answer, "maxLength": STUDIO_ANSWER}, {**question, "maxLength": STUDIO_QUESTION}
    properties: dict[str, Any] = {}
    if fixed:
        properties["answers"] = {"type": "array", "items": answer, "minItems": fixed, "maxItems": fixed}
    if free:
        pair = object_schema({"question": question, "answer": answer})
        properties["more"] = {"type": "array", "items": pair, "minItems": free, "maxItems": free}
    return object_schema(properties)


def parse(text: str, questions: tuple[str, ...], free: int) -> list[WrittenPair]:
    """The pairs of one row's answer; those with a blank question or answer are left out.

    Raises:
        BadAnswer: not JSON, wrong parts, wrong count, or a text that is too long.
    """
    content = load_object(text)
    allowed = {name for name, count in (("answers", len(questions)), ("more", free)) if count}
    if set(content) != allowed:
        raise BadAnswer(f"The answer has the parts {_names(content)} instead of {_names(allowed)}.")
    answers = _list(content["answers"], "answers", len(questions)) if questions else []
    pairs = [WrittenPair(question, _text(answer), True) for question, answer in zip(questions, answers, strict=True)]
    if free:
        pairs += parse_pairs(content["more"], "more", free)
    return [pair for pair in pairs if pair.question and pair.answer]


def parse_pairs(items: Any, name: str, count: int) -> list[WrittenPair]:
    """A list of objects with question and answer; those with a blank one are left out. Raises BadAnswer."""
    pairs = []
    for item in _list(items, name, count):
        if not isinstance(item, dict) or set(item) != {"question", "answer"}:
            raise BadAnswer(f"An entry of “{name}” is not an object with a question and an answer.")
        pairs.append(WrittenPair(_text(item["question"]), _text(item["answer"])))
    return [pair for pair in pairs if pair.question and pair.answer]


def load_object(text: str) -> dict[str, Any]:
    """The JSON object of an answer; a code fence around it is removed.

    Raises:
        BadAnswer: it is not a JSON object.
    """
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        stripped = stripped[stripped.index("\n") + 1 : -3].strip()
    if not stripped:
        raise BadAnswer("The answer is empty.")
    try:
        content = strict_json.loads(stripped)
    except DataError as error:
        raise BadAnswer(f"The answer is not valid JSON: {error.message}") from None
    if not isinstance(content, dict):
        raise BadAnswer("The answer is JSON, but not an object.")
    return content


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Any, name: str, count: int) -> list[Any]:
    if not isinstance(items, list):
        raise BadAnswer(f"“{name}” is not a list.")
    if len(items) != count:
        raise BadAnswer(f"“{name}” has {len(items):,} entries; {count} were requested.")
    return items


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadAnswer("A question or an answer is not text.")
    if len(value) > MAX_ANSWER:
        raise BadAnswer(f"A text is longer than {MAX_ANSWER:,} characters.")
    if any(0xD800 <= ord(character) < 0xE000 or character == "\0" for character in value):
        raise BadAnswer("A text contains characters that cannot be stored (NUL or a lone surrogate).")
    return value.strip()


def _names(parts: Any) -> str:
    return ", ".join(f"“{str(part)[:30]}”" for part in sorted(map(str, parts))[:5]) or "none"
