"""`sft`: the command line. One file and one line per verb; results go to stdout, progress and logs to stderr.

Exit codes: 0 it worked, 1 it did not (the message says why and what to do), 2 the command or a file could not be
read, 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import typer

from core.cli._support.boundary import run_guarded
from core.registry import Registry

# A verb is a module with `register(app)`. The order is the order of `sft --help`.
VERBS: Final = Registry[str]("verb of sft", key=lambda module: module.rpartition(".")[2])
VERBS.add("core.cli.up")
VERBS.add("core.cli.demo")
VERBS.add("core.cli.validate")
VERBS.add("core.cli.analyze")
VERBS.add("core.cli.rows")
VERBS.add("core.cli.convert")
VERBS.add("core.cli.write")
VERBS.add("core.cli.connections")
VERBS.add("core.cli.datasets")
VERBS.add("core.cli.history")
VERBS.add("core.cli.split")
VERBS.add("core.cli.dedupe")
VERBS.add("core.cli.mix")
VERBS.add("core.cli.undo")
VERBS.add("core.cli.export")
VERBS.add("core.cli.train")
VERBS.add("core.cli.jobs")
VERBS.add("core.cli.models")
VERBS.add("core.cli.merge")
VERBS.add("core.cli.chat")
VERBS.add("core.cli.worker")
VERBS.add("core.cli.doctor")


def build_app(verb: str | None = None) -> typer.Typer:
    """The command line as a typer app; a test compares docs/cli.md with it.

    Args:
        verb: the only one to load, because the help texts of all verbs import half of the studio. None, or what is not
            a verb: all of them.
    """
    app = typer.Typer(
        name="sft",
        help="Turn tables into labeled examples, fine-tune a model on them, and ask it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: readable in logs, and no terminal guessing
    )
    app.callback()(lambda: None)  # typer would run an app with a single command without its name
    for module in [VERBS.get(verb)] if verb is not None and verb in VERBS else VERBS:
        import_module(module).register(app)
    return app


def main(argv: list[str] | None = None) -> int:
    """Run `sft` and return its exit code; every error becomes a message on stderr, never a traceback."""
    arguments = sys.argv[1:] if argv is None else argv
    return run_guarded(
        lambda: build_app(next(iter(arguments), None))(args=arguments, prog_name="sft", standalone_mode=False)
    )
