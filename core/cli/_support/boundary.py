"""The error boundary: turns errors into exit codes and messages on stderr."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from core.cli._support.near import did_you_mean, near
from core.errors import BudgetReached, StudioError
from core.platform import logs
from core.platform.private import keep_private
from core.settings import get_settings

INTERRUPTED = 130
# Errors of the operating system about a full disk or an unusable path: the studio itself works.
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENOENT,
             errno.ENAMETOOLONG, errno.EISDIR}  # fmt: skip


def run_guarded(action: Callable[[], Any]) -> int:
    """Run `action` and return its exit code (an int that it returns, else 0).

    A StudioError is printed with its remedy (1), a wrong command line with its usage (2), an unexpected error with a
    short id that finds its traceback in the log file (1).
    """
    _print_anything()
    with contextlib.suppress(StudioError):  # a wrong setting is reported by whoever needs it
        if note := keep_private():
            say(note)
    logs.configure("cli", level=logging.WARNING, on_stderr=True)  # stdout is for results
    try:
        code = action()
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer turns Ctrl-C into this code
            say("Interrupted.")
        return code if isinstance(code, int) else 0
    except TyperException as error:
        _suggest(error)
        _name_all_missing(error)
        show = getattr(error, "show", None)  # typer's own have the usage with them
        show() if show is not None else say(str(error))
        return error.exit_code
    except StudioError as error:
        option = ' The option is --over-budget "REASON".' if isinstance(error, BudgetReached) else ""
        say(f"{error.message}\n{error.remedy}{option}".strip())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) is done. Python would report the error again when it closes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        # typer turns a BrokenPipeError into this.
        if isinstance(stop.__context__, BrokenPipeError):
            return 0
        raise
    except Exception as error:  # no traceback reaches the user
        error_id, log = record_unexpected(error)
        if isinstance(error, OSError) and error.errno in _REFUSALS:
            where = f" ({error.filename})" if error.filename else ""
            say(f"{error.strerror}{where}.\nCheck the path, its permissions and the free space: of SFT_DATA_DIR, which "
                "holds the studio's files, and of the file that the output is sent to. The details of error "
                f"{error_id} are in {log}.")  # fmt: skip
            return 1
        say(f"Something unexpected happened (error {error_id}). The details are in {log}.")
        return 1


def _suggest(error: TyperException) -> None:
    """Replace typer's guesses for an unknown option, which go by letters alone: `--lr` is not near `--dora`."""
    if (typed := getattr(error, "option_name", None)) and getattr(error, "possibilities", None) is not None:
        command = getattr(getattr(error, "ctx", None), "command", None)
        known = [name for item in getattr(command, "params", ()) for name in item.opts if name.startswith("--")]
        error.message = f"Unknown option {typed}.{did_you_mean(near(typed, known))}"
        error.possibilities = None  # type: ignore[attr-defined]


def _name_all_missing(error: TyperException) -> None:
    """Name everything that is missing with its meaning; typer names the first one only."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ != "MissingParameter" or context is None:
        return
    # What was given was read before the first missing one.
    missing = [item for item in context.command.params if item.required and item.name not in context.params]
    names = [
        item.opts[0] if item.param_type_name == "option" else item.metavar or item.name.upper() for item in missing
    ]
    lines = [f"  {name}: {' '.join((item.help or '').split())}" for name, item in zip(names, missing, strict=True)]
    text = "\n".join([f"Missing: {' and '.join(names)}.", *lines])
    error.format_message = lambda: text  # type: ignore[method-assign]


def _print_anything() -> None:
    """Print UTF-8 in every locale; lone surrogates (in file names, for example) are printed as escapes."""
    if sys.stdout is None:  # closed by the caller (`>&-`): the results are discarded
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  open until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def say(text: str) -> None:
    """Print to stderr, where progress and messages go."""
    print(text, file=sys.stderr, flush=True)


def record_unexpected(error: Exception) -> tuple[str, Path]:
    """Append the traceback to the log file and return (short id, path of the log)."""
    error_id = secrets.token_hex(3)
    text = f"{time.strftime('%Y-%m-%d %H:%M:%S')} error {error_id}\n" + "".join(traceback.format_exception(error))
    try:
        log = get_settings().data_dir / "logs" / "cli.log"
    except StudioError:
        log = Path.cwd() / "sft-cli.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as handle:
            handle.write(text + "\n")
    except OSError:
        return error_id, Path("(the log could not be written)")
    return error_id, log
