"""Answers that say nothing, refuse, or still contain placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from core.data.examples import likeness
from core.data.issues.check import BaseCheck, Case, Hit, named, shown, spans_of
from core.data.issues.issue import DROP, EDIT, ISSUES, Issue, ScoreShare


class Answers(BaseCheck):
    """Answers that say nothing, and answers that refuse."""

    _NOTHING: ClassVar[frozenset[str]] = frozenset(
        {"n/a", "na", "nan", "null", "nil", "undefined", "#n/a", "#ref!", "#value!", "-",
         "--", "—", "–", ".", "...", "…", "?", "??", "asdf", "(empty)", "[empty]", "<empty>"}
    )  # fmt: skip
    _UNFINISHED = re.compile(r"(?:to[\- ]?do|fix[\- ]?me|tb[ad]|x{3,})[.:!?]*", re.IGNORECASE)
    _CANNOT = r"(?:can['’]?t|cannot|can not|am (?:not able|unable)|won['’]?t|don['’]?t|do not|lack|have no)"
    _AI = r"(?:ai|artificial intelligence|(?:large )?language model)"
    _MAYBE: ClassVar[tuple[str, ...]] = (
        "sorry", "afraid", "n't", "n’t", "not ", "unable", " ai", "language model", "intelligence", "unfortunately",
        "apologies", "mir leid", "désolé", "lo siento", "cant ",
    )  # fmt: skip
    _REFUSING = re.compile(
        rf"(?:i['’]?m|i am) (?:very |so |really )?(?:sorry|afraid)[,.]? ?(?:but )?(?:as an? |that )?i {_CANNOT}"
        rf"|(?:i['’]?m|i am) (?:very |so |really )?sorry[,.]? ?(?:but )?as an? {_AI}"
        rf"|(?:sorry|unfortunately|apologies),? (?:but )?i {_CANNOT} (?:be able to )?"
        r"(?:help|assist|answer|provide|do|fulfil|comply|continue|generate|discuss|have)"
        rf"|(?:as|i['’]?m (?:just |only )?) ?an? {_AI}\b[^.!?\n]{{0,80}}\bi {_CANNOT}"
        r"|i (?:can['’]?t|cannot|am (?:not able|unable) to|won['’]?t) (?:help|assist|comply|fulfil|engage)\b"
        r"|(?:es )?tut mir leid,? (?:aber )?(?:ich kann|als ki)|je suis désolée?,? mais (?:je ne|en tant)"
        r"|lo siento,? pero (?:no puedo|como (?:una )?ia)",
        re.IGNORECASE,
    )

    @classmethod
    def refusing(cls, content: str) -> re.Match[str] | None:
        """The words by which an answer refuses."""
        head = content[:200].lower()
        return cls._REFUSING.search(content[:200]) if any(hint in head for hint in cls._MAYBE) else None

    def feed(self, case: Case) -> Iterator[Hit]:
        for index, message in enumerate(case.example.messages):
            if message.role != "assistant" or message.weight == 0:
                continue
            content = message.content.strip()
            if not content and message.tool_calls:
                continue
            if not content or content.lower() in self._NOTHING or self._UNFINISHED.fullmatch(content):
                detail = f"The answer is {shown(content)}." if content else "The answer is empty."
                yield Hit("empty_answers", case.position, detail, spans=((index, 0, len(message.content)),))
                return
            if index and len(content) > 20 and case.example.messages[index - 1].role == "user":
                question = case.example.messages[index - 1].content
                if likeness.exact_key(question.strip()) == likeness.exact_key(content):
                    yield Hit("empty_answers", case.position, "The answer repeats the input word for word.")
                    return
            if refusing := self.refusing(content):
                detail = f"The answer starts with {shown(content, 70)}."
                start = message.content.find(refusing.group())
                yield Hit("refusals", case.position, detail, spans=((index, start, start + len(refusing.group())),))
                return


def refuses(answer: str) -> bool:
    """Whether an answer refuses to answer."""
    return Answers.refusing(answer.strip()) is not None


class Placeholders(BaseCheck):
    """Placeholders of a template that were never filled in."""

    _PATTERN = re.compile(
        r"\{\{[^{}\n]{1,40}\}\}"
        r"|\[(?:your|insert|enter|company|customer|client|user|recipient)[ _'’][^\[\]\n]{1,40}\]"
        r"|<(?:your|insert|enter)[ _\-][^<>\n]{1,40}>|\blorem ipsum\b",
        re.IGNORECASE,
    )

    def feed(self, case: Case) -> Iterator[Hit]:
        spans = spans_of(case, self._PATTERN)
        if spans:
            yield Hit("placeholders", case.position, f"Contains {named(case, spans)}.", spans=spans)


_issue = partial(Issue, subject="Answers")

# fmt: off
ISSUES.add(_issue("empty_answers", "Empty or placeholder answers", "error",
    "{examples} {have} an answer that says nothing.",
    "The model would learn to say nothing. Drop these examples, or write the answers.", (DROP, EDIT),
    ScoreShare("answers", 1.0), check=Answers))
ISSUES.add(_issue("refusals", "Refusing answers", "warning",
    "{examples} refuse{s} to answer.",
    "They teach the model to refuse ordinary requests. Drop them, unless refusing is what it should learn.",
    (DROP, EDIT), ScoreShare("answers", 1.0), check=Answers))
ISSUES.add(_issue("placeholders", "Unfilled placeholders", "warning",
    "{examples} contain{s} placeholders that were never filled in.",
    "The model would repeat placeholders such as {{name}} in its answers. Fill them in, or drop the examples.",
    (DROP, EDIT), ScoreShare("answers", 1.0), check=Placeholders))
