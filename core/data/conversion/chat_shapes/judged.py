"""Judged answers: several answers to one prompt and what says which is better, as arenas and annotators store them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapeChoice, ShapedRow
from core.data.conversion.chat_shapes.messages import SYSTEM, TOOLS
from core.data.conversion.chat_shapes.preference import conversation_of, from_preference
from core.data.conversion.chat_shapes.rated import rating
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE
from core.data.conversion.chat_shapes.reading.values import as_list, as_object, first_of, lowered, plain_name
from core.data.issues import finding

LEAVE_OUT, FIRST = "leave_out", "first"
_ANSWERS: Final = (
    "conversation", "response", "answer", "completion", "output", "reply", "generation", "candidate", "summary",
    "human_ref", "model_response", "model_output",
)  # fmt: skip
# How the two are told apart, and what would follow: then there are more than two, as in a quiz.
_ENDS: Final = (("a", "b", "c"), ("0", "1", "2"), ("1", "2", "3"), ("left", "right", "middle"))
_VERDICTS: Final = (
    "winner", "preference", "preferred", "better", "best", "choice", "chosen", "vote", "verdict", "label", "labels",
    "better_response_id", "better_response", "better_answer", "preferred_response", "preferred_answer",
    "human_preference", "overall_preference", "judgment", "judgement", "selected",
)  # fmt: skip
_SCORES: Final = ("score", "rating", "reward", "votes", "likes", "grade")
_TIES: Final = frozenset({"tie", "draw", "equal", "same", "both", "both_good", "bothgood", "tie_(bothgood)"})
_BOTH_BAD: Final = frozenset({"both_bad", "bothbad", "neither", "none", "tie_(bothbad)", "tie_(both_bad)"})
_PROMPTS: Final = (
    "messages", "prompt", "instruction", "question", "query", "user_input", "input", "context", "history", "post",
    "info", "article", "document",
)  # fmt: skip
_LISTS: Final = ("completions", "generations", "responses", "answers", "candidates", "outputs", "summaries")
_LIST_SCORES: Final = ("ratings", "scores", "rewards", "overall_scores", "votes")
_ITEM_SCORES: Final = ("overall_score", "score", "rating", "reward", "votes", "grade")
_ITEM_TEXTS: Final = ("response", "text", "content", "answer", "completion", "output", "generation", "messages")
_PROMPT_TEXTS: Final = ("full_text", "text", "post", "content", "question", "prompt")
_TIE, _BAD = "tie", "bad"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a row says about its answers.

    Attributes:
        better, worse: the answers; of a tie in the order of the row.
        outcome: "" where one won, `_TIE`, `_BAD`.
        verdict: as the row writes it.
    """

    better: Any
    worse: Any
    outcome: str
    verdict: str


def _two(lower: Mapping[str, Any]) -> _Judged | None:
    """Two answers under two names, such as response_a and response_b, and a verdict that can be read."""
    for base in _ANSWERS:
        for first, second, third in _ENDS:
            for join in ("_", ""):
                names = f"{base}{join}{first}", f"{base}{join}{second}"
                if any(is_empty(lower.get(name)) for name in names) or f"{base}{join}{third}" in lower:
                    continue
                answers = lower[names[0]], lower[names[1]]
                if (won := _winner(lower, base, (first, second))) is None:
                    return None
                place, verdict = won
                better, worse = answers[::-1] if place == 1 else answers
                return _Judged(better, worse, place if isinstance(place, str) else "", verdict)
    return None


def _winner(lower: Mapping[str, Any], base: str, ends: tuple[str, str]) -> tuple[int | str, str] | None:
    """Which of two answers is better (0, 1, `_TIE`, `_BAD`) and the verdict's text; None: nothing says it."""
    for name in _VERDICTS:
        value = lower.get(name)
        if is_empty(value) or isinstance(value, list | Mapping):
            continue
        number = rating(value)
        if name == "overall_preference" and number is not None:  # HelpSteer3: -3 is the first, 3 the second
            return (_TIE if not number else int(number > 0)), cell_text(value)
        if base == "human_ref" and number in (0, 1):  # SHP: 1 where the first one is better
            return 1 - int(number), cell_text(value)
        models = [cell_text(lower.get(f"model_{end}") or "") for end in ends]
        if models[0] != models[1] and cell_text(value) in models:
            return models.index(cell_text(value)), cell_text(value)
        if (place := _place(value, ends)) is not None:
            return place, cell_text(value)
    for name in ("winner", "winner_model", "won"):
        marks = [rating(lower.get(f"{name}_{end}")) for end in ends]
        if all(mark in (0, 1) for mark in marks):  # one column for each outcome
            return (_TIE if marks[0] == marks[1] else int(marks[1] == 1)), "tie" if marks[0] == marks[1] else ""
    for name in _SCORES:
        scores = [rating(lower.get(f"{name}_{end}")) for end in ends]
        if scores[0] is not None and scores[1] is not None:
            return _of_scores(scores[0], scores[1])
    return None


def _of_scores(first: float, second: float) -> tuple[int | str, str]:
    return (_TIE if first == second else int(second > first)), f"{first:g} and {second:g}"


def _place(value: Any, ends: tuple[str, str]) -> int | str | None:
    word = plain_name(cell_text(value)).removesuffix(".0")
    if word in _TIES or word in _BOTH_BAD:
        return _BAD if word in _BOTH_BAD else _TIE
    for place, end in enumerate(ends):
        named = word == end or word.endswith(f"_{end}") or any(word == f"{base}{end}" for base in (*_ANSWERS, "model"))
        if named:
            return place
    return None


def _many(lower: Mapping[str, Any]) -> _Judged | None:
    """A list of answers with a score for each, or with the place of the best of two."""
    for name in _LISTS:
        items = as_list(lower.get(name))
        if not isinstance(items, list) or len(items) < 2:
            continue
        texts = [first_of(item, _ITEM_TEXTS) if isinstance(item, Mapping) else item for item in items]
        chosen = rating(first_of(lower, ("choice", "chosen", "best", "winner", "label")))
        if len(texts) == 2 and chosen in (0, 1):
            return _Judged(texts[int(chosen)], texts[1 - int(chosen)], "", cell_text(chosen))
        scores = _list_scores(lower, items)
        if scores is None or any(is_empty(text) for text in texts):
            continue
        order = sorted(range(len(texts)), key=lambda place: scores[place])
        best, worst = max(order, key=lambda place: (scores[place], -place)), order[0]
        tied = scores[best] == scores[worst]
        return _Judged(texts[best], texts[worst if not tied else 1], _TIE if tied else "", f"{scores[best]:g} for each")
    return None


def _list_scores(lower: Mapping[str, Any], items: Sequence[Any]) -> list[float] | None:
    for name in _LIST_SCORES:
        beside = as_list(lower.get(name))
        if isinstance(beside, list) and len(beside) == len(items):
            numbers = [rating(value) for value in beside]
            return [number for number in numbers if number is not None] if None not in numbers else None
    inside = [rating(first_of(item, _ITEM_SCORES)) if isinstance(item, Mapping) else None for item in items]
    return [number for number in inside if number is not None] if None not in inside else None


def _prompt(lower: Mapping[str, Any]) -> Any:
    """What both answer; a text inside of an object, as WebGPT and the summaries from feedback store it."""
    value = first_of(lower, _PROMPTS)
    inner = as_object(value)
    if isinstance(inner, Mapping) and (text := first_of(lowered(inner), _PROMPT_TEXTS)) is not None:
        return text
    return value


def _is_judged(lower: Mapping[str, Any]) -> bool:
    judged = _two(lower) or _many(lower)
    if judged is None:
        return False
    return not is_empty(_prompt(lower)) or all(conversation_of(side) for side in (judged.better, judged.worse))


def _conversation(prompt: Any, answer: Any) -> Any:
    """Several inputs and as many outputs, in two lists of texts, are one conversation."""
    asked, said = as_list(prompt), as_list(answer)
    several = isinstance(asked, list) and isinstance(said, list) and len(asked) == len(said) > 0
    if not several or not all(isinstance(text, str | None) for text in (*asked, *said)):
        return answer
    pairs = zip(asked, said, strict=True)
    return [turn for ask, say in pairs for turn in ({"role": "user", "content": ask or ""},
                                                    {"role": "assistant", "content": say or ""})]  # fmt: skip


def _from_judged(fields: Mapping[str, Any], ties: str = LEAVE_OUT, images: str = REFUSE) -> object:
    lower = lowered(fields)
    judged = _two(lower) or _many(lower)
    if judged is None:
        text = "Nothing in the row says which of its answers is better."
        return ShapedRow(None, findings=(finding("no_winner", text, field="winner"),), leave_out=True)
    prompt = _prompt(lower)
    sides = {"chosen": _conversation(prompt, judged.better), "rejected": _conversation(prompt, judged.worse)}
    beside = {name: first_of(lower, names) for name, names in (("system", SYSTEM), ("tools", TOOLS))}
    made = from_preference({**beside, "prompt": prompt, **sides}, images)
    if not judged.outcome:
        return made
    if judged.outcome == _TIE and ties == FIRST:
        alone = tuple(item for item in made.findings if item.code != "preference_one_sided")
        return replace(made, rejected=None, findings=alone)
    text = f"Neither answer is better (“{judged.verdict}”), so there is nothing to prefer."
    return replace(made, findings=(finding("no_winner", text, field="winner"),), leave_out=True)


def _tie_offers(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    judged = (_two(row) or _many(row) for row in map(lowered, rows))
    if not any(row is not None and row.outcome == _TIE for row in judged):
        return {}
    return {LEAVE_OUT: "Leave them out", FIRST: "Learn the first answer, without a rejected one"}


TIES: Final = ShapeChoice(
    "ties",
    "Rows in which both answers are equally good",
    "They are not a preference pair. Rows whose answers are both bad are always left out.",
    _tie_offers,
    LEAVE_OUT,
)
# Sources: Chatbot Arena, MT-Bench, SHP, WebGPT, PKU-SafeRLHF, HelpSteer3, UltraFeedback, summaries from feedback.
JUDGED_SHAPE = ChatShape(
    "judged",
    "Answers with a winner",
    "Chatbot Arena, SHP, HelpSteer, UltraFeedback: response_a, response_b and winner, or answers with scores; the "
    "better one is the output, the other is kept beside it",
    (),
    ("prompt", "winner", "system", "tools"),
    _from_judged,
    choices=(TIES, MEDIA),
    also=_is_judged,
)
