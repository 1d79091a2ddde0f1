"""Subcommands that several verbs share: rename, archive, restore and delete what has a name, and act on work.

`sft jobs cancel`, `sft models delete` and the others differ in the service that they call; each is made here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.money import OVER_BUDGET
from core.errors import InvalidTransition, SettingsError
from core.text import plural

Command = Callable[..., None]


class Named(Protocol):
    """A dataset, a job or a model."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Managed:
    """One kind of thing. `service` imports its service when it is called, so that `sft --help` stays quick.

    `find` returns the thing with a name or an id.
    """

    noun: str
    service: Callable[[], Any]
    find: Callable[[str], Named]

    @property
    def argument(self) -> Any:
        what = "Id" if self.noun == "task" else "Name or id"
        help_text = f"{what} of a {self.noun}."
        return typer.Argument(metavar=self.noun.upper(), help=help_text, autocompletion=complete(self.noun))

    @property
    def arguments(self) -> Any:
        what = "Ids" if self.noun == "task" else "Names or ids"
        help_text = f"{what} of {self.noun}s."
        return typer.Argument(metavar=f"{self.noun.upper()}...", help=help_text, autocompletion=complete(self.noun))


def shelving(of: Managed) -> tuple[Command, ...]:
    """`archive` and `restore`."""

    def archive(items: list[str]) -> None:
        with _ready():
            found = [of.find(item) for item in items]
            done = of.service().archive([item.id for item in found])
            for item in found if done < len({item.id for item in found}) else ():
                _say_why_not(of, item)
            say(f"{plural(done, of.noun)} archived; --archived lists what is archived.")

    def restore(items: list[str]) -> None:
        with _ready():
            say(f"{plural(of.service().restore([of.find(item).id for item in items]), of.noun)} restored.")

    hidden = " that have ended" if of.noun in ("job", "task") else ""
    return (
        _command(archive, f"Hide {of.noun}s{hidden} from lists and choices. Nothing is deleted.", items=of.arguments),
        _command(restore, f"Show archived {of.noun}s again.", items=of.arguments),
    )


def naming(of: Managed) -> tuple[Command, ...]:
    """`rename` and `delete`."""

    def rename(item: str, name: str) -> None:
        with _ready():
            print(of.service().rename(of.find(item).id, name).name)

    def delete(items: list[str], yes: bool = False) -> None:
        with _ready():
            found = [of.find(item) for item in items]
            for item in found:
                say(f"{item.name}: {of.service().dependents(item.id).text}")
            _confirm(of.noun, found, yes=yes)
            for item in found:
                of.service().delete(item.id, item.name)
            say(f"{plural(len(found), of.noun)} deleted.")

    name = typer.Argument(metavar="NAME", help="Its new name.")
    skip = typer.Option("--yes", help="Do not ask for confirmation.")
    return (
        _command(rename, f"Give a {of.noun} another name.", item=of.argument, name=name),
        _command(
            delete,
            f"Delete {of.noun}s with their files, permanently; prints what depends on each first.",
            items=of.arguments,
            yes=skip,
        ),
    )


def acting(of: Managed, request: Callable[[str, str], Any], told: dict[str, str]) -> tuple[Command, ...]:
    """One command for each action: `told` says what it does."""

    def perform(action: str, items: list[str], reason: str = "") -> None:
        from core.platform.supervisor import ensure
        from core.services.platform import budgets, tasks

        with ensure({"redis"} if action in _WAKES else set(), say), budgets.acting(override_reason=reason):
            for item in items:
                found = of.find(item)
                after = request(found.id, action)
                waits = f" ({after.command} at its next step)" if after.command else ""
                print(f"{found.id}  {after.state}{waits}")
                if after.state == "pending" and (why := tasks.waiting_reason(tasks.get_task(_task_id(after)))):
                    say(f"Waits: {why}")

    def command(action: str, text: str) -> Command:
        def act(items: list[str]) -> None:
            perform(action, items)

        def act_paid(items: list[str], over_budget: str = "") -> None:
            perform(action, items, over_budget)

        act.__name__ = act_paid.__name__ = action
        if action in _PAID:
            return _command(act_paid, text, items=of.arguments, over_budget=OVER_BUDGET)
        return _command(act, text, items=of.arguments)

    return tuple(command(action, text) for action, text in told.items())


_WAKES = ("resume", "retry", "keep")  # a worker is woken through Redis
_PAID = ("retry",)  # reserves again what the work may cost


def _task_id(item: Any) -> str:
    return str(getattr(item, "task_id", item.id))


def _ready() -> Any:
    from core.platform.supervisor import ensure

    return ensure(set())


def _confirm(noun: str, found: Sequence[Named], *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError("Deleting needs a confirmation, and the input is not a terminal.", "Add --yes.")
    names = ", ".join(f"“{item.name}”" for item in found)
    typer.confirm(f"Delete the {noun}{'s' if len(found) > 1 else ''} {names} permanently?", err=True, abort=True)


def _say_why_not(of: Managed, item: Named) -> None:
    if getattr(item, "archived_at", None) is None and not getattr(item, "is_terminal", True):
        text = f"“{item.name}” has not ended, so it cannot be archived."
        raise InvalidTransition(text, f"Cancel the {of.noun} first.")


def _command(function: Command, text: str, **options: Any) -> Command:
    """The function with a help text and typer's parameters, which its annotations cannot name here."""
    function.__doc__ = text
    types = {"items": list[str], "item": str, "name": str, "yes": bool, "over_budget": str}
    function.__annotations__ = {name: Annotated[types[name], option] for name, option in options.items()}
    return function


def subcommands(*groups: Iterable[Command]) -> tuple[Command, ...]:
    """The commands of several groups as one tuple."""
    return tuple(command for group in groups for command in group)
