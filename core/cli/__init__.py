"""`sft`: the command line. One file and one line per verb; results go to stdout, progress and logs to stderr.

Exit codes: 0 it worked, 1 it did not (the message says why and what to do), 2 the command or a file could not be
read, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from core.platform.short_processes import collect_rarely, do_without_pandas
from core.registry import Registry

if TYPE_CHECKING:
    import typer

# A verb is a module with a function of its name; its SUBCOMMANDS, if it has some, become `sft VERB SUBCOMMAND`.
# The order is the order of `sft --help`.
VERBS: Final = Registry[str]("verb of sft", key=lambda module: module.rpartition(".")[2])
for _verb in (
    "up", "demo", "validate", "analyze", "rows", "convert", "write", "chats", "connections", "datasets", "history",
    "split", "dedupe", "mix", "undo", "export", "base", "train", "jobs", "models", "agents", "tasks", "merge", "chat",
    "conversations", "feedback", "evaluate", "spending", "budget", "worker", "keys", "notices", "shutdowns", "signin",
    "doctor",
):  # fmt: skip
    VERBS.add(f"core.cli.{_verb}")


def build_app(verb: str | None = None) -> typer.Typer:
    """The command line as a typer app; a test compares docs/cli.md with it.

    Args:
        verb: the only one to load, because the help texts of all verbs import half of the studio. None, or what is not
            a verb: all of them.
    """
    import typer

    app = typer.Typer(
        name="sft",
        help="Turn tables into labeled examples, fine-tune a model on them, and ask it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: readable in logs, and no terminal guessing
    )
    app.callback()(lambda: None)  # typer would run an app with a single command without its name
    for module in [VERBS.get(verb)] if verb is not None and verb in VERBS else VERBS:
        _add(app, module)
    return app


def _add(app: typer.Typer, module: str) -> None:
    import typer

    from core.cli._support.reading import with_reading
    from core.cli._support.run_settings import with_run_settings

    verb = module.rpartition(".")[2]
    loaded = import_module(module)
    function, subcommands = getattr(loaded, verb), getattr(loaded, "SUBCOMMANDS", ())
    if not subcommands:
        app.command()(with_run_settings(with_reading(function)))
        return
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback()(function)
    for subcommand in subcommands:
        group.command()(subcommand)
    app.add_typer(group, name=verb)


def main(argv: list[str] | None = None) -> int:
    """Run `sft` and return its exit code; every error becomes a message on stderr, never a traceback."""
    if argv is None:  # the process is this command alone
        _open_standard_streams()
        collect_rarely()
        do_without_pandas()
    try:
        from core.cli._support.boundary import run_guarded
    except KeyboardInterrupt:  # in the first second, before the boundary is there
        print("Interrupted.", file=sys.stderr)
        return 130

    arguments = sys.argv[1:] if argv is None else argv
    verb = next(iter(arguments), None) or _completed_verb()
    return run_guarded(lambda: build_app(verb)(args=arguments, prog_name="sft", standalone_mode=False))


def _completed_verb() -> str | None:
    """The verb on the line that a shell wants completed, so that only its module is loaded; None while it is typed."""
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    words = line.split() if "_SFT_COMPLETE" in os.environ else []
    return words[1] if len(words) > 2 or (len(words) == 2 and line[-1:].isspace()) else None


def _open_standard_streams() -> None:
    """Open what the caller closed (`<&- >&- 2>&-`): a pipe or a database would get its number, and be written over."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  until the end
