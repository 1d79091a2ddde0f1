"""`sft chat`: ask a model or an agent; only the answer goes to stdout."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.money import OverBudget
from core.errors import ProviderError, SettingsError
from core.messages import Message

if TYPE_CHECKING:
    from core.services.serving.agents import AgentRecord

STARTER = "starter"
MAX_TOKENS = 256
POLL_S = 0.05


def chat(
    question: Annotated[
        str, typer.Argument(help="What to ask. With --agent: left out, its starters are shown and each line is asked.")
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            help="Name or id of a tuned model, its beginning, its job or dataset, or a base such as starter; "
            "agent:HANDLE asks an agent. Left out: the starter answers.",
            autocompletion=complete("model"),
        ),
    ] = "",
    agent: Annotated[
        str,
        typer.Option(
            help="Name, handle or id of an agent: its model, system message and settings are used, and the "
            "conversation is stored.",
            autocompletion=complete("agent"),
        ),
    ] = "",
    conversation: Annotated[str, typer.Option(help="With --agent: the id of a conversation to continue.")] = "",
    system: Annotated[str | None, typer.Option(help="System message; use the one of the model's examples.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, max=4096, help=f"Maximum answer length, in tokens; {MAX_TOKENS} if left out.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, help="0, the default, always takes the most likely token.")
    ] = None,
    over_budget: OverBudget = "",
) -> None:
    """Ask a model a question and print its answer; or talk to an agent, in a conversation that Chat shows too."""
    from core.platform.supervisor import ensure
    from core.services.platform import budgets
    from core.services.serving import chat as service, connected, served

    if asked_agent := _agent_of(agent, model):
        _refuse_own(system=system, max_tokens=max_tokens, temperature=temperature)
        with budgets.acting(override_reason=over_budget):
            _talk(asked_agent, question, conversation)
        return
    if conversation:
        raise SettingsError("--conversation needs --agent.", "Conversations with agents are stored; name the agent.")
    if not question.strip():
        raise SettingsError("There is no question.", 'Write it as sft chat "What to ask".')
    chosen = served.find(model or STARTER)
    service.identity(chosen)  # a wrong name is reported before anything starts
    if not model:
        say(_who_answers())
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", question))
    length, heat = max_tokens or MAX_TOKENS, temperature or 0.0
    here = not connected.at_service(chosen)
    with ensure({"inference"} if here else set(), say), budgets.acting(override_reason=over_budget):
        for piece in service.stream(chosen, messages, max_tokens=length, temperature=heat):
            sys.stdout.write(piece)
            sys.stdout.flush()
    sys.stdout.write("\n")


def _agent_of(agent: str, model: str) -> str:
    """The agent that is meant by either option; "" for a model."""
    by_model = model.startswith("agent:")
    if agent and model:
        raise SettingsError("--agent and --model exclude each other.", "An agent has its own model: name one of both.")
    return model if by_model else agent


def _refuse_own(**given: object) -> None:
    """Settings that an agent has itself are refused rather than ignored."""
    if names := [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]:
        raise SettingsError(
            f"{', '.join(names)}: an agent has its own.", "Leave it out, or change the agent: sft agents update."
        )


def _talk(name: str, question: str, conversation: str) -> None:
    """One question to an agent, or the lines of stdin one after the other, as one stored conversation."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents, connected, conversations

    found = agents.get_agent(name)
    talk = conversations.get_conversation(conversation).id if conversation else conversations.new_conversation_id()
    agents.resolve(found, talk)  # an agent without a model that can answer is reported before anything starts
    ids = (found.version.model_of(talk), found.version.fallback_model_id)
    here = any(model_id and not connected.at_service(model_id) for model_id in ids)
    with ensure({"inference"} if here else set(), say):
        if question.strip():
            _ask(found, talk, question)
        else:
            for text in _lines(found):
                _ask(found, talk, text)
    if conversations.revision_of(talk) is not None:
        say(f"Continue it: sft chat --agent {shlex.quote(found.handle)} --conversation {talk} ...")


def _lines(found: AgentRecord) -> Iterator[str]:
    """What is typed or piped, line by line; a number chooses a starter, an empty line ends it."""
    starters = found.version.starters
    for number, text in enumerate(starters, 1):
        say(f"  {number}  {' '.join(text.split())}")
    if sys.stdin.isatty():
        choose = f"Type a number from 1 to {len(starters)}, or what" if starters else "Type what"
        say(f"{choose} to ask {found.name}; an empty line ends the conversation.")
    for line in sys.stdin:
        text = line.strip()
        if not text:
            return
        is_starter = text.isascii() and text.isdigit() and 1 <= int(text) <= len(starters)
        yield starters[int(text) - 1] if is_starter else text


def _ask(found: AgentRecord, talk: str, text: str) -> None:
    """Send one input and print the answer while it is written. Raises ProviderError: the answer failed."""
    from core.services.serving import conversations
    from core.services.serving.conversations import AnswerChoice

    seen = conversations.get_conversation(talk).last_id if conversations.revision_of(talk) is not None else ""
    turn = conversations.send(talk, text, AnswerChoice("", agent_id=found.id), seen=seen).last
    printed = ""
    try:
        while turn is not None:
            is_running = turn.is_running
            sys.stdout.write(turn.content[len(printed) :])
            sys.stdout.flush()
            printed = turn.content
            if not is_running:
                break
            time.sleep(POLL_S)
            turn = conversations.progress(turn)
    except KeyboardInterrupt:
        if turn is not None:
            conversations.stop(turn.id)
        raise
    sys.stdout.write("\n" if printed else "")
    if turn is not None and turn.error:
        raise ProviderError(str(turn.error.get("message", "")), str(turn.error.get("remedy", "")))


def _who_answers() -> str:
    """That the starter answers, and how to ask a tuned model instead."""
    from core.services.training import models

    newest = next(iter(models.list_models()), None)
    other = f"ask a tuned model with {shlex.join(['--model', newest.name])}" if newest else "--model names another one"
    return f"The base model {STARTER} answers; {other} (`sft models` lists them)."
