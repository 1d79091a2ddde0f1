"""What an example loses with a field that does not reach it: by the field's name, if its values are of that kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.data.conversion.chat_shapes.rated import rating, verdict
from core.data.conversion.chat_shapes.reading.values import as_list, as_object, plain_name
from core.data.quality.structure import split_of


def _always(values: Sequence[Any]) -> bool:
    return True


def _verdicts(values: Sequence[Any]) -> bool:
    found = [verdict(value) for value in values]
    return None not in found and False in found


def _numbers(values: Sequence[Any]) -> bool:
    return len({rating(value) for value in values} - {None}) > 1


def _zeros(values: Sequence[Any]) -> bool:
    return any(str(value) in ("0", "0.0", "False") for value in values)


def _several(values: Sequence[Any]) -> bool:
    return len({str(value).strip().lower() for value in values}) > 1


def _lists(values: Sequence[Any]) -> bool:
    """Lists or objects of several items, also as the text of a cell."""
    opened = [as_list(as_object(value)) for value in values]
    return bool(opened) and all(isinstance(value, list | Mapping) and len(value) > 1 for value in opened)


def _long_texts(values: Sequence[Any]) -> bool:
    return _texts(values) and any(len(str(value)) >= _INSTRUCTION for value in values)


def _texts(values: Sequence[Any]) -> bool:
    return not any(rating(value) is not None for value in values)


_INSTRUCTION: Final = 20  # characters; shorter texts are names
MEDIA_MEANING: Final = "media that the text may speak of"
_Test = Callable[[Sequence[Any]], bool]
# What is lost with a field of these names, if its values are of that kind.
_MEANINGS: Final[tuple[tuple[str, str, _Test], ...]] = (
    ("the worse answer of a pair", "rejected rejected_response non_preferred_output dispreferred worse", _texts),
    ("a verdict on the answer", "label kto_tag is_good is_correct thumbs_up thumbs accepted feedback vote", _verdicts),
    ("a rating of the answer", "rating score stars quality reward overall_score helpfulness grade", _numbers),
    ("the functions that the assistant may call", "tools functions tool_config available_tools", _always),
    ("calls of functions", "tool_calls function_call", _always),
    ("instructions for the assistant", "system system_prompt system_message system_instruction preamble", _texts),
    ("instructions for the assistant", "instruction instructions definition task_definition", _long_texts),
    ("the choices that the question offers", "choices options answer_choices", _lists),
    ("the language of a text", "source_lang target_lang src_lang tgt_lang source_language target_language", _several),
    ("a passage that the answer is based on", "context contexts passage paragraph documents document", _texts),
    ("earlier turns", "history chat_history", _texts),
    ("which part trains and which part tests", "split", lambda values: all(map(split_of, values))),
    ("what is learned and what is not", "weight weights mask masked train loss", _zeros),
    (MEDIA_MEANING, "image images image_url audio input_audio video videos files", _always),
    ("reasoning in front of the answer", "reasoning reasoning_content thinking chain_of_thought cot rationale", _texts),
)


def meaning_of(name: str, values: Sequence[Any]) -> str:
    """What is lost with a field of this name and these values, if that changes what an example means; else ""."""
    plain = plain_name(name)
    return next((what for what, names, test in _MEANINGS if plain in names.split() and test(values)), "")
