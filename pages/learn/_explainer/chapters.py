"""The chapters of the explainer and their sections, in the order they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pages.learn._explainer import basics, data, results, teaches, training


@dataclass(frozen=True, slots=True)
class Topic:
    """One section: its name in the address, its short and full title, and the function that draws it."""

    id: str
    word: str
    title: str
    draw: Callable[[], None]


CHAPTERS: dict[str, tuple[Topic, ...]] = {
    "Basics": (
        Topic("what", "What it is", "What is Supervised Fine-Tuning?", basics.what),
        Topic("when", "When to use it", "When to fine-tune, and when not", basics.when),
        Topic("teaches", "What it teaches", "What fine-tuning teaches, and what it does not", teaches.teaches),
        Topic("way", "From file to model", "From file to deployed model", basics.way),
    ),
    "Data": (
        Topic("format", "Format", "Data format", data.data_format),
        Topic("quality", "Quality", "Quality against quantity", data.quality),
        Topic("habits", "Do's and don'ts", "Do's and don'ts", data.habits),
    ),
    "Training": (
        Topic("methods", "Methods", "The methods compared", training.methods),
        Topic("choose", "Model and GPU", "Choosing a model by budget, GPU and speed", training.choose),
        Topic("curves", "Loss curves", "Reading a loss curve", training.loss_curves),
    ),
    "Results": (
        Topic("loop", "The loop", "The iteration loop", results.loop),
        Topic("retrieval", "Retrieval", "Fine-tuning and retrieval together", results.retrieval),
        Topic("trouble", "Troubleshooting", "Troubleshooting by symptom", results.trouble),
        Topic("questions", "Questions", "Common questions", results.questions),
    ),
}
TOPICS = [topic for topics in CHAPTERS.values() for topic in topics]
