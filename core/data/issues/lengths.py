"""Examples that are too long for training, or of unusual length."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from functools import partial

import numpy as np

from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, Case, CheckSettings, Hit, Progress
from core.data.issues.issue import DROP, EDIT, ISSUES, Issue, ScoreShare
from core.text import estimated_tokens


class LengthCheck(BaseCheck):
    """Examples over the maximum length, those whose complete answer is beyond it, and those of unusual length."""

    _FROM = 50  # examples; fewer have no usual length
    _DEVIATIONS = 4.5
    _TIMES = 4.0  # and at least so many times longer or shorter than the middle one

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._limit, self._measure = settings.max_seq_length, settings.measure
        self._characters = array("q")

    def feed(self, case: Case) -> Iterator[Hit]:
        self._characters.append(case.characters)
        about = "" if self._measure else "about "
        if self._measure:
            tokens, start = self._measure(case.example)
        else:
            tokens, start = estimated_tokens(case.characters), _answer_start(case)
        if start >= self._limit:
            detail = f"The answer starts at token {about}{start:,}; training keeps {self._limit:,}."
            yield Hit("answer_lost", case.position, detail)
        elif tokens > self._limit:
            yield Hit("over_length", case.position, f"Has {about}{tokens:,} tokens; training keeps {self._limit:,}.")

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        lengths = np.frombuffer(self._characters, dtype=np.int64)
        if len(lengths) < self._FROM:
            return
        logs = np.log1p(lengths)
        middle = float(np.median(logs))
        spread = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.2)
        usual = math.expm1(middle)
        odd = (np.abs(logs - middle) > self._DEVIATIONS * spread) & (np.abs(logs - middle) > math.log(self._TIMES))
        for position in np.flatnonzero(odd).tolist():
            long = lengths[position] > usual
            times = lengths[position] / usual if long else usual / max(lengths[position], 1)
            detail = (
                f"{lengths[position]:,} characters, {times:,.0f} times {'longer' if long else 'shorter'} than usual."
            )
            yield Hit("length_outliers", position, detail)


def _answer_start(case: Case) -> int:
    """The estimated token at which the first answer that carries loss starts."""
    characters = 0
    for message in case.example.messages:
        if message.role == "assistant" and message.weight != 0:
            return estimated_tokens(characters)
        characters += len(message.content)
    return estimated_tokens(characters)


_issue = partial(Issue, subject="Length")

# fmt: off
ISSUES.add(_issue("answer_lost", "The complete answer would be cut off", "error",
    "{examples} would lose the complete answer in training.",
    "The input alone fills the maximum length, so nothing is left to learn. Shorten it, raise the maximum length of "
    "the job, or drop these examples.", (DROP, EDIT), ScoreShare("length", 1.0), check=LengthCheck))
ISSUES.add(_issue("over_length", "Longer than the maximum", "warning",
    "{examples} {are} longer than the maximum length.",
    "Training cuts off the end. Raise the maximum length of the job, shorten the text, or drop it.", (DROP, EDIT),
    ScoreShare("length", 0.5), check=LengthCheck))
ISSUES.add(_issue("length_outliers", "Unusually long or short", "info",
    "{examples} {are} far longer or shorter than the others.",
    "Look at them: often it is a heading, a complete document, or two rows in one.", (DROP, EDIT),
    ScoreShare("length", 0.1), check=LengthCheck))
