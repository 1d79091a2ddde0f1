"""The schema that an answer must follow, and the check that it does, whatever the endpoint promised.

A row is asked for `answers` (one text per question that is already worded) and `more` (questions with answers that the
model words itself). Nothing is repaired: an answer that is not exactly that is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.data.formats import strict_json
from core.errors import DataError

MAX_ANSWER: Final = 20_000  # characters of one text
STUDIO_QUESTION, STUDIO_ANSWER = 160, 400  # characters: bounds that the studio's own decoder keeps a small model to


@dataclass(frozen=True, slots=True)
class WrittenPair:
    """A question and its answer, as they become an example."""

    question: str
    answer: str
    given: bool = False  # the question comes from a person's pattern, not from the model


class BadAnswer(DataError):
    """The model's answer is not what was asked for; asking again may help."""


def schema_for(fixed: int, free: int, *, bounded: bool = False) -> dict[str, Any]:
    """The JSON schema of one row's answer.

    Args:
        fixed: questions that are worded already.
        free: questions that the model words itself.
        bounded: also bound the lengths of texts (not every endpoint takes that).
    """
    answer: dict[str, Any] = {"type": "string"}
    question: dict[str, Any] = {"type": "string"}
    if bounded:
        answer, question = {**answer, "maxLength": STUDIO_ANSWER}, {**question, "maxLength": STUDIO_QUESTION}
    properties: dict[str, Any] = {}
    if fixed:
        properties["answers"] = {"type": "array", "items": answer, "minItems": fixed, "maxItems": fixed}
    if free:
        pair = _object({"question": question, "answer": answer})
        properties["more"] = {"type": "array", "items": pair, "minItems": free, "maxItems": free}
    return _object(properties)


def parse(text: str, questions: tuple[str, ...], free: int) -> list[WrittenPair]:
    """The pairs of one row's answer; those with a blank question or answer are left out.

    Raises:
        BadAnswer: no JSON, another shape, another count, or a text that is too long.
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
            raise BadAnswer(f"An entry of “{name}” is no object with a question and an answer.")
        pairs.append(WrittenPair(_text(item["question"]), _text(item["answer"])))
    return [pair for pair in pairs if pair.question and pair.answer]


def load_object(text: str) -> dict[str, Any]:
    """The JSON object of an answer; a code fence around it is taken off.

    Raises:
        BadAnswer: says what it is instead.
    """
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        stripped = stripped[stripped.index("\n") + 1 : -3].strip()
    if not stripped:
        raise BadAnswer("The answer is empty.")
    try:
        content = strict_json.loads(stripped)
    except DataError as error:
        raise BadAnswer(f"The answer is no valid JSON: {error.message}") from None
    if not isinstance(content, dict):
        raise BadAnswer("The answer is JSON, but no object.")
    return content


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Any, name: str, count: int) -> list[Any]:
    if not isinstance(items, list):
        raise BadAnswer(f"“{name}” is no list.")
    if len(items) != count:
        raise BadAnswer(f"“{name}” has {len(items):,} entries; {count} were asked for.")
    return items


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadAnswer("A question or an answer is no text.")
    if len(value) > MAX_ANSWER:
        raise BadAnswer(f"A text is longer than {MAX_ANSWER:,} characters.")
    if any(0xD800 <= ord(character) < 0xE000 or character == "\0" for character in value):
        raise BadAnswer("A text holds characters that cannot be kept (NUL or half a surrogate pair).")
    return value.strip()


def _names(parts: Any) -> str:
    return ", ".join(f"“{str(part)[:30]}”" for part in sorted(map(str, parts))[:5]) or "none"
