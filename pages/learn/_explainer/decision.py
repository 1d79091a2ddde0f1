"""Whether to fine-tune: a short flow of yes-or-no questions, as data, and the advice it ends in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class DecisionStep:
    """One question. `yes` and `no` name the next question, or the advice."""

    id: str
    short: str  # the text in the diagram
    text: str
    help: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Where the flow ends. `page` is the screen to go on to, or "" where the studio is not the next step."""

    id: str
    title: str
    text: str
    page: str = ""
    action: str = ""


START: Final = "facts"

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
QUESTIONS: Final = {row["id"]: DecisionStep(**row) for row in _TABLES["question"]}
ADVICE: Final = {row["id"]: Advice(**row) for row in _TABLES["advice"]}


def follow(answers: Mapping[str, bool]) -> tuple[list[DecisionStep], Advice | None]:
    """Walk the flow with the answers given so far.

    Returns:
        The questions passed, in order (the last one is still open when there is no advice), and the advice if reached.
    """
    asked: list[DecisionStep] = []
    at = START
    while at in QUESTIONS:
        question = QUESTIONS[at]
        asked.append(question)
        if question.id not in answers:
            return asked, None
        at = question.yes if answers[question.id] else question.no
    return asked, ADVICE[at]


def mermaid(answers: Mapping[str, bool], stroke: str) -> str:
    """The flow as a Mermaid chart; the path taken so far has thick edges and outlines of the color `stroke`."""
    asked, advice = follow(answers)
    taken = {question.id for question in asked} | ({advice.id} if advice else set())
    lines = ["flowchart TD"]
    lines += [f'  {question.id}{{{{"{question.short}"}}}}' for question in QUESTIONS.values()]
    lines += [f'  {item.id}(["{item.title.split(":")[0]}"])' for item in ADVICE.values()]
    for question in QUESTIONS.values():
        for word, target in (("yes", question.yes), ("no", question.no)):
            chosen = answers.get(question.id) is (word == "yes") and question.id in taken
            lines.append(f"  {question.id} {'==>' if chosen else '-->'}|{word}| {target}")
    lines.append(f"  classDef taken stroke:{stroke},stroke-width:3px")
    lines.append(f"  class {','.join(sorted(taken))} taken")
    return "\n".join(lines)
