"""`sft demo`: train on the bundled sample, without a browser."""

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
from core.cli._support.waiting import POLL_S
from core.cli.train import method_help
from core.errors import JobError

if TYPE_CHECKING:
    from core.services.learn.demo import DemoRecord
    from core.services.training.results import TestedQuestion


def demo(
    again: Annotated[bool, typer.Option("--again", help="Train again even if a demo has finished before.")] = False,
    method: Annotated[str, typer.Option(help=method_help())] = "lora",
) -> None:
    """Train on the bundled sample and print base and tuned answers side by side; the last line is JSON."""
    from core.platform.supervisor import ensure
    from core.services.learn import demo as service
    from core.services.training import jobs, models

    with ensure({"redis", "worker"}, say):
        record = _follow(service.start(again=again, method=method).id)
    job = jobs.get_job(record.job_id or "")
    match = record.exact_match
    assert match is not None
    base, tuned, counts = match.base, match.tuned, match.counts
    _side_by_side(match.samples)
    if counts.validation:
        print(
            f"Paraphrased questions, never trained on ({counts.validation}): base {base.validation:.2f}, "
            f"tuned {tuned.validation:.2f} exact"
        )
    print(f"Trained questions ({counts.train}): base {base.train:.2f}, tuned {tuned.train:.2f} exact")
    print_json({
        "examples": counts.train, "base_exact_match": base.train, "tuned_exact_match": tuned.train,
        "train_seconds": round(float(job.measured.get("train_seconds") or 0.0), 1),
        "model": models.get_model(record.model_id or "").name,
    })  # fmt: skip


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
        if record.finished and record.exact_match:
            return record
        time.sleep(POLL_S)


def _side_by_side(samples: Sequence[TestedQuestion]) -> None:
    """Print each question with the base model's answer on the left and the tuned model's on the right."""
    width = max(24, (min(shutil.get_terminal_size((100, 24)).columns, 120) - 3) // 2)
    for sample in samples:
        print(f"Q: {sample.question}")
        left, right = textwrap.wrap(f"base: {sample.base}", width), textwrap.wrap(f"tuned: {sample.tuned}", width)
        for one, other in zip_longest(left, right, fillvalue=""):
            print(f"{one:<{width}} | {other}".rstrip())
        print()
