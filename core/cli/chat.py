"""`sft chat`: ask a model; only the answer goes to stdout."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.messages import Message

STARTER = "starter"


def chat(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    model: Annotated[
        str,
        typer.Option(
            help="Name or id of a tuned model, its beginning, its job or dataset, or a base such as starter. Left out: "
            "the starter answers.",
            autocompletion=complete("model"),
        ),
    ] = "",
    system: Annotated[str, typer.Option(help="System message; use the one of the model's examples.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1, max=4096, help="Maximum answer length, in tokens.")] = 256,
    temperature: Annotated[float, typer.Option(min=0.0, max=2.0, help="0 always takes the most likely token.")] = 0.0,
) -> None:
    """Ask a model a question and print its answer."""
    from core.platform.supervisor import ensure
    from core.services.serving import chat as service, served

    chosen = served.find(model or STARTER)
    service.identity(chosen)  # a wrong name is reported before anything starts
    if not model:
        say(_who_answers())
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", question))
    with ensure({"inference"}, say):
        for piece in service.stream(chosen, messages, max_tokens=max_tokens, temperature=temperature):
            sys.stdout.write(piece)
            sys.stdout.flush()
    sys.stdout.write("\n")


def _who_answers() -> str:
    """That the starter answers, and how to ask a tuned model instead."""
    from core.services.training import models

    newest = next(iter(models.list_models()), None)
    other = f"ask a tuned model with {shlex.join(['--model', newest.name])}" if newest else "--model names another one"
    return f"The base model {STARTER} answers; {other} (`sft models` lists them)."
