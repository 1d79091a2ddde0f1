"""`sft conversations`: what was asked and answered in Chat, by agents and by programs; and datasets made of it."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.changes import print_dataset
from core.cli._support.completing import complete
from core.cli._support.days import beginning_of, end_of
from core.cli._support.output import moment, print_json, print_table
from core.cli._support.settings import Texts, assign
from core.cli._support.waiting import wait_succeeded
from core.text import plural

_SHORT = 48
Agent = Annotated[
    str, typer.Option(help="Only those with this agent: its name, handle or id.", autocompletion=complete("agent"))
]
Model = Annotated[
    str, typer.Option(help="Only those that this model answered: its name or id.", autocompletion=complete("model"))
]
Since = Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="Only those of this day and later.")]
Until = Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Only those up to this day, inclusive.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]


def conversations(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="Only those with these words in the title or in one message.")] = "",
    agent: Agent = "",
    model: Model = "",
    since: Since = "",
    until: Until = "",
    rating: Annotated[str, typer.Option(help="good, bad, mixed or none.")] = "",
    reason: Annotated[str, typer.Option(help="Only those with a vote for this reason, such as incorrect.")] = "",
    origin: Annotated[str, typer.Option(help="chat, or api for those of programs.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List conversations, the last changed first: searched, and filtered by agent, model, date, rating and reason."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.serving.recorded import talks

    days = {"since": beginning_of(since, "--from"), "until": end_of(until, "--to")}
    asked = talks.TalksAsked(search, agent, model, rating, reason, origin, **days)
    with ensure(set()):
        found, total = talks.find(asked, 0, limit)
    if as_json:
        for one in found:
            print_json(one)
        return
    print_table(("CONVERSATION", "TITLE", "AGENT", "MODEL", "MESSAGES", "RATING", "CHANGED"), [
        (one.id, _short(one.title), one.agent or "-", one.model or "-", one.turns, one.rating, moment(one.updated_at))
        for one in found
    ])  # fmt: skip
    if total > len(found):
        say(f"{len(found):,} of {total:,} conversations; --limit lists more.")


def show(
    conversation: Annotated[str, typer.Argument(help="Id of a conversation.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a conversation: who said what, which model answered, in which time."""
    from core.platform.supervisor import ensure
    from core.services.serving import conversations as service

    with ensure(set()):
        found = service.get_conversation(conversation)
    if as_json:
        print_json(found)
        return
    print(found.title)
    for turn in found.turns:
        about = ""
        if turn.is_answer:
            state = "" if turn.state == "complete" else f", {turn.state}"
            about = f" ({turn.model_name}, {turn.completion_tokens:,} tokens, {turn.seconds:.1f} s{state})"
        print(f"\n{turn.role}{about}:\n{turn.content}")
        if turn.error:
            say(f"{turn.error.get('message', '')} {turn.error.get('remedy', '')}".strip())


def import_conversations(
    name: Annotated[str, typer.Argument(help="Name of the new dataset.")],
    agent: Agent = "",
    model: Model = "",
    since: Since = "",
    until: Until = "",
    min_quality: Annotated[
        int, typer.Option(min=0, max=100, help="The lowest quality score to take; 70: no problem was found.")
    ] = 0,
    max_examples: Annotated[int | None, typer.Option(min=1, help="The most examples; the newest are taken.")] = None,
    settings: Annotated[
        Texts, typer.Option("--set", metavar="K=V", help="A further choice of filtering, such as redact=false.")
    ] = None,
    description: Annotated[str, typer.Option(help="A sentence about the dataset.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a dataset of this studio's conversations; an accepted correction takes the place of the answer."""
    from core.data.chat_logs.shaping import ChatRecipe
    from core.platform.supervisor import ensure
    from core.services.serving import agents
    from core.services.serving.feedback import own_chats
    from core.services.serving.recorded import talks

    (recipe,) = assign(settings or [], ChatRecipe)
    days = {"since": beginning_of(since, "--from"), "until": end_of(until, "--to")}
    with ensure(set()):
        asked = own_chats.OwnChats(
            agent_id=agents.get_agent(agent).id if agent else "",
            model_id=talks.model_id(model) if model else "",
            **days,
            min_quality=min_quality,
            max_examples=max_examples,
        )
        found = own_chats.count(asked)
    say(f"{plural(found, 'conversation')} {'matches' if found == 1 else 'match'}")
    with ensure({"worker-cpu"}, say):
        task = wait_succeeded(own_chats.start(asked, name=name, description=description, recipe=recipe).id)
    facts = ("conversations", "read", "accepted", "rejected", "left")
    print_dataset(str(task.result["dataset_id"]), {name: task.result[name] for name in facts}, as_json=as_json)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


import_conversations.__name__ = "import"
SUBCOMMANDS = (show, import_conversations)
