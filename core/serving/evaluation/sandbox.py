"""What runs a user's definition, inside a limited process (`core.platform.limited`)."""

from __future__ import annotations

import builtins
import importlib
import json
import re
from typing import Any, Final

# Modules that compute on text and numbers; none opens files, processes or connections.
ALLOWED: Final = frozenset({
    "re", "json", "math", "string", "collections", "itertools", "functools", "difflib", "statistics", "unicodedata",
    "datetime", "decimal", "fractions", "textwrap",
})  # fmt: skip
_REMOVED: Final = ("open", "input", "breakpoint", "exec", "eval", "compile", "help", "memoryview")
_compiled: dict[str, Any] = {}


def regex(pattern: str, text: str) -> bool | str:
    """Whether the pattern matches somewhere in the text; a sentence if it is not a pattern."""
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        return str(error)


def schema(body: str, text: str) -> bool | str:
    """Whether the text is JSON of a schema; a sentence if the schema is none, or leads out of itself."""
    import jsonschema
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        if body not in _compiled:
            _compiled.clear()
            definition = json.loads(body)
            jsonschema.Draft202012Validator.check_schema(definition)
            _compiled[body] = jsonschema.Draft202012Validator(definition, registry=Registry())
    except jsonschema.SchemaError as error:
        return f"it is not a schema, {error.message}"[:300]
    except (ValueError, RecursionError) as error:
        return f"it is not JSON, {error}"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    try:
        return bool(_compiled[body].is_valid(value))
    except Unresolvable as error:
        return f"the reference {error.ref!r} does not lead to a part of it"[:300]
    except RecursionError:
        return "its references go round in circles"
    except ArithmeticError:  # a number that no multiple can be computed of
        return False


def function(source: str, answer: str, expected: str) -> float | str:
    """What `score(answer, expected)` of a source returns, 0 to 1; a sentence if it fails."""
    try:
        if source not in _compiled:
            _compiled.clear()
            _lock()
            names: dict[str, Any] = {"__builtins__": _builtins(), "__name__": "metric"}
            exec(compile(source, "metric", "exec"), names)  # noqa: S102  in a process without rights, by its owner
            _compiled[source] = names["score"]
        value = float(_compiled[source](answer, expected))
    except KeyError:
        return "it has no function `score(answer, expected)`"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return value if 0 <= value <= 1 else f"it returned {value:g}, not 0 to 1"


def _builtins() -> dict[str, Any]:
    allowed = {name: value for name, value in vars(builtins).items() if name not in _REMOVED}
    original = builtins.__import__

    def checked(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] not in ALLOWED:
            raise ImportError(f"the module {name!r} cannot be imported here")
        return original(name, *arguments, **options)

    return allowed | {"__import__": checked}


def _lock() -> None:
    """No further files, processes or bytes on disk: whoever gets around the names above gets nothing."""
    import resource
    import sys

    for module in ALLOWED:
        importlib.import_module(module)  # while files can still be opened
    importlib.import_module("core.platform.limited")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if not getattr(sys, "_metric_audited", False):
        sys._metric_audited = True  # type: ignore[attr-defined]
        sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own record of what opens files, sockets or processes; a hook cannot be removed again."""
    if event == "open" or event.startswith(("socket.", "subprocess.", "os.", "shutil.", "ctypes.", "pty.")):
        raise PermissionError(f"{event} is not allowed in a metric")
