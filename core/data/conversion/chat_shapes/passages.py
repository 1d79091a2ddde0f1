"""Questions about a passage: the passage is part of the input (Dolly, SQuAD and their like)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.messages import SYSTEM
from core.data.conversion.chat_shapes.pairs import names_of
from core.data.conversion.chat_shapes.reading.turns import text_of
from core.data.conversion.chat_shapes.reading.values import as_list, as_object, first_of, lowered, pair
from core.data.issues import finding

# "input" and "text" beside a question and an answer are passages too, but only these names are sure.
_PASSAGES = ("context", "passage", "paragraph", "contexts", "background", "reference_text", "source_text", "article")


def _asked(passage: Any, question: Any, *, question_first: bool) -> str:
    parts = [text_of(_joined(passage)), cell_text(question)]
    if question_first:  # Source: databricks-dolly-15k is trained with the instruction in front of its context
        parts.reverse()
    return "\n\n".join(part.strip() for part in parts if not is_empty(part))


def _joined(passage: Any) -> Any:
    listed = as_list(passage)
    if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
        return "\n\n".join(listed)
    return passage


# ---- a passage beside an input and an output


def _has_passage(lower: Mapping[str, Any]) -> bool:
    names = names_of(lower)
    return names is not None and any(name in lower and name not in names for name in _PASSAGES)


def _from_passage(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    user, assistant = names_of(lower) or ("instruction", "response")
    system = first_of(lower, SYSTEM)
    lead = [] if system is None else [{"role": "system", "content": text_of(system)}]
    first = user in ("instruction", "prompt")
    return [
        *lead,
        *pair(_asked(first_of(lower, _PASSAGES), lower.get(user), question_first=first), lower.get(assistant)),
    ]


PASSAGE_SHAPE = ChatShape(
    "passage",
    "Question about a passage",
    "Dolly: an instruction with its context; a passage beside question and answer",
    (),
    ("context", "instruction", "response", "system"),
    _from_passage,
    also=_has_passage,
)


# ---- SQuAD


def _answers(value: Any) -> list[str] | None:
    """The texts of SQuAD's answers: {"text": [...]} (Hugging Face) or [{"text": ...}]; None if it is neither."""
    given = as_list(as_object(value))
    if isinstance(given, Mapping) and "text" in given:
        texts = as_list(given["text"])
        return [str(text) for text in texts] if isinstance(texts, list) else [str(texts)]
    if isinstance(given, list) and all(isinstance(item, Mapping) and "text" in item for item in given):
        return [str(item["text"]) for item in given]
    return None


def _is_squad(lower: Mapping[str, Any]) -> bool:
    return _answers(lower["answers"]) is not None


def _from_squad(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    return _answered(lower.get("context"), lower.get("question"), _answers(lower.get("answers")) or [])


def _answered(passage: Any, question: Any, answers: list[str]) -> ShapedRow:
    asked = _asked(passage, question, question_first=False)
    if not answers:  # Source: SQuAD 2.0: questions that the passage does not answer have an empty list
        text = "The question has no answer: `answers` is empty, as in SQuAD 2.0 where the passage has none."
        return ShapedRow((), findings=(finding("question_unanswered", text, field="answers"),), leave_out=True)
    return ShapedRow(pair(asked, answers[0]))


def _is_nested(lower: Mapping[str, Any]) -> bool:
    paragraphs = as_list(lower["paragraphs"])
    return all(
        isinstance(item, Mapping) and "context" in item and isinstance(item.get("qas"), list) for item in paragraphs
    )


def _from_nested(fields: Mapping[str, Any]) -> object:
    found = []
    paragraphs = as_list(lowered(fields).get("paragraphs"))
    for paragraph in paragraphs if isinstance(paragraphs, list) else ():
        questions = paragraph.get("qas") if isinstance(paragraph, Mapping) else None
        for asked in questions if isinstance(questions, list) else ():
            if not isinstance(asked, Mapping):
                continue
            found.append(
                _answered(paragraph.get("context"), asked.get("question"), _answers(asked.get("answers")) or [])
            )
    return tuple(found)


# Source: the files of rajpurkar.github.io/SQuAD-explorer, and rajpurkar/squad on Hugging Face
SQUAD_SHAPE = ChatShape(
    "squad",
    "SQuAD",
    "SQuAD on Hugging Face: the first answer is the output",
    ("question", "answers"),
    ("context",),
    _from_squad,
    also=_is_squad,
)
SQUAD_NESTED_SHAPE = ChatShape(
    "squad_nested",
    "SQuAD, nested",
    "SQuAD's own files: paragraphs with questions",
    ("paragraphs",),
    (),
    _from_nested,
    ("paragraphs",),
    also=_is_nested,
)
