"""Answers, labels and system messages that do not agree with those of other examples."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from core.data.examples import likeness
from core.data.examples.groups import groups_of
from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, Case, CheckSettings, Hit, Progress, shown
from core.data.issues.issue import DROP_ALL, EDIT, ISSUES, Affected, Fix, Issue, ScoreShare
from core.messages import Message
from core.text import plural

_STORED_TEXTS = 20_000  # whose beginning is stored to name it; the others are named by their group


class Contradictions(BaseCheck):
    """The same input with answers that differ in more than case and punctuation.

    Where every answer is long, several may be right: that is a separate issue, and costs less.
    """

    SHORT = 160  # characters; a label, a fact or a sentence contradicts another, an essay varies

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._inputs, self._answers, self._lengths = array("Q"), array("Q"), array("q")
        self._shown: dict[int, str] = {}  # answer key -> how it reads

    def feed(self, case: Case) -> Iterator[Hit]:
        answer = likeness.loose_key(case.answer)
        self._inputs.append(likeness.loose_key(case.input))
        self._answers.append(answer)
        self._lengths.append(len(case.answer))
        if len(self._shown) < _STORED_TEXTS:
            self._shown.setdefault(answer, case.answer[:60])
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        inputs, answers = _keys(self._inputs), _keys(self._answers)
        lengths = np.frombuffer(self._lengths, dtype=np.int64)
        for members in groups_of(inputs):
            given = answers[members].tolist()
            if len(set(given)) < 2:
                continue
            counts = Counter(given)
            code = "varied_answers" if lengths[members].min() > self.SHORT else "contradictions"
            for position, answer in zip(members, given, strict=True):
                text = shown(self._shown[answer], 50) if answer in self._shown else "another answer"
                others = len(given) - counts[answer]
                verb = "have" if others > 1 else "has"
                detail = f"The answer is {text}; {others} with the same input {verb} another one."
                yield Hit(code, position, detail, group=members[0])


class Labels(BaseCheck):
    """Where the answers are labels: rare ones, and those that occur in several spellings."""

    MOST = 200  # distinct answers; more are not labels
    LONGEST = 60  # characters of a label

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
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
                self._counts = None  # not labels: stop counting
                self._numbers.clear()
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        counts = self._counts
        if not counts or len(counts) < 2 or len(counts) > 2 * self.MOST or len(counts) * 2 > self._total:
            return
        if sum(times for label, times in counts.items() if len(label) > self.LONGEST) > self._total / 20:
            return  # repeated answers in full sentences, not labels
        numbers = np.frombuffer(self._answers, dtype=np.int64)
        names = list(self._numbers)
        spellings: dict[int, list[str]] = {}
        for label in counts:
            spellings.setdefault(likeness.loose_key(label), []).append(label)
        for same in spellings.values():
            if len(same) > 1:
                best = max(same, key=lambda label: (counts[label], label))
                first = int(np.argmax(numbers == self._numbers[best]))  # an example with this spelling
                rows = np.flatnonzero(np.isin(numbers, [self._numbers[label] for label in same if label != best]))
                for position in rows.tolist():
                    detail = f"Spelled {shown(names[numbers[position]])}; most are spelled {shown(best)}."
                    yield Hit("label_variants", position, detail, group=first)
        merged = {key: sum(counts[label] for label in same) for key, same in spellings.items()}
        average = self._total / len(merged)
        for key, same in spellings.items():
            if merged[key] < max(5, average / 10) and average >= 10:
                for position in np.flatnonzero(np.isin(numbers, [self._numbers[label] for label in same])).tolist():
                    times = plural(merged[key], "time")
                    detail = f"{shown(same[0])} occurs {times}; a label occurs {average:,.0f} times on average."
                    yield Hit("label_imbalance", position, detail, group=self._numbers[same[0]])


class SystemMessages(BaseCheck):
    """System messages that differ from the one that at least half of the examples have."""

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._keys = array("Q")
        self._texts: dict[int, str] = {}

    def feed(self, case: Case) -> Iterator[Hit]:
        text = next((message.content for message in case.example.messages if message.role == "system"), "")
        key = likeness.exact_key(text)
        self._keys.append(key)
        if len(self._texts) < _STORED_TEXTS:
            self._texts.setdefault(key, text[:80])
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        keys = _keys(self._keys)
        values, counts = np.unique(keys, return_counts=True)
        if len(values) < 2:
            return
        common = values[counts.argmax()]
        if counts.max() * 2 < len(keys):
            return  # every example has a different one: that is how this set was created
        most = self._texts.get(int(common), "")
        usual = f"{plural(int(counts.max()), 'example')} have {shown(most, 50)}" if most else "most examples have none"
        for position in np.flatnonzero(keys != common).tolist():
            text = self._texts.get(int(keys[position]), "another one")
            own = f"The system message is {shown(text, 50)}" if text else "There is no system message"
            yield Hit("system_inconsistent", position, f"{own}; {usual}.")


def _keys(values: array[int]) -> Any:
    return np.frombuffer(values, dtype=np.uint64)


# ---- fixes


def _minority(affected: Affected) -> list[int]:
    """The examples whose answer is not the most common of their group; none where two are equally common."""
    group_of = {row.position: row.group for row in affected.rows}
    answers: dict[int, dict[int, int]] = {}
    for position, messages in affected.messages(sorted(group_of)):
        answers.setdefault(group_of[position], {})[position] = likeness.loose_key(likeness.answer_of(messages))
    drop: list[int] = []
    for given in answers.values():
        ranked = Counter(given.values()).most_common(2)
        if len(ranked) == 2 and ranked[0][1] > ranked[1][1]:
            drop += [position for position, answer in given.items() if answer != ranked[0][0]]
    return sorted(drop)


def _usual_system(affected: Affected) -> Mapping[str, Any]:
    """The system message of all examples without this issue, which is the same in each; "" where they have none."""
    if not affected.positions:
        return {}
    odd = {row.position for row in affected.places("system_inconsistent")}
    usual = next(position for position in range(len(odd) + 1) if position not in odd)
    messages = next((messages for _, messages in affected.messages([usual])), ())
    text = next((message.content for message in messages if message.role == "system"), "")
    return {"text": text, "positions": affected.positions}


def _unified(affected: Affected) -> Mapping[str, Any]:
    """The examples with the last answer spelled as in the example that their group names."""
    chosen = set(affected.positions)
    group_of = {row.position: row.group for row in affected.rows if row.position in chosen}
    read: dict[int, tuple[Message, ...]] = dict(affected.messages(sorted({*group_of, *group_of.values()})))
    rows = {}
    for position, group in group_of.items():
        messages, index = read[position], likeness.last_answer(read[position])
        best = likeness.last_answer(read[group])
        if index is None or best is None:
            continue
        spelled = replace(messages[index], content=read[group][best].content)
        rows[position] = tuple(m.to_dict() for m in (*messages[:index], spelled, *messages[index + 1 :]))
    return {"rows": rows} if rows else {}


_issue = partial(Issue, subject="Consistency", scope="set")

# fmt: off
ISSUES.add(_issue("contradictions", "Same input, different answers", "error",
    "{examples}{in_groups} with the same input {have} different answers.",
    "The model cannot learn both. Keep the right answer of each group and drop the others.",
    (Fix.at(_minority, "keep_common", "Keep the most common answer, drop {n}",
            "In each group with a most common answer, the others are dropped.", "drop_rows"),
     DROP_ALL, EDIT),
    ScoreShare("consistency", 1.0), check=Contradictions))
ISSUES.add(_issue("varied_answers", "Same input, several long answers", "info",
    "{examples}{in_groups} with the same input {have} different long answers.",
    "Fine where many answers are right. Where only one is, keep it and drop the others.", (DROP_ALL, EDIT),
    ScoreShare("consistency", 0.1), check=Contradictions))
ISSUES.add(_issue("label_variants", "One label, several spellings", "warning",
    "{examples} {have} a label that most others spell differently.",
    "To a model, “Refund” and “refund” are two answers. Use one spelling.",
    (Fix("unify", "Use the most common spelling in {examples}", "Rewrites the other spellings; nothing else changes.",
         "edit_rows", _unified),
     EDIT),
    ScoreShare("consistency", 0.5), check=Labels))
ISSUES.add(_issue("system_inconsistent", "Different system messages", "warning",
    "{examples} {have} another system message than most.",
    "Use one system message everywhere, unless the difference is intended.",
    (Fix("set_system", "Use the most common system message in {n}", "Replaces theirs, or adds it where there is none.",
         "set_system", _usual_system),
     EDIT),
    ScoreShare("consistency", 0.5), check=SystemMessages))
ISSUES.add(_issue("label_imbalance", "Rare labels", "info",
    "{examples} {have} a rare label{in_groups}.",
    "The model will rarely give these answers. Add examples of them, by hand or as variations.", (EDIT,),
    ScoreShare("amount", 1.0), check=Labels))
