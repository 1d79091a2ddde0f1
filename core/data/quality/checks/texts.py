"""What shows in the text of one example alone: control tokens, damaged letters, placeholders, secrets, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from core.data.examples import likeness, sensitive
from core.data.examples.characters import SPECIAL_TOKENS
from core.data.quality.checks.base import Case, Quiet, masked, shown
from core.data.quality.records import Hit, Span

_LISTED = 5


class SpecialTokens(Quiet):
    """Control tokens of chat templates inside the text."""

    def feed(self, case: Case) -> Iterator[Hit]:
        spans = _spans(case, SPECIAL_TOKENS)
        if spans:
            told = ", ".join(sorted({_at(case, span) for span in spans})[:_LISTED])
            yield Hit("special_tokens", case.position, f"Holds {told}.", spans=spans)


class Placeholders(Quiet):
    """Places of a template that nobody filled in."""

    _PATTERN = re.compile(
        r"\{\{[^{}\n]{1,40}\}\}"
        r"|\[(?:your|insert|enter|company|customer|client|user|recipient)[ _'’][^\[\]\n]{1,40}\]"
        r"|<(?:your|insert|enter)[ _\-][^<>\n]{1,40}>|\blorem ipsum\b",
        re.IGNORECASE,
    )

    def feed(self, case: Case) -> Iterator[Hit]:
        spans = _spans(case, self._PATTERN)
        if spans:
            told = ", ".join(sorted({_at(case, span) for span in spans})[:_LISTED])
            yield Hit("placeholders", case.position, f"Holds {told}.", spans=spans)


class Mojibake(Quiet):
    """Text that was read in the wrong encoding once: ftfy knows how it looks, and what it should be."""

    _MAYBE = re.compile("[\x80-\x9f\u00a0-\u00ff\u0100-\u024f\ufffd\u2018-\u2026\u20ac\u2122\u0370-\u04ff]")

    def feed(self, case: Case) -> Iterator[Hit]:
        from ftfy import fix_encoding
        from ftfy.badness import is_bad

        for index, message in enumerate(case.example.messages):
            content = message.content
            if content.isascii() or not self._MAYBE.search(content):
                continue
            if "\ufffd" in content:
                at = content.index("\ufffd")
                told = f"Holds U+FFFD, where a letter was lost: {_around(content, at, at + 1)}. It cannot be restored."
                yield Hit("mojibake", case.position, told, spans=((index, at, at + 1),))
                return
            if is_bad(content) and (fixed := fix_encoding(content)) != content:
                begin, end = _difference(content, fixed)
                meant = fixed[begin : begin + 30 + len(fixed) - len(content)]
                told = f"{_around(content, begin, end)} looks like a damaged {shown(meant, 40)}."
                yield Hit("mojibake", case.position, told, spans=((index, begin, end),))
                return


class Sensitive(Quiet):
    """Secrets, and personal data."""

    def feed(self, case: Case) -> Iterator[Hit]:
        found: dict[str, list[Span]] = {}
        told: dict[str, list[str]] = {}
        for index, message in enumerate(case.example.messages):
            for item in sensitive.find(message.content):
                kind = sensitive.KINDS[item.kind]
                code = "secrets" if kind.secret else "personal_data"
                found.setdefault(code, []).append((index, item.start, item.end))
                value = message.content[item.start : item.end]
                told.setdefault(code, []).append(f"{kind.title} {masked(value) if kind.secret else shown(value, 40)}")
        for code, spans in found.items():
            parts = told[code]
            more = f" and {len(parts) - _LISTED} more" if len(parts) > _LISTED else ""
            yield Hit(code, case.position, f"{', '.join(parts[:_LISTED])}{more}.", spans=tuple(spans))


class Answers(Quiet):
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

    def feed(self, case: Case) -> Iterator[Hit]:
        for index, message in enumerate(case.example.messages):
            if message.role != "assistant" or message.weight == 0:
                continue
            content = message.content.strip()
            if not content and message.tool_calls:
                continue
            if not content or content.lower() in self._NOTHING or self._UNFINISHED.fullmatch(content):
                told = f"The answer is {shown(content)}." if content else "The answer is empty."
                yield Hit("empty_answers", case.position, told, spans=((index, 0, len(message.content)),))
                return
            if index and len(content) > 20 and case.example.messages[index - 1].role == "user":
                question = case.example.messages[index - 1].content
                if likeness.exact_key(question.strip()) == likeness.exact_key(content):
                    yield Hit("empty_answers", case.position, "The answer repeats the input word for word.")
                    return
            head = content[:200].lower()
            if any(hint in head for hint in self._MAYBE) and (refusing := self._REFUSING.search(content[:200])):
                told = f"The answer begins {shown(content, 70)}."
                start = message.content.find(refusing.group())
                yield Hit("refusals", case.position, told, spans=((index, start, start + len(refusing.group())),))
                return


def _spans(case: Case, pattern: re.Pattern[str]) -> tuple[Span, ...]:
    return tuple(
        (index, match.start(), match.end())
        for index, message in enumerate(case.example.messages)
        for match in pattern.finditer(message.content)
    )


def _at(case: Case, span: Span) -> str:
    index, begin, end = span
    return case.example.messages[index].content[begin:end]


def _around(text: str, begin: int, end: int) -> str:
    return shown(text[max(0, begin - 15) : end + 15], 60)


def _difference(text: str, fixed: str) -> tuple[int, int]:
    """Where the first difference begins, and where the last one ends, in `text`."""
    begin = 0
    while begin < min(len(text), len(fixed)) and text[begin] == fixed[begin]:
        begin += 1
    back = 0
    while back < min(len(text), len(fixed)) - begin and text[-1 - back] == fixed[-1 - back]:
        back += 1
    return begin, max(len(text) - back, begin + 1)
