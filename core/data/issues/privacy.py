"""Secrets and personal data in the text of one example."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from core.data.examples import beside, sensitive
from core.data.issues.check import BaseCheck, Case, Hit, Span, masked, shown
from core.data.issues.issue import DROP, ISSUES, Fix, Issue, ScoreShare

_LISTED = 5


class SensitiveCheck(BaseCheck):
    """Secrets, and personal data: in the messages, and wherever *Redact* replaces them too."""

    def feed(self, case: Case) -> Iterator[Hit]:
        spans: dict[str, list[Span]] = {}
        named: dict[str, list[str]] = {}
        for index, message in enumerate(case.example.messages):
            for code, item, text in _found(message.content):
                spans.setdefault(code, []).append((index, item.start, item.end))
                named.setdefault(code, []).append(text)
        for where, content in beside.texts(case.example):
            for code, _, text in _found(content):
                named.setdefault(code, []).append(f"{text} in {where}")
        for code, parts in named.items():
            more = f" and {len(parts) - _LISTED} more" if len(parts) > _LISTED else ""
            detail = f"{', '.join(parts[:_LISTED])}{more}."
            yield Hit(code, case.position, detail, spans=tuple(spans.get(code, ())))


def _found(text: str) -> Iterator[tuple[str, sensitive.Sensitive, str]]:
    """(code, place, its kind and value as they are shown) of everything sensitive in a text."""
    for item in sensitive.find(text):
        kind = sensitive.SENSITIVE_KINDS[item.kind]
        value = text[item.start : item.end]
        said = masked(value) if kind.secret else shown(value, 40)
        yield "secrets" if kind.secret else "personal_data", item, f"{kind.title} {said}"


def _redact_fix(*, secret: bool) -> Fix:
    kinds = tuple(kind.id for kind in sensitive.SENSITIVE_KINDS.values() if kind.secret == secret)
    text = "Puts a placeholder such as [EMAIL] in each place."
    return Fix.at(lambda affected: affected.positions, "redact", "Redact in {examples}", text, "redact", kinds=kinds)


_issue = partial(Issue, subject="Privacy")

# fmt: off
ISSUES.add(_issue("secrets", "Keys, tokens or passwords", "error",
    "{examples} contain{s} keys, tokens or passwords.",
    "A model may repeat what it was trained on to anyone. Redact them, and revoke the real ones.",
    (_redact_fix(secret=True), DROP), ScoreShare("privacy", 1.0), check=SensitiveCheck))
ISSUES.add(_issue("personal_data", "Personal data", "warning",
    "{examples} contain{s} personal data.", "A model may repeat it. Redact what should not be learned.",
    (_redact_fix(secret=False), DROP), ScoreShare("privacy", 0.5), check=SensitiveCheck))
