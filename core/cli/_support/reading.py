"""The options about how a file is read, for every verb that reads files: `--delimiter`, `--encoding` and so on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from core.data.reading_options import READING, Reading


def with_reading(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with every option of READING, if it has a parameter `reading`: it gets the values as one checked record.

    Called when the command line is built, so that help texts list what is registered by then.
    """
    own = inspect.signature(verb, eval_str=True)
    if "reading" not in own.parameters:
        return verb
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(choice.flag, help=choice.help, show_default=False)],
        )
        for name, choice in READING.items()
    ]

    @functools.wraps(verb)
    def run(**values: Any) -> None:
        reading = Reading.of({name: values.pop(name) for name in READING})
        verb(**values, reading=reading)

    parameters = [*(item for name, item in own.parameters.items() if name != "reading"), *options]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer looks at
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run
