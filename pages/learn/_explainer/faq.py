"""Common questions; the numbers in the answers are the studio's own limits and defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from core.services.learn.explain.defaults import defaults


@dataclass(frozen=True, slots=True)
class CommonQuestion:
    """A question as people ask it, and its answer in Markdown."""

    question: str
    answer: str


def common_questions() -> list[CommonQuestion]:
    """All questions with their answers, in the order in which beginners ask them."""
    text = Path(__file__).with_suffix(".md").read_text(encoding="utf-8").format(**asdict(defaults()))
    sections = [section.split("\n", 1) for section in text.removeprefix("## ").split("\n## ")]
    return [CommonQuestion(question, " ".join(answer.split())) for question, answer in sections]
