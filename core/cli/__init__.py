"""`sft`: the command line. One file per verb; results go to stdout, progress and logs to stderr.

Exit codes: 0 it worked, 1 it did not (the message says why and what to do), 2 the command or a file could not be
read, 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from core.cli.boundary import run_guarded

# One verb, one file with `register(app)`. The order is the order of `sft --help`.
VERBS = (
    "up",
    "demo",
    "validate",
    "analyze",
    "rows",
    "convert",
    "write",
    "connections",
    "datasets",
    "history",
    "split",
    "dedupe",
    "mix",
    "undo",
    "export",
    "train",
    "jobs",
    "models",
    "merge",
    "chat",
    "worker",
    "doctor",
)


def build_app() -> typer.Typer:
    """The whole command line as a typer app (docs/cli.md is held against it by a test)."""
    app = typer.Typer(
        name="sft",
        help="Turn tables into labeled examples, fine-tune a model on them, and ask it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: readable in logs, and no terminal guessing
    )
    for verb in VERBS:
        import_module(f"core.cli.{verb}").register(app)
    return app


def main(argv: list[str] | None = None) -> int:
    """Run `sft` and return its exit code; every error becomes a message on stderr, never a traceback."""
    arguments = sys.argv[1:] if argv is None else argv
    return run_guarded(lambda: build_app()(args=arguments, prog_name="sft", standalone_mode=False))
