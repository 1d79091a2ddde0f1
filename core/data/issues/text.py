"""Special tokens and damaged letters in the text of one example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from core.data.examples.characters import SPECIAL_TOKENS
from core.data.issues.check import BaseCheck, Case, Hit, named, shown, spans_of
from core.data.issues.issue import DROP, EDIT, ISSUES, Affected, Fix, Issue, ScoreShare, positions


class SpecialTokens(BaseCheck):
    """Special tokens of chat templates inside the text."""

    def feed(self, case: Case) -> Iterator[Hit]:
        spans = spans_of(case, SPECIAL_TOKENS)
        if spans:
            yield Hit("special_tokens", case.position, f"Contains {named(case, spans)}.", spans=spans)


class Mojibake(BaseCheck):
    """Mojibake: text that was once read in the wrong encoding. ftfy detects it and knows what it should be."""

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
                detail = (
                    f"Contains U+FFFD in place of a lost letter: {_around(content, at, at + 1)}. It cannot be restored."
                )
                yield Hit("mojibake", case.position, detail, spans=((index, at, at + 1),))
                return
            if is_bad(content) and (fixed := fix_encoding(content)) != content:
                begin, end = _difference(content, fixed)
                meant = fixed[begin : begin + 30 + len(fixed) - len(content)]
                detail = f"{_around(content, begin, end)} looks like a damaged {shown(meant, 40)}."
                yield Hit("mojibake", case.position, detail, spans=((index, begin, end),))
                return


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


# ---- fixes


def _repairable(affected: Affected) -> list[int]:
    """Those of the examples that the repair changes: a letter that became U+FFFD is lost for good."""
    from ftfy import fix_encoding

    return [
        position
        for position, messages in affected.messages(affected.positions)
        if any(fix_encoding(message.content) != message.content for message in messages)
    ]


_issue = partial(Issue, subject="Text of the examples")

# fmt: off
ISSUES.add(_issue("special_tokens", "Special tokens inside the text", "warning",
    "{examples} contain{s} special tokens of chat templates, such as <|im_end|>.",
    "Training here treats them as plain text, but other programs may end a turn there. Escape or remove them, unless "
    "they are intended.",
    (Fix("neutralise", "Escape in {examples}",
         "Adds a space to each, so it stays readable but is no longer a special token.", "neutralise_special_tokens",
         positions),
     DROP, EDIT),
    ScoreShare("text", 1.0), check=SpecialTokens))
ISSUES.add(_issue("mojibake", "Damaged letters", "warning",
    "{examples} contain{s} letters that an encoding error damaged.",
    "The text was once read in the wrong encoding (“Ã©” for “é”). Repair it.",
    (Fix.at(_repairable, "repair", "Repair {examples}", "Restores the original letters.", "repair_text"), EDIT, DROP),
    ScoreShare("text", 1.0), check=Mojibake))
