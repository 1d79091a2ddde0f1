"""Whether to fine-tune: a short flow of yes-or-no questions, as data, and the advice it ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `yes` and `no` name the next question, or the advice."""

    id: str
    short: str  # the words in the diagram
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

QUESTIONS: Final = {
    question.id: question
    for question in (
        Question(
            "facts",
            "Answer depends on facts that change?",
            "Does a correct answer depend on facts that change, such as stock, prices or open cases?",
            "Weights keep what they learned until the next training. Facts that change daily must be looked up.",
            yes="form",
            no="prompt",
        ),
        Question(
            "form",
            "Fixed form or tone as well?",
            "Must the answer also have a fixed form or tone that instructions alone do not achieve?",
            "Examples teach form best: the order of fields, a length, a tone.",
            yes="both",
            no="retrieval",
        ),
        Question(
            "prompt",
            "A short instruction is enough?",
            "Does a short instruction to a ready-made model already produce the right answer nearly every time?",
            "Try ten real questions before you say no.",
            yes="prompting",
            no="stable",
        ),
        Question(
            "stable",
            "Task stays the same for months?",
            "Will what counts as a good answer stay the same for months?",
            "Each change means new labels and a new run.",
            yes="examples",
            no="wait",
        ),
        Question(
            "examples",
            "50 or more good pairs?",
            "Do you have, or can you write, 50 or more good input → output pairs?",
            "100 and more are better. Support tickets with the reply that solved them are a good source.",
            yes="calls",
            no="collect",
        ),
        Question(
            "calls",
            "Many similar calls?",
            "Will the model get many similar calls, hundreds a day or more?",
            "The more often the same kind of question comes up, the more a shorter prompt and consistent answers are "
            "worth.",
            yes="tune",
            no="try",
        ),
    )
}

ADVICE: Final = {
    advice.id: advice
    for advice in (
        Advice(
            "retrieval",
            "Look it up: retrieval",
            "Search your own sources when the question comes in, and put the results into the prompt. Fine-tuning "
            "would freeze today's facts.",
        ),
        Advice(
            "both",
            "Both: retrieval for the facts, fine-tuning for the form",
            "Put retrieved passages into the inputs of your labeled examples too, so that the model learns to answer "
            "from them.",
            "upload",
            "Upload labeled examples",
        ),
        Advice(
            "prompting",
            "A prompt is enough",
            "Save the instruction and the questions you tried: they are your first labeled examples if you need more "
            "later.",
        ),
        Advice(
            "wait",
            "Not yet: the task still changes",
            "Work with a prompt until the rules are stable. Collect good answers in the meantime; they will be your "
            "labeled examples.",
        ),
        Advice(
            "collect",
            "Collect first",
            "Under 50 examples a good prompt usually does as well. Write down real questions with the answer you "
            "want, or turn a table you already have into pairs.",
            "convert",
            "Convert a table",
        ),
        Advice(
            "try",
            "Worth a small trial",
            "Few calls save few tokens, but a consistent form can be worth it. Train on what you have and compare base "
            "and tuned.",
            "new_job",
            "Configure a job",
        ),
        Advice(
            "tune",
            "Fine-tune",
            "A stable task, enough good pairs and many similar calls: this is what supervised fine-tuning is for.",
            "new_job",
            "Configure a job",
        ),
    )
}


def follow(answers: Mapping[str, bool]) -> tuple[list[Question], Advice | None]:
    """Walk the flow with the answers given so far.

    Returns:
        The questions passed, in order (the last one is still open when there is no advice), and the advice if reached.
    """
    asked: list[Question] = []
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
