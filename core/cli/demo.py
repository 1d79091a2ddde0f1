"""`sft demo`: train on a bundled sample, without a browser."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.cli._support.waiting import wait_succeeded
from core.cli.train import method_help
from core.data.samples import SAMPLES
from core.errors import JobError

if TYPE_CHECKING:
    from core.services.learn.demo import DemoRecord
    from core.services.serving.evaluating import AnsweredExample, ConfusionMatrix, PartReport

EXAMPLES = 3  # of each part of the test
FOLLOW_S = 1.0  # between two looks at the steps; each look reads all of them, on the cores that train


def _sample_help() -> str:
    known = ", ".join(f"{sample.id} ({sample.teaches})" for sample in SAMPLES)
    return f"The sample to train on: {known}."


def demo(
    again: Annotated[bool, typer.Option("--again", help="Train again even if a demo has finished before.")] = False,
    method: Annotated[str, typer.Option(help=method_help())] = "lora",
    sample: Annotated[str, typer.Option(help=_sample_help())] = "tickets",
    base: Annotated[
        str, typer.Option(help="The base model: starter, or smollm2, which is fetched first if needed.")
    ] = "starter",
) -> None:
    """Train on a bundled sample and print base and tuned answers to unseen examples; the last line is JSON."""
    from core.platform.supervisor import ensure
    from core.services.learn import demo as service
    from core.services.training import jobs, models

    with ensure({"redis", "worker"}, say):
        _fetch(base)
        demo = service.start(again=again, method=method, sample_id=sample, base_model=base)
        record = _follow(demo.id)
    job = jobs.get_job(record.job_id or "")
    figures = _exact_answers(record.report) if record.by_split else _by_part(record)
    print_json({
        "examples": job.examples, **figures,
        "train_seconds": round(float(job.measured.get("train_seconds") or 0.0), 1),
        "model": models.get_model(record.model_id or "").name,
    })  # fmt: skip


def _fetch(base: str) -> None:
    """Fetch the base model if it can be fetched and is not on this machine; naming it on the command line is the click.

    Raises:
        JobError: it could not be fetched.
    """
    from core.models import base_models
    from core.services.training import downloads

    wanted = base_models.resolve(base)
    if not (wanted.ready or wanted.buildable) and downloads.offers(wanted):
        wait_succeeded(downloads.start(wanted.id).id)


def _follow(demo_id: str) -> DemoRecord:
    """Print each step's progress on stderr until the demo ends. Raises JobError: a step failed; carries its message."""
    from core.services.learn import demo as service

    shown: dict[str, str] = {}
    while True:
        record = service.status(demo_id)
        for step in record.steps:
            line = f"{step.title}: {step.detail or step.state}"
            tenth = f"{step.state} {step.percent // 10}"  # a line for each tenth, not for each training step
            if step.state != "waiting" and shown.get(step.id) != tenth:
                say(f"{step.percent:3.0f}%  {line}")
                shown[step.id] = tenth
        if record.state == "failed":
            raise JobError(f"The demo failed: {record.error}", "Run it again; `sft doctor` lists what is missing.")
        if record.finished and record.tested:
            return record
        time.sleep(FOLLOW_S)


def _by_part(record: DemoRecord) -> dict[str, object]:
    """Print the figures of each part of the test split, and return them for JSON."""
    from core.services.learn import demo as service

    titles = service.sample(record.sample).parts
    figures: dict[str, object] = {}
    for part in record.report:
        title = titles.get(part.part, part.part)
        print(f"{title} ({len(part.questions)})")
        _side_by_side([question.asked for question in part.questions[:EXAMPLES]])
        print(f"  {'':<24}{'base':>10}{'tuned':>10}")
        for figure in part.figures:
            print(f"  {figure.title:<24}{figure.base.text:>10}{figure.tuned.text:>10}")
        print()
        if part.tuned_matrix:
            _matrix(part.tuned_matrix)
        figures[title] = {
            figure.title: {"base": round(figure.base.value, 3), "tuned": round(figure.tuned.value, 3)}
            for figure in part.figures
        }
    return {"test": figures}


def _matrix(matrix: ConfusionMatrix) -> None:
    """Print the confusion matrix of the tuned model."""
    width = max(len(label) for label in (*matrix.columns, "expected")) + 2
    print(f"  Tuned, {matrix.field}: a row per expected value, a column per answer")
    print("  " + f"{'':<{width}}" + "".join(f"{label:>{width}}" for label in matrix.columns))
    for label, counts in zip(matrix.labels, matrix.counts, strict=True):
        print("  " + f"{label:<{width}}" + "".join(f"{count:>{width}}" for count in counts))
    print()


def _exact_answers(report: Sequence[PartReport]) -> dict[str, object]:
    """Print the exact answers of both models, and return them for JSON."""
    titles = {"validation": "Paraphrased questions, never trained on", "train": "Trained questions"}
    figures: dict[str, object] = {}
    for part in sorted(report, key=lambda part: list(titles).index(part.part)):
        _side_by_side([question.asked for question in part.questions[:EXAMPLES]])
        for figure in part.figures:
            shares = f"base {figure.base.value:.2f}, tuned {figure.tuned.value:.2f} exact"
            print(f"{titles[part.part]} ({figure.tuned.total}): {shares}")
            if part.part == "train":
                figures |= {"base_exact_match": figure.base.value, "tuned_exact_match": figure.tuned.value}
    return figures


def _side_by_side(questions: Sequence[AnsweredExample]) -> None:
    """Print each question with the base model's answer on the left and the tuned model's on the right."""
    width = max(24, (min(shutil.get_terminal_size((100, 24)).columns, 120) - 3) // 2)
    for question in questions:
        print(f"Q: {question.question}")
        left, right = textwrap.wrap(f"base: {question.base}", width), textwrap.wrap(f"tuned: {question.tuned}", width)
        for one, other in zip_longest(left, right, fillvalue=""):
            print(f"{one:<{width}} | {other}".rstrip())
        print()
