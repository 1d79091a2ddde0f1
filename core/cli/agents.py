"""`sft agents`: names that answer with a model, a system message and settings; list, change and roll them back."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.managing import Managed, naming, shelving
from core.cli._support.output import moment, print_json, print_table
from core.cli._support.settings import Texts, assign
from core.errors import SettingsError

if TYPE_CHECKING:
    from core.services.serving.agents import AgentChanges, AgentRecord

ARCHIVED = Annotated[bool, typer.Option("--archived", help="Show archived agents too.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object per agent, one per line.")]
ONE = Annotated[str, typer.Argument(help="Name, handle or id of an agent.", autocompletion=complete("agent"))]
MODEL = Annotated[
    str, typer.Option(help="Id, name or slug of the model that answers.", autocompletion=complete("model"))
]
SYSTEM = Annotated[str | None, typer.Option(help="The system message; @FILE reads it from a file.")]
FALLBACK = Annotated[str | None, typer.Option(help="The model that answers where another cannot; empty: none.")]
SPLIT = Annotated[
    str | None, typer.Option(metavar="MODEL=SHARE", help="A second model and its share, such as v2=0.1; empty: none.")
]
STARTER = Annotated[Texts, typer.Option(help="An input that a chat offers; may be repeated.")]
SETTINGS = Annotated[Texts, typer.Option("--set", metavar="K=V", help="A decoding setting, such as temperature=0.2.")]
DESCRIPTION = Annotated[str | None, typer.Option(help="What it does, and for whom.")]
NOTE = Annotated[str, typer.Option(help="What changed, and why; stored with the version.")]


def agents(context: typer.Context, archived: ARCHIVED = False, as_json: AS_JSON = False) -> None:
    """List agents with their model and what they answered; create, change and roll them back."""
    if context.invoked_subcommand is None:
        list(archived=archived, as_json=as_json)


def list(archived: ARCHIVED = False, as_json: AS_JSON = False) -> None:
    """List agents, the newest first."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    with ensure(set()):
        found = service.list_agents(include_archived=archived)
        figures = service.figures([agent.id for agent in found])
        titles = {agent.id: service.model_title(agent.version.model_id) for agent in found}
    if as_json:
        for agent in found:
            print_json({**_described(agent), "figures": figures[agent.id]})
        return
    print_table(("AGENT", "NAME", "VERSION", "MODEL", "CONVERSATIONS", "ANSWERS", "CHANGED"), [
        (agent.model_name, agent.name, agent.version.number, titles[agent.id], figures[agent.id].conversations,
         figures[agent.id].answers, moment(agent.updated_at))
        for agent in found
    ])  # fmt: skip


def show(agent: ONE, as_json: AS_JSON = False) -> None:
    """Print how an agent answers, and its versions."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    with ensure(set()):
        found = service.get_agent(agent)
        versions = service.versions(found.id)
    if as_json:
        facts = ("number", "note", "author", "created_at")
        shown = [{**{name: getattr(one, name) for name in facts}, **one.content()} for one in versions]
        print_json({**_described(found), "versions": shown})
        return
    print_table(("FIELD", "VALUE"), [(name, value) for name, value in _described(found).items() if value])
    print()
    print_table(("VERSION", "MODEL", "BY", "NOTE", "CREATED"), [
        (one.number, one.model_id, one.author or "-", one.note or "-", moment(one.created_at)) for one in versions
    ])  # fmt: skip


def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    model: MODEL,
    system: SYSTEM = None,
    handle: Annotated[str, typer.Option(help="Programs ask for agent:HANDLE; left out: made from the name.")] = "",
    description: DESCRIPTION = None,
    fallback: FALLBACK = None,
    split: SPLIT = None,
    starter: STARTER = None,
    settings: SETTINGS = None,
) -> None:
    """Create an agent; prints the name by which programs ask for it."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    changes = _changes(system, description, fallback, split, starter)
    changes["name"], changes["model"] = name, model
    if handle:
        changes["handle"] = handle
    with ensure(set()):
        if settings:
            changes["settings"] = assign(settings, service.AgentSettings)[0]
        made = service.create(**changes)
    print(made.model_name)


def update(
    agent: ONE,
    model: Annotated[str | None, typer.Option(help="Id, name or slug of a model.")] = None,
    system: SYSTEM = None,
    description: DESCRIPTION = None,
    fallback: FALLBACK = None,
    split: SPLIT = None,
    starter: STARTER = None,
    settings: SETTINGS = None,
    note: NOTE = "",
) -> None:
    """Change an agent; how it answers then is a further version."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    changes = _changes(system, description, fallback, split, starter)
    if model is not None:
        changes["model"] = model
    with ensure(set()):
        found = service.get_agent(agent)
        if settings:
            changes["settings"] = {**found.version.settings.model_dump(), **assign(settings, service.AgentSettings)[0]}
        _print(service.update(found.id, note=note, **changes))


def deploy(
    agents: Annotated[builtins.list[str], typer.Argument(metavar="AGENT...", help="Names, handles or ids of agents.")],
    model: MODEL,
    share: Annotated[float | None, typer.Option(help="Of the conversations, such as 0.1; left out: all.")] = None,
    reason: Annotated[str, typer.Option(help="Stored with the version; needed against the verdict Don't ship.")] = "",
) -> None:
    """Let a model answer for agents; each gets a further version."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    with ensure(set()):
        for agent in service.deploy(model, agents, share=share, reason=reason):
            _print(agent)


def rollback(agent: ONE, to: Annotated[int, typer.Option(help="The number of an earlier version.")]) -> None:
    """Let an agent answer as an earlier version did: a further version with its content."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    with ensure(set()):
        _print(service.roll_back(service.get_agent(agent).id, to))


def move(
    model: Annotated[str, typer.Argument(help="Id or name of a model.", autocompletion=complete("model"))],
) -> None:
    """Let the agents that use a model answer with their second or fallback model, so that it can be archived."""
    from core.platform.supervisor import ensure
    from core.services.serving import agents as service

    with ensure(set()):
        moved = service.move_off(model)
    for agent in moved:
        _print(agent)
    if not moved:
        say("No agent uses this model.")


def _print(agent: AgentRecord) -> None:
    print(f"{agent.model_name}  version {agent.version.number}  {agent.version.model_id}")


def _changes(
    system: str | None, description: str | None, fallback: str | None, split: str | None, starter: Texts
) -> AgentChanges:
    changes: AgentChanges = {}
    if system is not None:
        changes["system"] = _text(system)
    if description is not None:
        changes["description"] = description
    if fallback is not None:
        changes["fallback"] = fallback
    if split is not None:
        changes["split"] = _split(split)
    if starter:
        changes["starters"] = starter
    return changes


def _text(given: str) -> str:
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{given[1:]} cannot be read as text.", "Check the path of --system @FILE.") from error


def _split(given: str) -> tuple[str, float] | None:
    if not given:
        return None
    model, equals, share = given.rpartition("=")
    try:
        return model, float(share if equals else "")
    except ValueError:
        text = f"--split {given}: the share is missing."
        raise SettingsError(text, "Write it as --split MODEL=0.1.") from None


def _described(agent: AgentRecord) -> dict[str, Any]:
    own = {"agent": agent.model_name, "id": agent.id, "name": agent.name, "description": agent.description}
    return {**own, "archived_at": agent.archived_at, "version": agent.version.number, **agent.version.content()}


def _service() -> Any:
    from core.services.serving import agents as service

    return service


AGENT = Managed("agent", _service, lambda item: _service().get_agent(item))
SUBCOMMANDS = (list, show, create, update, deploy, rollback, move, *naming(AGENT), *shelving(AGENT))
