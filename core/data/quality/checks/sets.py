"""What shows only in the set as a whole: contradictions, copies, leakage, labels, system messages, lengths."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.data.examples import likeness
from core.data.examples.sets import groups_of
from core.data.quality.checks.base import Case, Progress, Quiet, Settings, shown
from core.data.quality.records import Hit
from core.data.quality.rules import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.text import estimated_tokens

_KEPT_TEXTS = 20_000  # of which the beginning is kept to name it; the others are named by their group


class TooFew(Quiet):
    """The number of training examples; `Duplicates` and the others list theirs by position, this one lists none."""

    def __init__(self, settings: Settings) -> None:
        self.train = 0

    def feed(self, case: Case) -> Iterator[Hit]:
        self.train += case.example.split == "train"
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        if self.train < RECOMMENDED_EXAMPLES:
            least = f"training needs at least {MINIMUM_EXAMPLES}, and " if self.train < MINIMUM_EXAMPLES else ""
            yield Hit(
                "too_few_examples", -1, f"{self.train} to train on; {least}{RECOMMENDED_EXAMPLES} are recommended."
            )


class Contradictions(Quiet):
    """The same input, to the letter and digit, with answers that differ in more than case and punctuation.

    Where every answer is long, many may be right: that is told apart, and costs less.
    """

    SHORT = 160  # characters; a label, a fact or a sentence contradicts another, an essay varies

    def __init__(self, settings: Settings) -> None:
        self._inputs, self._answers, self._lengths = array("Q"), array("Q"), array("q")
        self._shown: dict[int, str] = {}  # answer key -> how it reads

    def feed(self, case: Case) -> Iterator[Hit]:
        answer = likeness.loose_key(case.answer)
        self._inputs.append(likeness.loose_key(case.input))
        self._answers.append(answer)
        self._lengths.append(len(case.answer))
        if len(self._shown) < _KEPT_TEXTS:
            self._shown.setdefault(answer, case.answer[:60])
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        inputs, answers = _numbers(self._inputs), _numbers(self._answers)
        lengths = np.frombuffer(self._lengths, dtype=np.int64)
        for members in groups_of(inputs):
            given = answers[members].tolist()
            if len(set(given)) < 2:
                continue
            counts = Counter(given)
            code = "varied_answers" if lengths[members].min() > self.SHORT else "contradictions"
            for position, answer in zip(members.tolist(), given, strict=True):
                said = f"{shown(self._shown[answer], 50)}" if answer in self._shown else "another answer"
                others = len(given) - counts[answer]
                verb = "answer" if others > 1 else "answers"
                told = f"Answers {said}; {others} with the same input {verb} otherwise."
                yield Hit(code, position, told, group=int(members[0]))


class Labels(Quiet):
    """Where the answers are labels: those that hardly occur, and those that occur in several spellings."""

    MOST = 200  # distinct answers; more are no labels
    LONGEST = 60  # characters of a label

    def __init__(self, settings: Settings) -> None:
        self._counts: Counter[str] | None = Counter()
        self._answers = array("q")
        self._numbers: dict[str, int] = {}
        self._total = 0

    def feed(self, case: Case) -> Iterator[Hit]:
        self._total += 1
        if self._counts is not None:
            label = case.answer[: self.MOST]
            self._counts[label] += 1
            self._answers.append(self._numbers.setdefault(label, len(self._numbers)))
            if len(self._counts) > 2 * self.MOST and len(self._counts) * 2 > self._total:
                self._counts = None  # no labels: stop counting
                self._numbers.clear()
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        counts = self._counts
        if not counts or len(counts) < 2 or len(counts) > 2 * self.MOST or len(counts) * 2 > self._total:
            return
        if sum(times for label, times in counts.items() if len(label) > self.LONGEST) > self._total / 20:
            return  # standing answers in whole sentences, no labels
        numbers = np.frombuffer(self._answers, dtype=np.int64)
        names = list(self._numbers)
        spellings: dict[int, list[str]] = {}
        for label in counts:
            spellings.setdefault(likeness.loose_key(label), []).append(label)
        for same in spellings.values():
            if len(same) > 1:
                best = max(same, key=lambda label: (counts[label], label))
                first = int(np.argmax(numbers == self._numbers[best]))  # an example that writes it so
                rows = np.flatnonzero(np.isin(numbers, [self._numbers[label] for label in same if label != best]))
                for position in rows.tolist():
                    told = f"Written {shown(names[numbers[position]])}; most write {shown(best)}."
                    yield Hit("label_variants", position, told, group=first)
        merged = {key: sum(counts[label] for label in same) for key, same in spellings.items()}
        average = self._total / len(merged)
        for key, same in spellings.items():
            if merged[key] < max(5, average / 10) and average >= 10:
                for position in np.flatnonzero(np.isin(numbers, [self._numbers[label] for label in same])).tolist():
                    times = f"{merged[key]} time{'s' if merged[key] > 1 else ''}"
                    told = f"{shown(same[0])} occurs {times}; a label occurs {average:,.0f} times on average."
                    yield Hit("label_imbalance", position, told, group=self._numbers[same[0]])


class SystemMessages(Quiet):
    """System messages that differ from what at least half of the examples say."""

    def __init__(self, settings: Settings) -> None:
        self._keys = array("Q")
        self._texts: dict[int, str] = {}

    def feed(self, case: Case) -> Iterator[Hit]:
        text = next((message.content for message in case.example.messages if message.role == "system"), "")
        key = likeness.exact_key(text)
        self._keys.append(key)
        if len(self._texts) < _KEPT_TEXTS:
            self._texts.setdefault(key, text[:80])
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        keys = _numbers(self._keys)
        values, counts = np.unique(keys, return_counts=True)
        if len(values) < 2:
            return
        common = values[counts.argmax()]
        if counts.max() * 2 < len(keys):
            return  # every example has its own: that is how this set is made
        most = self._texts.get(int(common), "")
        usual = f"{shown(most, 50)} stands in {counts.max():,} examples" if most else "most examples have none"
        for position in np.flatnonzero(keys != common).tolist():
            text = self._texts.get(int(keys[position]), "another one")
            told = f"The system message is {shown(text, 50)}" if text else "There is no system message"
            yield Hit("system_inconsistent", position, f"{told}; {usual}.")


class Lengths(Quiet):
    """Examples over the maximum length, those whose whole answer lies beyond it, and those of unusual length."""

    _FROM = 50  # fewer examples have no usual length
    _DEVIATIONS = 4.5
    _TIMES = 4.0  # and at least so many times longer or shorter than the middle one

    def __init__(self, settings: Settings) -> None:
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
            told = f"The answer begins at token {about}{start:,}; training keeps {self._limit:,}."
            yield Hit("answer_lost", case.position, told)
        elif tokens > self._limit:
            yield Hit("over_length", case.position, f"Has {about}{tokens:,} tokens; training keeps {self._limit:,}.")

    def finish(self, progress: Progress) -> Iterator[Hit]:
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
            told = f"{lengths[position]:,} characters, {times:,.0f} times {'longer' if long else 'shorter'} than usual."
            yield Hit("length_outliers", position, told)


def _answer_start(case: Case) -> int:
    """The estimated token at which the first answer that is learnt begins."""
    characters = 0
    for message in case.example.messages:
        if message.role == "assistant" and message.weight != 0:
            return estimated_tokens(characters)
        characters += len(message.content)
    return estimated_tokens(characters)


def _numbers(values: array[int]) -> Any:
    return np.frombuffer(values, dtype=np.uint64)
